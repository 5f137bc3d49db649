#include "bench/yardstick/side_by_side.h"

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <utility>

#include "bench/yardstick/wire_selector.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/linux_dataplane.h"
#include "netpol/testing/builders.h"

namespace netpol {
namespace {

absl::Duration CpuOfThisAndItsPrograms() {
  timespec own = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
  rusage programs = {};
  getrusage(RUSAGE_CHILDREN, &programs);
  return absl::DurationFromTimespec(own) +
         absl::DurationFromTimeval(programs.ru_utime) +
         absl::DurationFromTimeval(programs.ru_stime);
}

absl::Duration MonotonicNow() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::DurationFromTimespec(now);
}

// Appends what `work` took.
template <typename Work>
absl::Status Measure(const Work& work, std::vector<WorkCost>& costs) {
  const absl::Duration wall = MonotonicNow();
  const absl::Duration cpu = CpuOfThisAndItsPrograms();
  RETURN_IF_ERROR(work());
  costs.push_back({MonotonicNow() - wall, CpuOfThisAndItsPrograms() - cpu});
  return absl::OkStatus();
}

absl::Duration Median(std::vector<absl::Duration> values) {
  if (values.empty()) return absl::ZeroDuration();
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

bool SelectsLocalPod(const k8s::NetworkPolicy& policy, const Cluster& cluster) {
  const WireSelector selector(policy.spec().pod_selector());
  return std::any_of(
      cluster.pods.begin(), cluster.pods.end(), [&](const k8s::Pod& pod) {
        return pod.spec().node_name() == kWorkloadNode &&
               pod.metadata().namespace_() == policy.metadata().namespace_() &&
               selector.Matches(LabelMap(pod.metadata().labels().begin(),
                                         pod.metadata().labels().end()));
      });
}

}  // namespace

WorkCost MedianOf(const std::vector<WorkCost>& costs) {
  std::vector<absl::Duration> wall;
  std::vector<absl::Duration> cpu;
  for (const WorkCost& cost : costs) {
    wall.push_back(cost.wall);
    cpu.push_back(cost.cpu);
  }
  return {Median(std::move(wall)), Median(std::move(cpu))};
}

absl::StatusOr<std::unique_ptr<SideBySide>> SideBySide::Start(
    const WorkloadShape& shape, uint64_t seed,
    absl::Duration set_restore_limit) {
  ASSIGN_OR_RETURN(NetNs ours_ns, NetNs::Create());
  ASSIGN_OR_RETURN(NetNs yardstick_ns, NetNs::Create());
  std::unique_ptr<SideBySide> sides(new SideBySide(
      MakeWorkload(shape, seed), std::move(ours_ns), std::move(yardstick_ns)));
  RETURN_IF_ERROR(Annotate(sides->StartOurs(), "starting ours"));
  RETURN_IF_ERROR(Annotate(sides->StartYardstick(set_restore_limit),
                           "starting the yardstick"));
  return sides;
}

absl::Status SideBySide::StartOurs() {
  const std::vector<v1::WatchEvent> events = ListingOf(cluster_);
  std::vector<WorkCost> costs;
  const auto work = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(auto dataplane, LinuxDataplane::Create({}));
    ControllerOptions options;
    options.node_name = std::string(kWorkloadNode);
    ASSIGN_OR_RETURN(
        ours_, Controller::Create(std::move(options), std::move(dataplane)));
    for (const v1::WatchEvent& event : events) {
      RETURN_IF_ERROR(ours_->OnEvent(event));
    }
    ASSIGN_OR_RETURN(const SyncReport report, ours_->Sync());
    cold_start_.ours_writes = report.writes.total();
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(ours_ns_.Run([&] { return Measure(work, costs); }));
  cold_start_.ours = MedianOf(costs);
  return absl::OkStatus();
}

absl::Status SideBySide::StartYardstick(absl::Duration set_restore_limit) {
  const std::vector<v1::WatchEvent> events = ListingOf(cluster_);
  std::vector<WorkCost> costs;
  const auto hear = [&]() -> absl::Status {
    FullRebuildOptions options;
    options.node_name = std::string(kWorkloadNode);
    options.set_restore_limit = set_restore_limit;
    ASSIGN_OR_RETURN(yardstick_, FullRebuildEngine::Create(std::move(options)));
    for (const v1::WatchEvent& event : events) yardstick_->OnEvent(event);
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(yardstick_ns_.Run([&]() -> absl::Status {
    RETURN_IF_ERROR(Measure(hear, costs));
    const auto sync = [&]() -> absl::Status {
      const absl::Status synced = yardstick_->Sync();
      if (!absl::IsDeadlineExceeded(synced)) return synced;
      cold_start_.yardstick_is_lower_bound = true;
      return absl::OkStatus();
    };
    return Measure(sync, costs);
  }));
  first_sync_ = costs[1];
  cold_start_.yardstick = costs[0] + costs[1];
  cold_start_.yardstick_report = yardstick_->report();
  return absl::OkStatus();
}

absl::StatusOr<SyncReport> SideBySide::SyncOurs(const v1::WatchEvent& event) {
  RETURN_IF_ERROR(ours_->OnEvent(event));
  return ours_->Sync();
}

absl::StatusOr<SidesCost> SideBySide::Alternate(const v1::WatchEvent& there,
                                                const v1::WatchEvent& back,
                                                Repetitions repetitions) {
  SidesCost result;
  std::vector<WorkCost> ours;
  RETURN_IF_ERROR(ours_ns_.Run([&]() -> absl::Status {
    for (int i = 0; i < repetitions.ours; ++i) {
      const auto work = [&]() -> absl::Status {
        ASSIGN_OR_RETURN(const SyncReport report,
                         SyncOurs(i % 2 == 0 ? there : back));
        result.ours_writes += report.writes.total();
        return absl::OkStatus();
      };
      RETURN_IF_ERROR(Measure(work, ours));
    }
    return absl::OkStatus();
  }));
  if (cold_start_.yardstick_is_lower_bound) repetitions.yardstick = 0;
  std::vector<WorkCost> yardstick;
  RETURN_IF_ERROR(yardstick_ns_.Run([&]() -> absl::Status {
    for (int i = 0; i < repetitions.yardstick; ++i) {
      const auto work = [&] {
        yardstick_->OnEvent(i % 2 == 0 ? there : back);
        return yardstick_->Sync();
      };
      RETURN_IF_ERROR(Measure(work, yardstick));
    }
    return absl::OkStatus();
  }));
  result.ours = MedianOf(ours);
  result.yardstick_is_lower_bound = yardstick.empty();
  result.yardstick = yardstick.empty() ? first_sync_ : MedianOf(yardstick);
  result.yardstick_report = yardstick_->report();
  return result;
}

absl::StatusOr<bool> SideBySide::Matters(const k8s::Pod& pod) {
  bool matters = false;
  RETURN_IF_ERROR(ours_ns_.Run([&]() -> absl::Status {
    ASSIGN_OR_RETURN(const SyncReport gone, SyncOurs(Delete(pod)));
    matters = gone.writes.total() > 0;
    return SyncOurs(Upsert(pod)).status();
  }));
  return matters;
}

absl::StatusOr<SidesCost> SideBySide::RemotePod(Repetitions repetitions) {
  for (auto pod = cluster_.pods.rbegin(); pod != cluster_.pods.rend(); ++pod) {
    if (pod->spec().node_name() == kWorkloadNode) continue;
    ASSIGN_OR_RETURN(const bool matters, Matters(*pod));
    if (matters) return Alternate(Delete(*pod), Upsert(*pod), repetitions);
  }
  return absl::NotFoundError("no rule of this node names a remote pod");
}

absl::StatusOr<SidesCost> SideBySide::Policy(Repetitions repetitions) {
  for (const k8s::NetworkPolicy& policy : cluster_.policies) {
    if (SelectsLocalPod(policy, cluster_)) {
      return Alternate(Delete(policy), Upsert(policy), repetitions);
    }
  }
  return absl::NotFoundError("no policy selects a pod of this node");
}

}  // namespace netpol
