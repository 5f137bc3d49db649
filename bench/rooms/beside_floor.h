// One kind of kernel call, with the least that it can cost beside it.
#ifndef NETPOL_BENCH_ROOMS_BESIDE_FLOOR_H_
#define NETPOL_BENCH_ROOMS_BESIDE_FLOOR_H_

#include <cstdint>
#include <vector>

#include "bench/floor/cost.h"
#include "benchmark/benchmark.h"

namespace netpol {

// Collects pairs measured one after the other, so that both meet the same
// machine in the same mood. Thread-compatible.
class BesideFloor {
 public:
  // Makes the pair an iteration of `state`, which uses manual time: ours on the
  // wall clock.
  void Add(const Cost& ours, const Cost& floor, benchmark::State& state);

  // Counters, medians in microseconds:
  //   kernel_us, floor_us, ratio    CPU time of the thread, in user space and
  //                                 in the kernel: the call; the floor; the
  //                                 first by the second
  //   wall_us, wall_floor_us        the same on the wall clock
  void Report(benchmark::State& state) const;

 private:
  struct Samples {
    std::vector<int64_t> cpu;
    std::vector<int64_t> wall;

    void Add(const Cost& cost);
  };

  Samples ours_;
  Samples floor_;
};

}  // namespace netpol

#endif  // NETPOL_BENCH_ROOMS_BESIDE_FLOOR_H_
