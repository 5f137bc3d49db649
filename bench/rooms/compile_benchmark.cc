// From what became dirty in the cluster to what must change in the kernel.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/rooms/bench_main.h"
#include "bench/rooms/operation_meter.h"
#include "bench/rooms/parsed_event.h"
#include "bench/rooms/registration.h"
#include "bench/rooms/repeated_event.h"
#include "bench/rooms/warm_cluster.h"
#include "benchmark/benchmark.h"
#include "netpol/compile/compiler.h"
#include "netpol/compile/layout.h"
#include "netpol/rules/ruleset_change.h"
#include "netpol/state/cluster_state.h"
#include "netpol/state/dirty_set.h"
#include "netpol/testing/workload.h"

namespace netpol {
namespace {

void Count(const RulesetChange& change, benchmark::State& state) {
  const RulesetChange::Table& table = change.tables[0];
  size_t members = change.members.size();
  for (const SetContent& set : change.sets) members += set.members.size();
  state.counters["sets"] = static_cast<double>(change.sets.size());
  state.counters["members"] = static_cast<double>(members);
  state.counters["chains"] = static_cast<double>(table.chains.size());
}

// A whole cluster, by a compiler that has told nothing yet.
void BM_CompileCold(benchmark::State& state, const std::string& workload) {
  const std::vector<ParsedEvent> objects =
      ParsedObjects(MakeWorkload(NamedWorkload(workload), kBenchSeed));
  OperationMeter meter;
  RulesetChange change;
  for (auto _ : state) {
    ClusterState cluster{std::string(kWorkloadNode)};
    for (const ParsedEvent& event : objects) Tell(event, cluster);
    const DirtySet dirty = cluster.TakeDirty();
    Compiler compiler(LayoutOptions(), &cluster);
    state.SetIterationTime(
        meter.Measure([&] { change = compiler.Compile(dirty); }));
  }
  Count(change, state);
  meter.Report(state);
}

// What one event made dirty.
void BM_CompileEvent(benchmark::State& state, const std::string& event,
                     const std::string& workload) {
  WarmCluster& warm = WarmCluster::Of(workload);
  const RepeatedEvent repeated(event, warm);
  OperationMeter meter;
  RulesetChange change;
  for (auto _ : state) {
    Tell(ParseEvent(repeated.there()), warm.state());
    const DirtySet dirty = warm.state().TakeDirty();
    state.SetIterationTime(
        meter.Measure([&] { change = warm.compiler().Compile(dirty); }));
    warm.Apply(repeated.back());
  }
  Count(change, state);
  meter.Report(state);
}

void RegisterAll() {
  RegisterWorkloads("BM_CompileCold", BM_CompileCold, benchmark::kMillisecond);
  RegisterEvents(
      "BM_CompileEvent", BM_CompileEvent,
      {"remote_pod_leaves", "remote_pod_comes", "remote_pod_relabelled",
       "local_pod_leaves", "local_pod_comes", "policy_changes", "policy_leaves",
       "policy_comes", "wide_policy_comes", "narrow_policy_comes",
       "namespace_relabelled"});
}

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  netpol::RegisterAll();
  return netpol::RunBenchmarks(argc, argv, 0.02);
}
