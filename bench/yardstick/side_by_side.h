// Our controller and the yardstick on the same events, each with a kernel of
// its own.
#ifndef NETPOL_BENCH_YARDSTICK_SIDE_BY_SIDE_H_
#define NETPOL_BENCH_YARDSTICK_SIDE_BY_SIDE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bench/yardstick/full_rebuild_engine.h"
#include "netpol/controller.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/workload.h"
#include "tests/kernel/lab/netns.h"

namespace netpol {

// What some events and the sync after them took: by the clock, and in CPU time
// of user and system together, of this process and of the programs it ran.
struct WorkCost {
  absl::Duration wall;
  absl::Duration cpu;

  friend WorkCost operator+(const WorkCost& a, const WorkCost& b) {
    return {a.wall + b.wall, a.cpu + b.cpu};
  }
};

// The median of each; zero of nothing.
WorkCost MedianOf(const std::vector<WorkCost>& costs);

// The costs of one kind of event.
struct SidesCost {
  WorkCost ours;
  WorkCost yardstick;
  int64_t ours_writes = 0;  // to the kernel, over all repetitions
  FullRebuildReport yardstick_report;
  // The yardstick would have taken at least this: see Repetitions.
  bool yardstick_is_lower_bound = false;
};

// How often an event is repeated; the medians count. Every second event takes
// back the one before.
//
// If there is none for the yardstick, its cost is taken to be that of its first
// sync, which is a lower bound. An event makes it do all of that again, and
// look through and take away what the last sync left, which the first one did
// not find.
struct Repetitions {
  int ours = 0;
  int yardstick = 0;
};

// Both sides, with one cluster. Each is in a network namespace without a name,
// which goes with this object. Needs root. Thread-compatible.
class SideBySide {
 public:
  // Starts both on the cluster of `shape` from nothing. If the yardstick takes
  // longer than `set_restore_limit` for its sets it gets no events, and its
  // cost until then is the lower bound of everything. Any other error of either
  // side is returned.
  static absl::StatusOr<std::unique_ptr<SideBySide>> Start(
      const WorkloadShape& shape, uint64_t seed,
      absl::Duration set_restore_limit = absl::InfiniteDuration());

  // What Start() took: events of the whole cluster and the first sync.
  const SidesCost& cold_start() const { return cold_start_; }

  // A pod of another node goes or comes: one that a rule of ours names, so that
  // there is work to do. NotFound if no rule names a pod.
  absl::StatusOr<SidesCost> RemotePod(Repetitions repetitions);

  // A policy that selects a pod of this node goes or comes. NotFound if there
  // is none.
  absl::StatusOr<SidesCost> Policy(Repetitions repetitions);

 private:
  SideBySide(Cluster cluster, NetNs ours_ns, NetNs yardstick_ns)
      : cluster_(std::move(cluster)),
        ours_ns_(std::move(ours_ns)),
        yardstick_ns_(std::move(yardstick_ns)) {}

  absl::Status StartOurs();
  absl::Status StartYardstick(absl::Duration set_restore_limit);
  // Both events in turn; the number of writes of ours.
  absl::StatusOr<SidesCost> Alternate(const v1::WatchEvent& there,
                                      const v1::WatchEvent& back,
                                      Repetitions repetitions);
  // Whether ours has to write when `pod` goes. It is back afterwards.
  absl::StatusOr<bool> Matters(const k8s::Pod& pod);
  absl::StatusOr<SyncReport> SyncOurs(const v1::WatchEvent& event);

  Cluster cluster_;
  NetNs ours_ns_;
  NetNs yardstick_ns_;
  std::unique_ptr<Controller> ours_;
  std::unique_ptr<FullRebuildEngine> yardstick_;
  SidesCost cold_start_;
  WorkCost first_sync_;  // of the yardstick, without the events before it
};

}  // namespace netpol

#endif  // NETPOL_BENCH_YARDSTICK_SIDE_BY_SIDE_H_
