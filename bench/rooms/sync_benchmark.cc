// The difference between what should be and what is, and the batch that brings
// it about, in front of a kernel that costs nothing.
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "bench/rooms/bench_main.h"
#include "bench/rooms/null_dataplane.h"
#include "bench/rooms/operation_meter.h"
#include "bench/rooms/registration.h"
#include "bench/rooms/repeated_event.h"
#include "bench/rooms/warm_cluster.h"
#include "benchmark/benchmark.h"
#include "netpol/base/ip.h"
#include "netpol/rules/ruleset_change.h"
#include "netpol/sync/plan.h"
#include "netpol/sync/sync_engine.h"

namespace netpol {
namespace {

// An engine whose kernel has everything of a workload.
class SyncedEngine {
 public:
  static SyncEngine& Of(const std::string& workload) {
    static auto* const engines =
        new absl::flat_hash_map<std::string, std::unique_ptr<SyncedEngine>>;
    std::unique_ptr<SyncedEngine>& engine = (*engines)[workload];
    if (engine == nullptr) engine.reset(new SyncedEngine(workload));
    return engine->engine_;
  }

 private:
  explicit SyncedEngine(const std::string& workload)
      : engine_(&dataplane_, {Family::kIPv4}) {
    engine_.Stage(WarmCluster::Of(workload).everything());
    if (!engine_.Sync().ok()) std::abort();
  }

  NullDataplane dataplane_;
  SyncEngine engine_;
};

// Everything is missing.
void BM_PlanCold(benchmark::State& state, const std::string& workload) {
  const RulesetChange everything = WarmCluster::Of(workload).everything();
  OperationMeter meter;
  Plan plan;
  for (auto _ : state) {
    RulesetChange change = everything;
    NullDataplane dataplane;
    SyncEngine engine(&dataplane, {Family::kIPv4});
    state.SetIterationTime(meter.Measure([&] {
      engine.Stage(std::move(change));
      plan = *engine.Preview();
    }));
  }
  state.counters["sets"] = static_cast<double>(plan.create_sets.size());
  state.counters["chains"] =
      static_cast<double>(plan.tables.front().chains.size());
  meter.Report(state);
}

// Nothing has changed since the last batch.
void BM_PlanNothing(benchmark::State& state, const std::string& workload) {
  SyncEngine& engine = SyncedEngine::Of(workload);
  OperationMeter meter;
  for (auto _ : state) {
    state.SetIterationTime(meter.Measure(
        [&] { benchmark::DoNotOptimize(engine.Preview()->empty()); }));
  }
  meter.Report(state);
}

// Stages what one event changes, and plans it or, with `sync`, does it.
void StageEvent(benchmark::State& state, const std::string& event,
                const std::string& workload, bool sync) {
  WarmCluster& warm = WarmCluster::Of(workload);
  SyncEngine& engine = SyncedEngine::Of(workload);
  const RepeatedEvent repeated(event, warm);
  const RulesetChange there = warm.Apply(repeated.there());
  const RulesetChange back = warm.Apply(repeated.back());
  const auto apply = [&](RulesetChange change) {
    engine.Stage(std::move(change));
    if (!engine.Sync().ok()) state.SkipWithError("the batch failed");
  };
  if (repeated.is_there()) apply(back);
  OperationMeter meter;
  for (auto _ : state) {
    RulesetChange change = there;
    state.SetIterationTime(meter.Measure([&] {
      if (sync) {
        apply(std::move(change));
      } else {
        engine.Stage(std::move(change));
        benchmark::DoNotOptimize(engine.Preview()->empty());
      }
    }));
    if (sync) {
      apply(back);
    } else {
      engine.Stage(back);
    }
  }
  if (repeated.is_there()) apply(there);
  meter.Report(state);
}

void BM_PlanEvent(benchmark::State& state, const std::string& event,
                  const std::string& workload) {
  StageEvent(state, event, workload, false);
}
void BM_ApplyEvent(benchmark::State& state, const std::string& event,
                   const std::string& workload) {
  StageEvent(state, event, workload, true);
}

void RegisterAll() {
  RegisterWorkloads("BM_PlanCold", BM_PlanCold, benchmark::kMillisecond);
  RegisterWorkloads("BM_PlanNothing", BM_PlanNothing, benchmark::kMicrosecond);
  const std::vector<std::string> events = {
      "remote_pod_leaves", "local_pod_comes",     "policy_changes",
      "wide_policy_comes", "narrow_policy_comes", "namespace_relabelled"};
  RegisterEvents("BM_PlanEvent", BM_PlanEvent, events);
  RegisterEvents("BM_ApplyEvent", BM_ApplyEvent, events);
}

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  netpol::RegisterAll();
  return netpol::RunBenchmarks(argc, argv, 0.02);
}
