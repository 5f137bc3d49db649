// What the work in user space costs on named workloads, without a kernel.
#include <memory>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "netpol/controller.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/fake_dataplane.h"
#include "netpol/testing/workload.h"

namespace netpol {
namespace {

constexpr uint64_t kSeed = 1;

std::unique_ptr<Controller> NewController() {
  ControllerOptions options;
  options.node_name = std::string(kWorkloadNode);
  return *Controller::Create(std::move(options),
                             std::make_unique<FakeDataplane>());
}

void Feed(const std::vector<v1::WatchEvent>& events, Controller& controller) {
  for (const v1::WatchEvent& event : events) {
    benchmark::DoNotOptimize(controller.OnEvent(event));
  }
}

absl::string_view WorkloadName(int64_t index) {
  return index == 0 ? "S" : index == 1 ? "M" : "L";
}

// From an empty process to a plan of everything.
void BM_ColdPlan(benchmark::State& state) {
  const WorkloadShape shape = NamedWorkload(WorkloadName(state.range(0)));
  const std::vector<v1::WatchEvent> events =
      ListingOf(MakeWorkload(shape, kSeed));
  for (auto _ : state) {
    std::unique_ptr<Controller> controller = NewController();
    Feed(events, *controller);
    benchmark::DoNotOptimize(controller->Preview()->empty());
  }
  state.SetLabel(shape.name);
}
BENCHMARK(BM_ColdPlan)->DenseRange(0, 2)->Unit(benchmark::kMillisecond);

// One pod of another node comes and goes; its label is one that rules ask for.
void BM_RemotePodChurn(benchmark::State& state) {
  const WorkloadShape shape = NamedWorkload(WorkloadName(state.range(0)));
  Cluster cluster = MakeWorkload(shape, kSeed);
  std::unique_ptr<Controller> controller = NewController();
  Feed(ListingOf(cluster), *controller);
  if (!controller->Sync().ok()) state.SkipWithError("first sync failed");
  const v1::WatchEvent gone = Delete(cluster.pods.back());
  const v1::WatchEvent back = Upsert(cluster.pods.back());
  for (auto _ : state) {
    Feed({gone}, *controller);
    benchmark::DoNotOptimize(controller->Sync()->members_removed);
    Feed({back}, *controller);
    benchmark::DoNotOptimize(controller->Sync()->members_added);
  }
  state.SetItemsProcessed(2 * state.iterations());
  state.SetLabel(shape.name);
}
BENCHMARK(BM_RemotePodChurn)->DenseRange(0, 2)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace netpol
