#include "bench/engine/step_figures.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace netpol {
namespace {

// "kernel" → kernel_us, and so on; the totals have shorter names.
void ReportPair(absl::string_view name, double ours, double floor,
                benchmark::State& state) {
  if (floor == 0) return;
  const std::string prefix =
      name == "kernel" ? std::string() : absl::StrCat(name, "_");
  state.counters[absl::StrCat(name, "_us")] = ours;
  state.counters[absl::StrCat(prefix, "floor_us")] = floor;
  state.counters[absl::StrCat(prefix, "ratio")] = ours / floor;
}

}  // namespace

double Percentile(std::vector<absl::Duration> values, double share) {
  if (values.empty()) return 0;
  const auto at = static_cast<size_t>(
      std::ceil(share * static_cast<double>(values.size())));
  const size_t index = std::min(std::max<size_t>(at, 1), values.size()) - 1;
  std::nth_element(values.begin(), values.begin() + index, values.end());
  return absl::ToDoubleMicroseconds(values[index]);
}

void StepFigures::Add(const EngineStep& step, const FloorStep& floor) {
  user_.push_back(step.user().cpu);
  events_.push_back(step.events.cpu);
  wall_.push_back(step.total().wall);
  kernel_.ours.push_back(step.kernel.total().cpu);
  kernel_.floor.push_back(floor.total().cpu);
  commits_.ours.push_back(step.kernel.commits.cpu);
  commits_.floor.push_back(floor.commits.cpu);
  edits_.ours.push_back(step.kernel.edits.cpu);
  edits_.floor.push_back(floor.edits.cpu);
  table_commits_ += static_cast<double>(step.report.writes.table_commits);
  set_messages_ += static_cast<double>(step.report.writes.set_messages);
}

double StepFigures::user_us() const { return Percentile(user_, 0.5); }

void StepFigures::Report(benchmark::State& state) const {
  const double steps = std::max<double>(1, user_.size());
  state.counters["user_us"] = user_us();
  state.counters["user_p99_us"] = Percentile(user_, 0.99);
  state.counters["events_us"] = Percentile(events_, 0.5);
  state.counters["wall_us"] = Percentile(wall_, 0.5);
  state.counters["table_commits"] = table_commits_ / steps;
  state.counters["set_messages"] = set_messages_ / steps;
  const auto report = [&](absl::string_view name, const Pair& pair) {
    ReportPair(name, Percentile(pair.ours, 0.5), Percentile(pair.floor, 0.5),
               state);
  };
  report("kernel", kernel_);
  report("commit", commits_);
  report("edit", edits_);
}

}  // namespace netpol
