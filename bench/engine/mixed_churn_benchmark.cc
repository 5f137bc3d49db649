// 1,000 mixed events per second through a ControllerLoop: what share of a CPU
// the process takes, and how long an event is on its way to the kernel. Needs
// root. `--seconds=N` for how long (30 for M and L, 5 for the others).
#include <sys/resource.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "bench/engine/arrival_log.h"
#include "bench/engine/bench_network.h"
#include "bench/engine/int_flag.h"
#include "bench/engine/step_figures.h"
#include "bench/floor/cost.h"
#include "bench/floor/table_floor.h"
#include "benchmark/benchmark.h"
#include "netpol/base/pacer.h"
#include "netpol/base/status_macros.h"
#include "netpol/controller.h"
#include "netpol/controller_loop.h"
#include "netpol/dataplane/linux_dataplane.h"
#include "netpol/testing/workload.h"
#include "netpol/testing/workload_change.h"

namespace netpol {
namespace {

constexpr uint64_t kSeed = 1;
constexpr int kEventsPerSecond = 1000;
constexpr int kFloors = 11;

// A controller with all of `shape` in the kernel of a fresh network namespace.
absl::StatusOr<std::unique_ptr<Controller>> Load(const WorkloadShape& shape) {
  RETURN_IF_ERROR(EnterFreshNetwork());
  ControllerOptions options;
  options.node_name = std::string(kWorkloadNode);
  ASSIGN_OR_RETURN(auto dataplane, LinuxDataplane::Create({}));
  ASSIGN_OR_RETURN(auto controller, Controller::Create(std::move(options),
                                                       std::move(dataplane)));
  absl::Status status;
  VisitWorkload(shape, kSeed, [&](const v1::WatchEvent& event) {
    status.Update(controller->OnEvent(event));
  });
  RETURN_IF_ERROR(status);
  RETURN_IF_ERROR(controller->Sync().status());
  return controller;
}

// CPU time of the whole process.
struct ProcessTime {
  absl::Duration user;
  absl::Duration system;

  static ProcessTime Now() {
    rusage usage = {};
    getrusage(RUSAGE_SELF, &usage);
    return {absl::DurationFromTimeval(usage.ru_utime),
            absl::DurationFromTimeval(usage.ru_stime)};
  }
};

// What the loop told. The loop's thread writes it; read it after Stop().
struct Told {
  absl::Status error;
  int syncs = 0;
  uint64_t table_commits = 0;
  uint64_t set_messages = 0;
};

struct Churn {
  absl::Duration wall;
  ProcessTime process;
  absl::Duration posting;  // CPU time of the thread that posts
  std::vector<absl::Duration> delays;
  Told told;
};

// Nothing that the loop says tells which events it has taken, but that it
// refuses this one: it goes with each, after it.
v1::WatchEvent Marker() {
  v1::WatchEvent event;
  event.set_type(v1::WatchEvent::DELETE);
  return event;
}

// Posts `events` at their pace, and waits for the last to be in the kernel.
// Returns the CPU time that this took.
absl::Duration PostAll(std::vector<v1::WatchEvent> events, ControllerLoop& loop,
                       ArrivalLog& log) {
  const CostWatch watch;
  const absl::Time begin = absl::Now();
  for (size_t i = 0; i < events.size(); ++i) {
    const absl::Time due =
        begin + absl::Seconds(static_cast<double>(i) / kEventsPerSecond);
    absl::SleepFor(due - absl::Now());
    std::vector<v1::WatchEvent> posted;
    posted.push_back(std::move(events[i]));
    posted.push_back(Marker());
    log.Posting(absl::Now());
    loop.Post(std::move(posted));
  }
  const absl::Time give_up = absl::Now() + absl::Seconds(10);
  while (log.delays().size() < events.size() && absl::Now() < give_up)
    absl::SleepFor(absl::Milliseconds(10));
  return watch.Elapsed().cpu;
}

absl::StatusOr<Churn> RunChurn(std::unique_ptr<Controller> controller,
                               std::vector<v1::WatchEvent> events) {
  Churn churn;
  ArrivalLog log;
  ControllerLoopCallbacks callbacks;
  callbacks.on_synced = [&](const SyncReport& report) {
    ++churn.told.syncs;
    churn.told.table_commits += report.writes.table_commits;
    churn.told.set_messages += report.writes.set_messages;
    log.Synced(absl::Now());
  };
  callbacks.on_error = [&](const absl::Status& error) {
    if (absl::IsInvalidArgument(error)) return log.Taken();
    churn.told.error.Update(error);
  };
  ControllerLoop loop(std::move(controller), PacerOptions(), callbacks);
  const ProcessTime before = ProcessTime::Now();
  const absl::Time begin = absl::Now();
  churn.posting = PostAll(std::move(events), loop, log);
  churn.wall = absl::Now() - begin;
  const ProcessTime after = ProcessTime::Now();
  loop.Stop();
  churn.process = {after.user - before.user, after.system - before.system};
  churn.delays = log.delays();
  RETURN_IF_ERROR(churn.told.error);
  return churn;
}

// The median of bare commits of the table as it is.
absl::StatusOr<Cost> CommitFloor() {
  std::vector<absl::Duration> wall;
  std::vector<absl::Duration> cpu;
  for (int i = 0; i < kFloors; ++i) {
    ASSIGN_OR_RETURN(const CommitCost commit, MeasureBareCommit());
    wall.push_back(commit.total().wall);
    cpu.push_back(commit.total().cpu);
  }
  return Cost{absl::Microseconds(Percentile(wall, 0.5)),
              absl::Microseconds(Percentile(cpu, 0.5))};
}

// Counters:
//   cpu_percent (of one CPU; user_percent and system_percent of it), without
//   the thread that posts; floor_percent for as many bare commits; ratio of
//   the two
//   p50_ms, p99_ms, max_ms from Post() to the kernel; floor_ms for one bare
//   commit; p50_ratio
//   events_per_second as posted, and how often there was a sync, a commit and a
//   message about a set for each second
void Report(const Churn& churn, const Cost& floor, benchmark::State& state) {
  const double seconds = absl::ToDoubleSeconds(churn.wall);
  const auto percent = [&](absl::Duration time) {
    return 100 * absl::ToDoubleSeconds(time) / seconds;
  };
  auto& counters = state.counters;
  const double commits = static_cast<double>(churn.told.table_commits);
  const double cpu =
      percent(churn.process.user + churn.process.system - churn.posting);
  const double floor_percent = percent(floor.cpu * commits);
  counters["cpu_percent"] = cpu;
  counters["user_percent"] = percent(churn.process.user);
  counters["system_percent"] = percent(churn.process.system);
  counters["floor_percent"] = floor_percent;
  counters["ratio"] = cpu / floor_percent;
  const double p50 = Percentile(churn.delays, 0.5) / 1000;
  const double floor_ms = absl::ToDoubleMilliseconds(floor.wall);
  counters["p50_ms"] = p50;
  counters["p99_ms"] = Percentile(churn.delays, 0.99) / 1000;
  counters["max_ms"] = Percentile(churn.delays, 1) / 1000;
  counters["floor_ms"] = floor_ms;
  counters["p50_ratio"] = p50 / floor_ms;
  counters["events_per_second"] =
      static_cast<double>(churn.delays.size()) / seconds;
  counters["syncs_per_second"] = churn.told.syncs / seconds;
  counters["commits_per_second"] = commits / seconds;
  counters["set_messages_per_second"] =
      static_cast<double>(churn.told.set_messages) / seconds;
}

absl::Status Measure(benchmark::State& state, const WorkloadShape& shape,
                     int seconds) {
  ASSIGN_OR_RETURN(std::unique_ptr<Controller> controller, Load(shape));
  std::vector<v1::WatchEvent> events =
      WorkloadChanges(shape, kSeed)
          .MixedStream(seconds * kEventsPerSecond, kSeed);
  const size_t count = events.size();
  absl::StatusOr<Churn> churn;
  for (auto _ : state) {
    churn = RunChurn(std::move(controller), std::move(events));
  }
  RETURN_IF_ERROR(churn.status());
  if (churn->delays.size() != count)
    return absl::InternalError("events are not in the kernel 10 s after");
  ASSIGN_OR_RETURN(const Cost floor, CommitFloor());
  Report(*churn, floor, state);
  return absl::OkStatus();
}

void Register(const std::string& workload, int seconds) {
  benchmark::RegisterBenchmark(
      ("BM_MixedChurn/" + workload).c_str(),
      [workload, seconds](benchmark::State& state) {
        const absl::Status status =
            Measure(state, NamedWorkload(workload), seconds);
        if (!status.ok())
          state.SkipWithError(std::string(status.message()).c_str());
      })
      ->Iterations(1)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  const int seconds = netpol::TakeIntFlag("seconds", 0, argc, argv);
  for (const char* workload : {"S", "M", "L", "X"}) {
    const bool long_run = *workload == 'M' || *workload == 'L';
    netpol::Register(workload, seconds > 0 ? seconds : long_run ? 30 : 5);
  }
  return netpol::RunBenchmarksInNetwork(argc, argv);
}
