#include "bench/comparison.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"

namespace netpol {
namespace {

std::string GoalText(const Goal& goal) {
  return absl::StrCat(
      goal.of == Goal::Of::kOurs ? "ours" : "ratio",
      goal.bound == Goal::Bound::kAtMost ? " <= " : " >= ", goal.limit);
}

// The counter `name` of `result`; notes its absence in `line`.
absl::optional<double> CounterOf(const BenchmarkResult& result,
                                 const std::string& name,
                                 ComparisonLine& line) {
  if (name.empty()) return absl::nullopt;
  const auto it = result.counters.find(name);
  if (it != result.counters.end()) return it->second;
  line.problem = absl::StrCat("no counter ", name);
  return absl::nullopt;
}

bool IsMet(const Goal& goal, const ComparisonLine& line) {
  const absl::optional<double>& value =
      goal.of == Goal::Of::kOurs ? line.ours : line.ratio;
  if (!line.problem.empty() || !value.has_value()) return false;
  return goal.bound == Goal::Bound::kAtMost ? *value <= goal.limit
                                            : *value >= goal.limit;
}

std::string Figure(const absl::optional<double>& value) {
  if (!value.has_value()) return "";
  return *value == 0 || *value >= 1000 ? absl::StrFormat("%.0f", *value)
                                       : absl::StrFormat("%.3g", *value);
}

nlohmann::json Number(const absl::optional<double>& value) {
  return value.has_value() ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

}  // namespace

ComparisonLine Compare(const Goal& goal, const BenchmarkResults& results) {
  ComparisonLine line;
  line.name = goal.name;
  line.unit = goal.unit;
  line.goal = GoalText(goal);
  const BenchmarkResult* result = FindResult(results, goal.benchmark);
  if (result == nullptr) {
    line.problem = absl::StrCat("no benchmark ", goal.benchmark);
    return line;
  }
  if (!result->error.empty()) {
    line.problem = result->error;
    return line;
  }
  line.ours = CounterOf(*result, goal.ours, line);
  line.floor = CounterOf(*result, goal.floor, line);
  line.ratio = CounterOf(*result, goal.ratio, line);
  if (goal.ratio.empty() && line.ours && line.floor && *line.floor > 0)
    line.ratio = *line.ours / *line.floor;
  line.met = IsMet(goal, line);
  return line;
}

std::string TableOf(const std::vector<ComparisonLine>& lines) {
  std::string text =
      "| What | Ours | Unit | Floor | Ratio | Goal | Met |\n"
      "|---|---:|---|---:|---:|---|---|\n";
  for (const ComparisonLine& line : lines) {
    absl::StrAppend(
        &text, "| ", line.name, " | ", Figure(line.ours), " | ", line.unit,
        " | ", Figure(line.floor), " | ", Figure(line.ratio), " | ", line.goal,
        " | ", line.problem.empty() ? (line.met ? "yes" : "no") : line.problem,
        " |\n");
  }
  return text;
}

std::string JsonOf(const std::vector<ComparisonLine>& lines) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const ComparisonLine& line : lines) {
    nlohmann::ordered_json object;
    object["name"] = line.name;
    object["ours"] = Number(line.ours);
    object["unit"] = line.unit;
    object["floor"] = Number(line.floor);
    object["ratio"] = Number(line.ratio);
    object["goal"] = line.goal;
    object["met"] = line.met;
    if (!line.problem.empty()) object["problem"] = line.problem;
    list.push_back(std::move(object));
  }
  return absl::StrCat(list.dump(2), "\n");
}

}  // namespace netpol
