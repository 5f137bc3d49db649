// Time and allocations of single operations, for benchmarks whose loop holds
// more than what is measured.
#ifndef NETPOL_BENCH_ROOMS_OPERATION_METER_H_
#define NETPOL_BENCH_ROOMS_OPERATION_METER_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "bench/rooms/allocation_count.h"
#include "benchmark/benchmark.h"

namespace netpol {

// The number that `share` (0 to 1) of `values` do not exceed; 0 for none.
int64_t QuantileOf(std::vector<int64_t> values, double share);

// Collects what each operation took, so that a median can be told, which the
// other programs of the machine hardly move. Thread-compatible.
class OperationMeter {
 public:
  // Runs `work` once. Returns the seconds that it took on the wall clock, for
  // benchmark::State::SetIterationTime().
  template <typename Work>
  double Measure(Work&& work) {
    const AllocationCount before = AllocationsOfThisThread();
    const int64_t cpu_start = ThreadCpuNanoseconds();
    const auto start = std::chrono::steady_clock::now();
    std::forward<Work>(work)();
    const auto end = std::chrono::steady_clock::now();
    cpu_nanoseconds_.push_back(ThreadCpuNanoseconds() - cpu_start);
    const AllocationCount after = AllocationsOfThisThread();
    allocations_.calls += after.calls - before.calls;
    allocations_.bytes += after.bytes - before.bytes;
    nanoseconds_.push_back(
        std::chrono::duration_cast<std::chrono::nanoseconds>(end - start)
            .count());
    return static_cast<double>(nanoseconds_.back()) * 1e-9;
  }

  // User counters: p50_us and p99_us of the wall clock; cpu_us, the median CPU
  // time, for operations that are long enough to be interrupted (reading that
  // clock is in it, some 0.3 us); per operation allocations and
  // allocated_bytes. Where an operation is `parts` equal ones, all are given
  // for one part.
  void Report(benchmark::State& state, int64_t parts = 1) const;

 private:
  static int64_t ThreadCpuNanoseconds();

  std::vector<int64_t> nanoseconds_;
  std::vector<int64_t> cpu_nanoseconds_;
  AllocationCount allocations_;
};

}  // namespace netpol

#endif  // NETPOL_BENCH_ROOMS_OPERATION_METER_H_
