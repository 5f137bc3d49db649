// The figures of many steps of one kind, as a benchmark's counters.
#ifndef NETPOL_BENCH_ENGINE_STEP_FIGURES_H_
#define NETPOL_BENCH_ENGINE_STEP_FIGURES_H_

#include <vector>

#include "absl/time/time.h"
#include "bench/engine/measured_engine.h"
#include "benchmark/benchmark.h"

namespace netpol {

// The value that `share` (0 to 1) of `values` do not exceed, in microseconds; 0
// for none.
double Percentile(std::vector<absl::Duration> values, double share);

// Thread-compatible.
class StepFigures {
 public:
  void Add(const EngineStep& step, const FloorStep& floor);

  // Median CPU time outside of the dataplane, in microseconds.
  double user_us() const;

  // Counters of `state`; medians over the steps, CPU time in microseconds
  // unless it says wall:
  //   user_us, user_p99_us  outside of the dataplane calls
  //   events_us             of it, OnEvent()
  //   kernel_us, floor_us, ratio        all dataplane calls; the same bare; the
  //                                     first by the second
  //   commit_us, commit_floor_us, commit_ratio   CommitTable() alone
  //   edit_us, edit_floor_us, edit_ratio         members of sets alone
  //   wall_us               the whole step
  //   table_commits, set_messages       per step, mean
  // Those of a kind of call that no step made are left out.
  void Report(benchmark::State& state) const;

 private:
  struct Pair {
    std::vector<absl::Duration> ours;
    std::vector<absl::Duration> floor;
  };

  std::vector<absl::Duration> user_;
  std::vector<absl::Duration> events_;
  std::vector<absl::Duration> wall_;
  Pair kernel_;
  Pair commits_;
  Pair edits_;
  double table_commits_ = 0;
  double set_messages_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_BENCH_ENGINE_STEP_FIGURES_H_
