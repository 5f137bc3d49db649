// A Controller over the real kernel, with what each step costs on either side
// of the boundary between the two.
#ifndef NETPOL_BENCH_ENGINE_MEASURED_ENGINE_H_
#define NETPOL_BENCH_ENGINE_MEASURED_ENGINE_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "bench/engine/timed_dataplane.h"
#include "bench/floor/cost.h"
#include "bench/floor/set_floor.h"
#include "netpol/controller.h"
#include "netpol/sync/sync_engine.h"
#include "netpol/testing/workload.h"
#include "proto/netpol/watch_event.pb.h"
#include "tests/kernel/lab/file_descriptor.h"

namespace netpol {

// Some events and the Sync() after them.
//
// getrusage() tells user from system time by the kernel's ticks, milliseconds
// apart, which says nothing about microseconds. So the boundary is where the
// engine calls its Dataplane: `user` is all that the thread's CPU did outside
// of these calls (it makes no system call there but for memory), `kernel` is
// what the calls took.
struct EngineStep {
  Cost events;  // all OnEvent(), those of Feed() too
  Cost sync;    // Sync(), without the calls
  KernelCalls kernel;
  SyncReport report;

  Cost user() const { return events + sync; }
  Cost total() const { return user() + kernel.total(); }
};

// The least that the kernel could have taken for `EngineStep::kernel`.
struct FloorStep {
  Cost sets;
  Cost edits;
  Cost commits;

  Cost total() const { return sets + edits + commits; }
};

// Has a network namespace for itself, into which each call moves the calling
// thread. Thread-compatible.
class MeasuredEngine {
 public:
  // An empty engine for kWorkloadNode.
  static absl::StatusOr<std::unique_ptr<MeasuredEngine>> Create();
  // The same in the network namespace of `other`: for a start on a node where
  // everything is in place already. Only one of the two may go on.
  static absl::StatusOr<std::unique_ptr<MeasuredEngine>> CreateBeside(
      const MeasuredEngine& other);
  // As Create(), with all of `shape` in the kernel.
  static absl::StatusOr<std::unique_ptr<MeasuredEngine>> Load(
      const WorkloadShape& shape, uint64_t seed);

  // Events of the next Step(), whose cost is counted there. The error of the
  // first one that is refused.
  absl::Status Feed(absl::Span<const v1::WatchEvent> events);
  // All of a cluster.
  absl::Status FeedWorkload(const WorkloadShape& shape, uint64_t seed);

  // The error of Feed(), or of the Sync(); also when something was left undone.
  absl::StatusOr<EngineStep> Step(absl::Span<const v1::WatchEvent> events);

  // Does to the kernel once more what `step`, the last one, did to it, as bare
  // as can be, on the same sets and the same table, and leaves it as it is. At
  // once, so that the rest of the machine is as busy; what the kernel needs is
  // warm in the caches then, and for an edit after a commit it was not for us.
  absl::StatusOr<FloorStep> MeasureFloor(const EngineStep& step);

 private:
  explicit MeasuredEngine(FileDescriptor network)
      : network_(std::move(network)) {}

  // In the network namespace of the calling thread.
  static absl::StatusOr<std::unique_ptr<MeasuredEngine>> CreateHere();

  absl::Status EnterNetwork() const;
  absl::Status MeasureSets(const KernelCalls& calls, FloorStep& floor);
  absl::Status MeasureEdits(const KernelCalls& calls, FloorStep& floor);

  FileDescriptor network_;
  std::unique_ptr<Controller> controller_;
  TimedDataplane* dataplane_ = nullptr;  // the controller's
  Cost fed_;                             // since the last Step()
  std::unique_ptr<SetFloor> set_floor_;
};

}  // namespace netpol

#endif  // NETPOL_BENCH_ENGINE_MEASURED_ENGINE_H_
