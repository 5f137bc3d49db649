#include "bench/benchmark_results.h"

#include <array>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "nlohmann/json.hpp"

namespace netpol {
namespace {

BenchmarkResult ResultOf(const nlohmann::json& entry) {
  BenchmarkResult result;
  if (entry.value("error_occurred", false)) {
    result.error = entry.value("error_message", "it went wrong");
    return result;
  }
  for (const auto& [name, value] : entry.items()) {
    if (value.is_number()) result.counters[name] = value.get<double>();
  }
  return result;
}

bool IsOwnPart(absl::string_view part) {
  constexpr std::array<absl::string_view, 6> kBefore = {
      "iterations:", "repeats:",    "min_time:",
      "threads:",    "manual_time", "real_time"};
  for (absl::string_view before : kBefore) {
    if (absl::StartsWith(part, before)) return true;
  }
  return part == "process_time";
}

}  // namespace

absl::StatusOr<BenchmarkResults> ParseBenchmarkResults(absl::string_view json) {
  const nlohmann::json parsed = nlohmann::json::parse(
      json.begin(), json.end(), /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object() || !parsed.contains("benchmarks") ||
      !parsed["benchmarks"].is_array()) {
    return absl::InvalidArgumentError("no JSON object with `benchmarks`");
  }
  BenchmarkResults results;
  for (const nlohmann::json& entry : parsed["benchmarks"]) {
    if (entry.is_object() && entry.contains("name") &&
        entry["name"].is_string()) {
      results[entry["name"].get<std::string>()] = ResultOf(entry);
    }
  }
  return results;
}

const BenchmarkResult* FindResult(const BenchmarkResults& results,
                                  const std::string& name) {
  // From "name" on in order; names with more parts come later.
  for (auto it = results.lower_bound(name);
       it != results.end() && absl::StartsWith(it->first, name); ++it) {
    absl::string_view rest = it->first;
    rest.remove_prefix(name.size());
    if (rest.empty()) return &it->second;
    if (rest.front() != '/') continue;
    bool own = true;
    for (absl::string_view part : absl::StrSplit(rest.substr(1), '/'))
      own = own && IsOwnPart(part);
    if (own) return &it->second;
  }
  return nullptr;
}

}  // namespace netpol
