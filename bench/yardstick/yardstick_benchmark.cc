// Our controller beside one that writes everything again on every event: the
// same cluster, the same events, one run, a network namespace for each. Needs
// root.
//
// One sync of the yardstick on L takes ipset alone many minutes. It is stopped
// after one, and what it took by then is a lower bound of every event's cost,
// and so is the ratio (the counter yardstick_is_lower_bound is 1). With
// --to_the_end it is not stopped, gets the events of L, and all of X: that may
// take hours.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "bench/engine/bench_network.h"
#include "bench/yardstick/side_by_side.h"
#include "benchmark/benchmark.h"
#include "netpol/testing/workload.h"

namespace netpol {
namespace {

constexpr uint64_t kSeed = 1;

// The workload of this name, as large as the yardstick can take it: the set of
// a peer that is the whole cluster would pass ipset's default of 65,536
// members, and every sync of the yardstick would end there.
WorkloadShape ComparedShape(const std::string& name) {
  WorkloadShape shape = NamedWorkload(name);
  shape.whole_cluster_peer = false;
  return shape;
}

// Started once for all events of a workload; the last one's goes first, so that
// there is one at a time.
absl::StatusOr<SideBySide*> SidesOf(const std::string& workload,
                                    absl::Duration set_restore_limit) {
  static std::string name;
  static std::unique_ptr<SideBySide> sides;
  if (sides == nullptr || name != workload) {
    sides.reset();
    absl::StatusOr<std::unique_ptr<SideBySide>> started =
        SideBySide::Start(ComparedShape(workload), kSeed, set_restore_limit);
    if (!started.ok()) return started.status();
    sides = *std::move(started);
    name = workload;
  }
  return sides.get();
}

Repetitions RepetitionsFor(const std::string& workload) {
  if (workload == "S") return {.ours = 400, .yardstick = 6};
  if (workload == "M") return {.ours = 400, .yardstick = 2};
  return {.ours = 200, .yardstick = 1};
}

void SetCounters(const SidesCost& cost, benchmark::State& state) {
  auto& counters = state.counters;
  const WorkCost& ours = cost.ours;
  const WorkCost& yardstick = cost.yardstick;
  counters["ours_ms"] = absl::ToDoubleMilliseconds(ours.wall);
  counters["ours_cpu_us"] = absl::ToDoubleMicroseconds(ours.cpu);
  counters["ours_writes"] = static_cast<double>(cost.ours_writes);
  counters["yardstick_ms"] = absl::ToDoubleMilliseconds(yardstick.wall);
  counters["yardstick_cpu_us"] = absl::ToDoubleMicroseconds(yardstick.cpu);
  counters["ratio_wall"] = absl::FDivDuration(yardstick.wall, ours.wall);
  counters["ratio_cpu"] = absl::FDivDuration(yardstick.cpu, ours.cpu);
  counters["yardstick_is_lower_bound"] = cost.yardstick_is_lower_bound;
  const FullRebuildReport& report = cost.yardstick_report;
  counters["yardstick_commands"] = static_cast<double>(report.commands);
  counters["yardstick_sets"] = static_cast<double>(report.sets);
  counters["yardstick_set_entries"] = static_cast<double>(report.set_entries);
  counters["yardstick_set_bytes"] = static_cast<double>(report.set_bytes);
  counters["yardstick_chains"] = static_cast<double>(report.chains);
  counters["yardstick_rules"] = static_cast<double>(report.rules);
  counters["yardstick_table_bytes"] = static_cast<double>(report.table_bytes);
}

using CostOf = absl::StatusOr<SidesCost> (*)(SideBySide&, Repetitions);

// One iteration, whose time is ours; the rest is in the counters.
void BM_SideBySide(benchmark::State& state, const std::string& workload,
                   CostOf cost_of, absl::Duration set_restore_limit) {
  for (auto _ : state) {
    const absl::StatusOr<SideBySide*> sides =
        SidesOf(workload, set_restore_limit);
    const absl::StatusOr<SidesCost> cost =
        sides.ok() ? cost_of(**sides, RepetitionsFor(workload))
                   : absl::StatusOr<SidesCost>(sides.status());
    if (!cost.ok()) {
      state.SkipWithError(std::string(cost.status().message()).c_str());
      return;
    }
    SetCounters(*cost, state);
    state.SetIterationTime(absl::ToDoubleSeconds(cost->ours.wall));
  }
}

void RegisterAll(bool to_the_end) {
  const std::pair<const char*, CostOf> kinds[] = {
      {"ColdStart",
       [](SideBySide& sides, Repetitions) {
         return absl::StatusOr<SidesCost>(sides.cold_start());
       }},
      {"RemotePod",
       [](SideBySide& sides, Repetitions repetitions) {
         return sides.RemotePod(repetitions);
       }},
      {"Policy", [](SideBySide& sides, Repetitions repetitions) {
         return sides.Policy(repetitions);
       }}};
  const absl::Duration limit =
      to_the_end ? absl::InfiniteDuration() : absl::Minutes(1);
  std::vector<std::string> workloads = {"S", "M", "L/4", "L"};
  if (to_the_end) workloads.push_back("X");
  for (const std::string& workload : workloads) {
    for (const auto& [kind, cost_of] : kinds) {
      const std::string name = "BM_SideBySide/" + workload + "/" + kind;
      benchmark::RegisterBenchmark(name.c_str(), BM_SideBySide, workload,
                                   cost_of, limit)
          ->Iterations(1)
          ->UseManualTime()
          ->Unit(benchmark::kMillisecond);
    }
  }
}

// Takes `flag` out of the arguments; whether it was there.
bool Take(absl::string_view flag, int& argc, char** argv) {
  char** end = argv + argc;
  char** kept = std::remove_if(
      argv + 1, end, [flag](const char* argument) { return flag == argument; });
  argc = static_cast<int>(kept - argv);
  argv[argc] = nullptr;
  return kept != end;
}

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  netpol::RegisterAll(netpol::Take("--to_the_end", argc, argv));
  return netpol::RunBenchmarksInNetwork(argc, argv);
}
