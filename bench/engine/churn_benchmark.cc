// Single changes in a cluster that is in the kernel already: each is done and
// undone many times, with a Sync() after each event, and the kernel's own floor
// for the same work is measured after each. Needs root.
//
// StepFigures::Report() says what the counters are. `--pairs=N`: how often each
// change is done and undone, for a look with a profiler.
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "bench/engine/bench_network.h"
#include "bench/engine/int_flag.h"
#include "bench/engine/measured_engine.h"
#include "bench/engine/step_figures.h"
#include "bench/engine/workload_event.h"
#include "benchmark/benchmark.h"
#include "netpol/base/status_macros.h"
#include "netpol/testing/workload.h"
#include "netpol/testing/workload_change.h"

namespace netpol {
namespace {

constexpr uint64_t kSeed = 1;

// The engine with `shape` in the kernel. The one of the last call is kept, so
// that the changes of one workload can share it: each is undone.
absl::StatusOr<MeasuredEngine*> EngineWith(const WorkloadShape& shape) {
  static auto* const engine = new std::unique_ptr<MeasuredEngine>();
  static auto* const loaded = new std::string();
  if (*loaded != shape.name) {
    loaded->clear();
    engine->reset();
    ASSIGN_OR_RETURN(*engine, MeasuredEngine::Load(shape, kSeed));
    *loaded = shape.name;
  }
  return engine->get();
}

// One event; returns the seconds that it took.
absl::StatusOr<double> Do(const v1::WatchEvent& event, MeasuredEngine& engine,
                          StepFigures& figures) {
  ASSIGN_OR_RETURN(const EngineStep step, engine.Step({event}));
  ASSIGN_OR_RETURN(const FloorStep floor, engine.MeasureFloor(step));
  figures.Add(step, floor);
  return absl::ToDoubleSeconds(step.total().wall);
}

absl::Status Run(benchmark::State& state, const WorkloadShape& shape,
                 const WorkloadChange& change) {
  ASSIGN_OR_RETURN(MeasuredEngine* const engine, EngineWith(shape));
  StepFigures figures;
  for (auto _ : state) {
    ASSIGN_OR_RETURN(const double forth, Do(change.forth, *engine, figures));
    ASSIGN_OR_RETURN(const double back, Do(change.back, *engine, figures));
    state.SetIterationTime(forth + back);
  }
  figures.Report(state);
  return absl::OkStatus();
}

// `asked` if it is not 0. Of X a step with a commit takes long.
int PairsOf(const WorkloadEvent& event, const WorkloadShape& shape, int asked) {
  if (asked > 0) return asked;
  if (shape.name == "X" && event.touches_rules) return 5;
  return event.pairs;
}

void Register(const WorkloadEvent& event, const WorkloadShape& shape,
              const WorkloadChange& change, int pairs) {
  benchmark::RegisterBenchmark(
      absl::StrCat("BM_", event.name, "/", shape.name).c_str(),
      [shape, change](benchmark::State& state) {
        const absl::Status status = Run(state, shape, change);
        if (!status.ok())
          state.SkipWithError(std::string(status.message()).c_str());
      })
      ->UseManualTime()
      ->Iterations(PairsOf(event, shape, pairs))
      ->Unit(benchmark::kMicrosecond);
}

// What a workload does not have is left out.
void RegisterAll(int pairs) {
  for (const char* name : {"S", "S_all_local", "M", "L", "X"}) {
    const WorkloadShape shape = NamedWorkload(name);
    const WorkloadChanges changes(shape, kSeed);
    for (const WorkloadEvent& event : WorkloadEvents()) {
      const absl::StatusOr<WorkloadChange> change = (changes.*event.make)();
      if (change.ok()) Register(event, shape, *change, pairs);
    }
  }
}

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  netpol::RegisterAll(netpol::TakeIntFlag("pairs", 0, argc, argv));
  return netpol::RunBenchmarksInNetwork(argc, argv);
}
