// One short pass of a benchmark program, and what it told.
#ifndef NETPOL_TESTS_BENCH_ROOMS_BENCHMARK_RUN_H_
#define NETPOL_TESTS_BENCH_ROOMS_BENCHMARK_RUN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace netpol {

// One benchmark's line.
struct BenchmarkLine {
  std::string name;
  std::string error;  // of SkipWithError(); empty if it ran
  // The counters that were asked for; missing ones are -1.
  std::vector<double> counters;
};

// Runs bench/rooms/`program` on what `filter` matches, each benchmark as short
// as it can be. Internal, with its output, if it failed or wrote no JSON.
absl::StatusOr<std::vector<BenchmarkLine>> RunBenchmarkProgram(
    absl::string_view program, absl::string_view filter,
    const std::vector<std::string>& counters);

}  // namespace netpol

#endif  // NETPOL_TESTS_BENCH_ROOMS_BENCHMARK_RUN_H_
