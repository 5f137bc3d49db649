#include "tests/bench/rooms/benchmark_run.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/program.h"
#include "netpol/base/status_macros.h"
#include "nlohmann/json.hpp"

namespace netpol {

absl::StatusOr<std::vector<BenchmarkLine>> RunBenchmarkProgram(
    absl::string_view program, absl::string_view filter,
    const std::vector<std::string>& counters) {
  ASSIGN_OR_RETURN(
      const std::string text,
      OutputOf({absl::StrCat("bench/rooms/", program),
                absl::StrCat("--benchmark_filter=", filter),
                "--benchmark_min_time=0.00001", "--benchmark_format=json"}));
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("benchmarks")) {
    return absl::InternalError(
        absl::StrCat(program, " wrote something else than figures: ", text));
  }
  std::vector<BenchmarkLine> lines;
  for (const nlohmann::json& benchmark : json["benchmarks"]) {
    BenchmarkLine line;
    line.name = benchmark.value("name", "");
    if (benchmark.value("error_occurred", false))
      line.error = benchmark.value("error_message", "an error");
    for (const std::string& counter : counters)
      line.counters.push_back(benchmark.value(counter, -1.0));
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace netpol
