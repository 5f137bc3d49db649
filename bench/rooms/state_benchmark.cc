// What one event costs in the index of the cluster: everything that compiled
// rules listen to is registered.
#include <string>
#include <utility>

#include "bench/rooms/bench_main.h"
#include "bench/rooms/operation_meter.h"
#include "bench/rooms/parsed_event.h"
#include "bench/rooms/registration.h"
#include "bench/rooms/repeated_event.h"
#include "bench/rooms/warm_cluster.h"
#include "benchmark/benchmark.h"
#include "netpol/state/cluster_state.h"
#include "netpol/state/dirty_set.h"
#include "netpol/testing/workload.h"

namespace netpol {
namespace {

// All objects of a cluster, to a state that nobody listens to yet.
void BM_StateFill(benchmark::State& state, const std::string& workload) {
  const std::vector<ParsedEvent> objects =
      ParsedObjects(MakeWorkload(NamedWorkload(workload), kBenchSeed));
  OperationMeter meter;
  for (auto _ : state) {
    std::vector<ParsedEvent> events = objects;
    ClusterState cluster{std::string(kWorkloadNode)};
    state.SetIterationTime(meter.Measure([&] {
      for (ParsedEvent& event : events) Tell(std::move(event), cluster);
      benchmark::DoNotOptimize(cluster.TakeDirty());
    }));
  }
  state.counters["objects"] = static_cast<double>(objects.size());
  meter.Report(state);
}

// One event, and the look at what became dirty.
void BM_StateEvent(benchmark::State& state, const std::string& event,
                   const std::string& workload) {
  WarmCluster& warm = WarmCluster::Of(workload);
  const RepeatedEvent repeated(event, warm);
  OperationMeter meter;
  DirtySet dirty;
  for (auto _ : state) {
    ParsedEvent there = ParseEvent(repeated.there());
    ParsedEvent back = ParseEvent(repeated.back());
    state.SetIterationTime(meter.Measure([&] {
      Tell(std::move(there), warm.state());
      dirty = warm.state().TakeDirty();
    }));
    Tell(std::move(back), warm.state());
    warm.state().TakeDirty();
  }
  meter.Report(state);
  state.counters["memberships"] =
      static_cast<double>(dirty.memberships.size() + dirty.named_ports.size());
}

void RegisterAll() {
  RegisterWorkloads("BM_StateFill", BM_StateFill, benchmark::kMillisecond);
  RegisterEvents(
      "BM_StateEvent", BM_StateEvent,
      {"remote_pod_leaves", "remote_pod_comes", "remote_pod_relabelled",
       "other_pod_comes", "local_pod_leaves", "local_pod_comes",
       "policy_changes", "policy_comes", "wide_policy_comes",
       "narrow_policy_comes", "namespace_relabelled"});
}

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  netpol::RegisterAll();
  return netpol::RunBenchmarks(argc, argv, 0.02);
}
