// Results beside what was to be reached.
#ifndef NETPOL_BENCH_COMPARISON_H_
#define NETPOL_BENCH_COMPARISON_H_

#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "bench/benchmark_results.h"
#include "bench/goals.h"

namespace netpol {

struct ComparisonLine {
  std::string name;
  absl::optional<double> ours;
  std::string unit;
  absl::optional<double> floor;
  absl::optional<double> ratio;
  std::string goal;  // "ours <= 100"
  bool met = false;
  std::string problem;  // why there is no figure; then `met` is false
};

ComparisonLine Compare(const Goal& goal, const BenchmarkResults& results);

// For people: a Markdown table.
std::string TableOf(const std::vector<ComparisonLine>& lines);

// A list of objects with name, ours, unit, floor, ratio (null where there is
// none), goal and met.
std::string JsonOf(const std::vector<ComparisonLine>& lines);

}  // namespace netpol

#endif  // NETPOL_BENCH_COMPARISON_H_
