// Rules, members and plans to text.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/rooms/bench_main.h"
#include "bench/rooms/null_dataplane.h"
#include "bench/rooms/operation_meter.h"
#include "bench/rooms/warm_cluster.h"
#include "benchmark/benchmark.h"
#include "netpol/base/ip.h"
#include "netpol/rules/rule.h"
#include "netpol/rules/ruleset_change.h"
#include "netpol/rules/set.h"
#include "netpol/sync/plan.h"
#include "netpol/sync/sync_engine.h"

namespace netpol {
namespace {

// Every rule of the workload in the form of iptables-save.
void BM_RuleText(benchmark::State& state, const std::string& workload) {
  const RulesetChange& everything = WarmCluster::Of(workload).everything();
  std::vector<const Rule*> rules;
  for (const Chain& chain : everything.tables[0].chains) {
    for (const Rule& rule : chain.rules) rules.push_back(&rule);
  }
  OperationMeter meter;
  size_t bytes = 0;
  for (auto _ : state) {
    bytes = 0;
    state.SetIterationTime(meter.Measure([&] {
      for (const Rule* rule : rules)
        bytes += rule->ToString(Family::kIPv4).size();
    }));
  }
  const auto count = static_cast<int64_t>(rules.size());
  state.counters["rules"] = static_cast<double>(count);
  state.counters["bytes"] = static_cast<double>(bytes) / rules.size();
  meter.Report(state, count);
}

// Every member of every set of the workload in the form of ipset.
void BM_MemberText(benchmark::State& state, const std::string& workload) {
  const RulesetChange& everything = WarmCluster::Of(workload).everything();
  std::vector<SetMember> members;
  for (const SetContent& set : everything.sets)
    members.insert(members.end(), set.members.begin(), set.members.end());
  OperationMeter meter;
  for (auto _ : state) {
    state.SetIterationTime(meter.Measure([&] {
      for (const SetMember& member : members)
        benchmark::DoNotOptimize(member.ToString().size());
    }));
  }
  const auto count = static_cast<int64_t>(members.size());
  state.counters["members"] = static_cast<double>(count);
  meter.Report(state, count);
}

// The plan of a cold start, as a person reads it.
void BM_PlanText(benchmark::State& state, const std::string& workload) {
  NullDataplane dataplane;
  SyncEngine engine(&dataplane, {Family::kIPv4});
  engine.Stage(WarmCluster::Of(workload).everything());
  const Plan plan = *engine.Preview();
  OperationMeter meter;
  size_t bytes = 0;
  for (auto _ : state) {
    state.SetIterationTime(
        meter.Measure([&] { bytes = plan.ToString().size(); }));
  }
  state.counters["bytes"] = static_cast<double>(bytes);
  meter.Report(state);
}

void RegisterAll() {
  for (const char* workload : {"S", "M", "L"}) {
    benchmark::RegisterBenchmark(absl::StrCat("BM_RuleText/", workload).c_str(),
                                 BM_RuleText, std::string(workload))
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark(
        absl::StrCat("BM_MemberText/", workload).c_str(), BM_MemberText,
        std::string(workload))
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark(absl::StrCat("BM_PlanText/", workload).c_str(),
                                 BM_PlanText, std::string(workload))
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  netpol::RegisterAll();
  return netpol::RunBenchmarks(argc, argv, 0.2);
}
