// From parsed objects to the kernel, in a network namespace of its own. Needs
// root.
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "netpol/controller.h"
#include "netpol/dataplane/linux_dataplane.h"
#include "netpol/sync/sync_engine.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/workload.h"

namespace netpol {
namespace {

constexpr uint64_t kSeed = 1;

std::unique_ptr<Controller> NewController() {
  ControllerOptions options;
  options.node_name = std::string(kWorkloadNode);
  return *Controller::Create(std::move(options), *LinuxDataplane::Create({}));
}

void CleanUp() {
  std::unique_ptr<LinuxDataplane> dataplane = *LinuxDataplane::Create({});
  SyncEngine engine(dataplane.get(), {Family::kIPv4});
  engine.WantNothing();
  // Sets may stay in use for a moment after the rules are gone.
  for (int i = 0; i < 100; ++i) {
    const absl::StatusOr<SyncReport> report = engine.Sync();
    if (report.ok() && !report->retry) return;
  }
}

bool Feed(const std::vector<v1::WatchEvent>& events, Controller& controller) {
  for (const v1::WatchEvent& event : events) {
    if (!controller.OnEvent(event).ok()) return false;
  }
  return true;
}

// Events of the whole cluster, compiled and written to an empty kernel.
void BM_Apply(benchmark::State& state, const WorkloadShape& shape) {
  const std::vector<v1::WatchEvent> events =
      ListingOf(MakeWorkload(shape, kSeed));
  SyncReport last;
  for (auto _ : state) {
    std::unique_ptr<Controller> controller = NewController();
    if (!Feed(events, *controller)) state.SkipWithError("an event was refused");
    absl::StatusOr<SyncReport> report = controller->Sync();
    if (!report.ok())
      state.SkipWithError(std::string(report.status().message()).c_str());
    state.PauseTiming();
    if (report.ok()) last = *report;
    CleanUp();
    state.ResumeTiming();
  }
  state.counters["sets"] = last.sets_created;
  state.counters["chains"] = last.chains_written;
}
BENCHMARK_CAPTURE(BM_Apply, S, NamedWorkload("S"))
    ->Unit(benchmark::kMillisecond);
// 60 policies over 300 pods, every one of them on this node.
BENCHMARK_CAPTURE(BM_Apply, S_all_local,
                  WorkloadShape{"S_all_local", 2, 300, 300, 10, 60})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Apply, M, NamedWorkload("M"))
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Apply, L, NamedWorkload("L"))
    ->Unit(benchmark::kMillisecond);

// A start on a node where everything is in place already.
void BM_ApplyAgain(benchmark::State& state) {
  const std::vector<v1::WatchEvent> events =
      ListingOf(MakeWorkload(NamedWorkload("S"), kSeed));
  std::unique_ptr<Controller> first = NewController();
  if (!Feed(events, *first) || !first->Sync().ok())
    state.SkipWithError("first apply failed");
  for (auto _ : state) {
    std::unique_ptr<Controller> controller = NewController();
    if (!Feed(events, *controller)) state.SkipWithError("an event was refused");
    const absl::StatusOr<SyncReport> report = controller->Sync();
    if (!report.ok() || report->writes.total() != 0)
      state.SkipWithError("it wrote");
  }
  CleanUp();
}
BENCHMARK(BM_ApplyAgain)->Unit(benchmark::kMillisecond);

// One remote pod that rules ask for comes and goes: two syncs.
void BM_RemotePodChurn(benchmark::State& state, const std::string& workload) {
  const Cluster cluster = MakeWorkload(NamedWorkload(workload), kSeed);
  std::unique_ptr<Controller> controller = NewController();
  if (!Feed(ListingOf(cluster), *controller) || !controller->Sync().ok()) {
    state.SkipWithError("first apply failed");
  }
  uint64_t commits = 0;
  for (auto _ : state) {
    for (const v1::WatchEvent& event :
         {Delete(cluster.pods.back()), Upsert(cluster.pods.back())}) {
      if (!Feed({event}, *controller))
        state.SkipWithError("an event was refused");
      const absl::StatusOr<SyncReport> report = controller->Sync();
      if (report.ok()) commits += report->writes.table_commits;
    }
  }
  state.SetItemsProcessed(2 * state.iterations());
  state.counters["table_commits"] = static_cast<double>(commits);
  CleanUp();
}
BENCHMARK_CAPTURE(BM_RemotePodChurn, S, std::string("S"))
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_RemotePodChurn, L, std::string("L"))
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  if (unshare(CLONE_NEWNET) != 0) {
    std::cerr << "apply_benchmark: needs root: it makes a network namespace\n";
    return 1;
  }
  // The host's lock is for the host's tables.
  char lock[] = "/tmp/apply_benchmark.XXXXXX";
  if (const int fd = mkstemp(lock); fd < 0) return 1;
  setenv("XTABLES_LOCKFILE", lock, 1);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  unlink(lock);
  return 0;
}
