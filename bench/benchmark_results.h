// What a Google Benchmark program wrote with --benchmark_out.
#ifndef NETPOL_BENCH_BENCHMARK_RESULTS_H_
#define NETPOL_BENCH_BENCHMARK_RESULTS_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace netpol {

// A benchmark that went wrong has an error and no counters.
struct BenchmarkResult {
  std::map<std::string, double> counters;
  std::string error;
};

// By the benchmarks' whole names.
using BenchmarkResults = std::map<std::string, BenchmarkResult>;

// Reads the JSON form. InvalidArgument if `json` is no such thing.
absl::StatusOr<BenchmarkResults> ParseBenchmarkResults(absl::string_view json);

// The result of `name`, or of `name` with a further part behind a slash that is
// Google Benchmark's own ("/iterations:5", "/manual_time"); nullptr if there is
// none.
const BenchmarkResult* FindResult(const BenchmarkResults& results,
                                  const std::string& name);

}  // namespace netpol

#endif  // NETPOL_BENCH_BENCHMARK_RESULTS_H_
