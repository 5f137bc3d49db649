// From an empty process and an empty kernel to everything in place. Needs root.
//
// Beside it the kernel's own floor: the same sets created and filled by raw
// netlink in another empty network namespace, and one bare replacement of the
// same table.
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bench/engine/bench_network.h"
#include "bench/engine/measured_engine.h"
#include "bench/engine/step_figures.h"
#include "bench/floor/cost.h"
#include "bench/floor/set_floor.h"
#include "bench/floor/table_floor.h"
#include "benchmark/benchmark.h"
#include "netpol/base/status_macros.h"
#include "netpol/testing/workload.h"

namespace netpol {
namespace {

constexpr uint64_t kSeed = 1;

struct ColdStart {
  EngineStep step;
  Cost floor;
};

absl::StatusOr<ColdStart> StartOnce(const WorkloadShape& shape) {
  ColdStart start;
  ASSIGN_OR_RETURN(const auto engine, MeasuredEngine::Create());
  RETURN_IF_ERROR(engine->FeedWorkload(shape, kSeed));
  ASSIGN_OR_RETURN(start.step, engine->Step({}));
  ASSIGN_OR_RETURN(start.floor, MeasureBareReplace());
  RETURN_IF_ERROR(EnterFreshNetwork());
  ASSIGN_OR_RETURN(const auto set_floor, SetFloor::Open());
  ASSIGN_OR_RETURN(const Cost sets,
                   set_floor->Create(start.step.kernel.created));
  start.floor += sets;
  return start;
}

// Median over the starts of a duration, in milliseconds.
template <typename Part>
double MedianMs(const std::vector<ColdStart>& starts, const Part& part) {
  std::vector<absl::Duration> values;
  for (const ColdStart& start : starts) values.push_back(part(start));
  return Percentile(std::move(values), 0.5) / 1000;
}

// Counters in milliseconds of CPU time unless they say wall: user_ms (outside
// of the dataplane calls; events_ms of it in OnEvent(), plan_ms in Sync()),
// kernel_ms (sets_ms of it for sets, commit_ms for the table), floor_ms, ratio
// (kernel to floor), and the same by the wall clock.
void Report(const std::vector<ColdStart>& starts, benchmark::State& state) {
  const auto report = [&](const char* name, const auto& part) {
    return static_cast<double>(state.counters[name] = MedianMs(starts, part));
  };
  using Start = ColdStart;
  report("user_ms", [](const Start& s) { return s.step.user().cpu; });
  report("events_ms", [](const Start& s) { return s.step.events.cpu; });
  report("plan_ms", [](const Start& s) { return s.step.sync.cpu; });
  report("sets_ms", [](const Start& s) { return s.step.kernel.sets.cpu; });
  report("commit_ms", [](const Start& s) { return s.step.kernel.commits.cpu; });
  report("wall_ms", [](const Start& s) { return s.step.total().wall; });
  const double kernel = report(
      "kernel_ms", [](const Start& s) { return s.step.kernel.total().cpu; });
  const double floor =
      report("floor_ms", [](const Start& s) { return s.floor.cpu; });
  state.counters["ratio"] = kernel / floor;
  const double kernel_wall = report("kernel_wall_ms", [](const Start& s) {
    return s.step.kernel.total().wall;
  });
  const double floor_wall =
      report("floor_wall_ms", [](const Start& s) { return s.floor.wall; });
  state.counters["wall_ratio"] = kernel_wall / floor_wall;
}

void BM_ColdStart(benchmark::State& state, const std::string& workload) {
  const WorkloadShape shape = NamedWorkload(workload);
  std::vector<ColdStart> starts;
  for (auto _ : state) {
    absl::StatusOr<ColdStart> start = StartOnce(shape);
    if (!start.ok()) {
      state.SkipWithError(std::string(start.status().message()).c_str());
      return;
    }
    state.SetIterationTime(absl::ToDoubleSeconds(start->step.total().wall));
    starts.push_back(*std::move(start));
  }
  Report(starts, state);
  state.counters["sets"] = starts.back().step.report.sets_created;
  state.counters["chains"] = starts.back().step.report.chains_written;
}

// A start on a node where everything is in place already: the kernel is read,
// and not written. Counters as for the cold start; read_ms is the reading.
absl::Status StartAgain(benchmark::State& state, const WorkloadShape& shape) {
  ASSIGN_OR_RETURN(const auto first, MeasuredEngine::Load(shape, kSeed));
  std::vector<absl::Duration> user;
  std::vector<absl::Duration> read;
  for (auto _ : state) {
    ASSIGN_OR_RETURN(const auto engine, MeasuredEngine::CreateBeside(*first));
    RETURN_IF_ERROR(engine->FeedWorkload(shape, kSeed));
    ASSIGN_OR_RETURN(const EngineStep step, engine->Step({}));
    if (step.report.writes.total() != 0)
      return absl::InternalError("it wrote to the kernel");
    state.SetIterationTime(absl::ToDoubleSeconds(step.total().wall));
    user.push_back(step.user().cpu);
    read.push_back(step.kernel.reads.cpu);
  }
  state.counters["user_ms"] = Percentile(user, 0.5) / 1000;
  state.counters["read_ms"] = Percentile(read, 0.5) / 1000;
  return absl::OkStatus();
}

void BM_StartAgain(benchmark::State& state, const std::string& workload) {
  const absl::Status status = StartAgain(state, NamedWorkload(workload));
  if (!status.ok()) state.SkipWithError(std::string(status.message()).c_str());
}

void Register(const std::string& name,
              void (*function)(benchmark::State&, const std::string&),
              const std::string& workload, int starts) {
  benchmark::RegisterBenchmark((name + "/" + workload).c_str(), function,
                               workload)
      ->UseManualTime()
      ->Iterations(starts)
      ->Unit(benchmark::kMillisecond);
}

void RegisterAll() {
  const std::vector<std::pair<std::string, int>> starts = {
      {"S", 15}, {"S_all_local", 9}, {"M", 9}, {"L", 5}, {"X", 3}};
  for (const auto& [workload, count] : starts) {
    Register("BM_ColdStart", BM_ColdStart, workload, count);
    Register("BM_StartAgain", BM_StartAgain, workload, count);
  }
}

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  netpol::RegisterAll();
  return netpol::RunBenchmarksInNetwork(argc, argv);
}
