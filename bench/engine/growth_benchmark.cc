// The same change in 1/8, 1/4, 1/2 and the whole of L, where what the node has
// to do with is the same: what a change costs should not depend on the rest.
// Needs root.
//
// The four engines take turns, so that the noise of the machine falls on all
// alike, and none has its memory in the CPU's caches.
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "bench/engine/bench_network.h"
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
constexpr int kSizes = 4;
constexpr std::array<const char*, kSizes> kWorkloads = {"L/8", "L/4", "L/2",
                                                        "L/1"};
constexpr std::array<const char*, kSizes> kNames = {"eighth", "quarter", "half",
                                                    "full"};

struct SizedEngine {
  std::unique_ptr<MeasuredEngine> engine;
  std::unique_ptr<WorkloadChanges> changes;
};
using SizedEngines = std::array<SizedEngine, kSizes>;

// Loaded at the first call, and kept: each change is undone.
absl::StatusOr<const SizedEngines*> Engines() {
  static auto* const engines = new SizedEngines();
  if (engines->back().engine != nullptr) return engines;
  for (int i = 0; i < kSizes; ++i) {
    const WorkloadShape shape = NamedWorkload(kWorkloads[i]);
    ASSIGN_OR_RETURN((*engines)[i].engine, MeasuredEngine::Load(shape, kSeed));
    (*engines)[i].changes = std::make_unique<WorkloadChanges>(shape, kSeed);
  }
  return engines;
}

// CPU times of the steps in one size.
struct SizeFigures {
  std::vector<absl::Duration> user;
  std::vector<absl::Duration> kernel;
};

absl::StatusOr<double> Do(const v1::WatchEvent& event, MeasuredEngine& engine,
                          SizeFigures& figures) {
  ASSIGN_OR_RETURN(const EngineStep step, engine.Step({event}));
  figures.user.push_back(step.user().cpu);
  figures.kernel.push_back(step.kernel.total().cpu);
  return absl::ToDoubleSeconds(step.total().wall);
}

// Counters, medians of CPU time in microseconds: full_us and so on outside of
// the dataplane, kernel_full_us and so on in it; ratio: full to half, both
// together; user_ratio: outside of the dataplane alone; user_ratio_8: full to
// eighth.
void Report(const std::array<SizeFigures, kSizes>& figures,
            benchmark::State& state) {
  std::array<double, kSizes> user;
  std::array<double, kSizes> kernel;
  for (int i = 0; i < kSizes; ++i) {
    user[i] = Percentile(figures[i].user, 0.5);
    kernel[i] = Percentile(figures[i].kernel, 0.5);
    state.counters[absl::StrCat(kNames[i], "_us")] = user[i];
    state.counters[absl::StrCat("kernel_", kNames[i], "_us")] = kernel[i];
  }
  state.counters["ratio"] = (user[3] + kernel[3]) / (user[2] + kernel[2]);
  state.counters["user_ratio"] = user[3] / user[2];
  state.counters["user_ratio_8"] = user[3] / user[0];
}

absl::Status Run(benchmark::State& state, const WorkloadEvent& event) {
  ASSIGN_OR_RETURN(const SizedEngines* const engines, Engines());
  std::array<WorkloadChange, kSizes> changes;
  for (int i = 0; i < kSizes; ++i) {
    ASSIGN_OR_RETURN(changes[i], ((*engines)[i].changes.get()->*event.make)());
  }
  std::array<SizeFigures, kSizes> figures;
  for (auto _ : state) {
    double seconds = 0;
    for (bool back : {false, true}) {
      for (int i = 0; i < kSizes; ++i) {
        ASSIGN_OR_RETURN(seconds, Do(back ? changes[i].back : changes[i].forth,
                                     *(*engines)[i].engine, figures[i]));
      }
    }
    state.SetIterationTime(seconds);  // of the last step: full, back
  }
  Report(figures, state);
  return absl::OkStatus();
}

void RegisterAll() {
  for (const WorkloadEvent& event : WorkloadEvents()) {
    benchmark::RegisterBenchmark(
        absl::StrCat("BM_Growth/", event.name).c_str(),
        [event](benchmark::State& state) {
          const absl::Status status = Run(state, event);
          if (!status.ok())
            state.SkipWithError(std::string(status.message()).c_str());
        })
        ->UseManualTime()
        ->Iterations(event.pairs)
        ->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  netpol::RegisterAll();
  return netpol::RunBenchmarksInNetwork(argc, argv);
}
