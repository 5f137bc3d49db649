#include "bench/engine/measured_engine.h"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/engine/bench_network.h"
#include "bench/floor/table_floor.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/linux_dataplane.h"

namespace netpol {
namespace {

// Sets that nobody else has, after all others in the kernel's list, as new ones
// mostly are.
std::vector<PlannedMembers> OnScratch(std::vector<PlannedMembers> sets) {
  for (size_t i = 0; i < sets.size(); ++i)
    sets[i].set.name = SetName(absl::StrCat("bench-floor-", i));
  return sets;
}

// Events made at a time, so that the watch's own cost is none of theirs and the
// whole cluster's need not be kept.
constexpr size_t kFeedBatch = 1000;

MemberCommand Opposite(MemberCommand command) {
  return command == MemberCommand::kAdd ? MemberCommand::kRemove
                                        : MemberCommand::kAdd;
}

}  // namespace

absl::StatusOr<std::unique_ptr<MeasuredEngine>> MeasuredEngine::Create() {
  RETURN_IF_ERROR(EnterFreshNetwork());
  return CreateHere();
}

absl::StatusOr<std::unique_ptr<MeasuredEngine>> MeasuredEngine::CreateBeside(
    const MeasuredEngine& other) {
  RETURN_IF_ERROR(other.EnterNetwork());
  return CreateHere();
}

absl::StatusOr<std::unique_ptr<MeasuredEngine>> MeasuredEngine::CreateHere() {
  FileDescriptor network(
      open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (network.get() < 0)
    return absl::UnavailableError("cannot open /proc/thread-self/ns/net");
  std::unique_ptr<MeasuredEngine> engine(
      new MeasuredEngine(std::move(network)));
  ASSIGN_OR_RETURN(engine->set_floor_, SetFloor::Open());
  ASSIGN_OR_RETURN(std::unique_ptr<LinuxDataplane> kernel,
                   LinuxDataplane::Create({}));
  auto timed = std::make_unique<TimedDataplane>(std::move(kernel));
  engine->dataplane_ = timed.get();
  ControllerOptions options;
  options.node_name = std::string(kWorkloadNode);
  ASSIGN_OR_RETURN(engine->controller_,
                   Controller::Create(std::move(options), std::move(timed)));
  return engine;
}

absl::StatusOr<std::unique_ptr<MeasuredEngine>> MeasuredEngine::Load(
    const WorkloadShape& shape, uint64_t seed) {
  ASSIGN_OR_RETURN(std::unique_ptr<MeasuredEngine> engine, Create());
  RETURN_IF_ERROR(engine->FeedWorkload(shape, seed));
  RETURN_IF_ERROR(engine->Step({}).status());
  return engine;
}

absl::Status MeasuredEngine::EnterNetwork() const {
  if (setns(network_.get(), CLONE_NEWNET) == 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      "cannot enter the engine's network namespace: ", strerror(errno)));
}

absl::Status MeasuredEngine::Feed(absl::Span<const v1::WatchEvent> events) {
  const CostWatch watch;
  for (const v1::WatchEvent& event : events)
    RETURN_IF_ERROR(controller_->OnEvent(event));
  fed_ += watch.Elapsed();
  return absl::OkStatus();
}

absl::Status MeasuredEngine::FeedWorkload(const WorkloadShape& shape,
                                          uint64_t seed) {
  absl::Status status;
  std::vector<v1::WatchEvent> batch;
  VisitWorkload(shape, seed, [&](const v1::WatchEvent& event) {
    batch.push_back(event);
    if (batch.size() < kFeedBatch) return;
    status.Update(Feed(batch));
    batch.clear();
  });
  status.Update(Feed(batch));
  return status;
}

absl::StatusOr<EngineStep> MeasuredEngine::Step(
    absl::Span<const v1::WatchEvent> events) {
  RETURN_IF_ERROR(EnterNetwork());
  dataplane_->Take();
  RETURN_IF_ERROR(Feed(events));
  EngineStep step;
  step.events = std::exchange(fed_, Cost());
  const CostWatch watch;
  ASSIGN_OR_RETURN(step.report, controller_->Sync());
  const Cost all = watch.Elapsed();
  step.kernel = dataplane_->Take();
  step.sync = all - step.kernel.inside;
  if (!step.report.problems.empty())
    return absl::InternalError(step.report.problems.front());
  return step;
}

absl::StatusOr<FloorStep> MeasuredEngine::MeasureFloor(const EngineStep& step) {
  RETURN_IF_ERROR(EnterNetwork());
  FloorStep floor;
  RETURN_IF_ERROR(MeasureEdits(step.kernel, floor));
  RETURN_IF_ERROR(MeasureSets(step.kernel, floor));
  for (int i = 0; i < step.kernel.tables_committed; ++i) {
    ASSIGN_OR_RETURN(const CommitCost commit, MeasureBareCommit());
    floor.commits += commit.total();
  }
  return floor;
}

absl::Status MeasuredEngine::MeasureEdits(const KernelCalls& calls,
                                          FloorStep& floor) {
  for (const SetEdit& edit : calls.edited) {
    const PlannedMembers& to = edit.members;
    RETURN_IF_ERROR(
        set_floor_->Edit(Opposite(edit.command), to.set, to.members).status());
    ASSIGN_OR_RETURN(const Cost cost,
                     set_floor_->Edit(edit.command, to.set, to.members));
    floor.edits += cost;
  }
  return absl::OkStatus();
}

absl::Status MeasuredEngine::MeasureSets(const KernelCalls& calls,
                                         FloorStep& floor) {
  const std::vector<PlannedMembers> made = OnScratch(calls.created);
  ASSIGN_OR_RETURN(const Cost created, set_floor_->Create(made));
  RETURN_IF_ERROR(set_floor_->Destroy(made).status());
  const std::vector<PlannedMembers> gone =
      OnScratch(std::vector<PlannedMembers>(calls.sets_destroyed));
  RETURN_IF_ERROR(set_floor_->Create(gone).status());
  ASSIGN_OR_RETURN(const Cost destroyed, set_floor_->Destroy(gone));
  floor.sets += created + destroyed;
  return absl::OkStatus();
}

}  // namespace netpol
