#include "netpol/controller_loop.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "netpol/base/status_macros.h"
#include "netpol/base/steady_clock.h"
#include "netpol/sync/plan.h"

namespace netpol {
namespace {

// Of so many groups of events that wait each is remembered by its own time.
constexpr size_t kMostPosted = 1024;

}  // namespace

ControllerLoop::ControllerLoop(std::unique_ptr<Controller> controller,
                               PacerOptions pacing,
                               ControllerLoopCallbacks callbacks,
                               absl::Duration look_period)
    : controller_(std::move(controller)),
      callbacks_(std::move(callbacks)),
      period_(pacing.period),
      look_period_(look_period),
      next_look_(SteadyNow() + look_period),
      pacer_(pacing) {
  health_.waiting_for = std::string(controller_->CheckKnown().message());
  if (!health_.waiting_for.empty()) health_.waiting_since = absl::Now();
  thread_ = std::thread([this] { Run(); });
}

ControllerLoop::~ControllerLoop() { Stop(); }

void ControllerLoop::Append(const Posted& posted, std::vector<Posted>& all) {
  if (all.size() < kMostPosted) {
    all.push_back(posted);
  } else {
    all.back().events += posted.events;
  }
}

void ControllerLoop::Post(std::vector<v1::WatchEvent> events) {
  if (events.empty()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  const absl::Time now = absl::Now();
  Append({now, events.size()}, posted_);
  health_.pending += events.size();
  health_.oldest_pending = std::min(health_.oldest_pending, now);
  inbox_.Add(std::move(events));
  pacer_.Request(SteadyNow());
  wake_ = true;
  awake_.notify_one();
}

void ControllerLoop::SetNodeAddresses(std::vector<IpAddress> addresses) {
  const std::lock_guard<std::mutex> lock(mutex_);
  node_addresses_ = std::move(addresses);
  wake_ = true;
  pacer_.Request(SteadyNow());
  awake_.notify_one();
}

void ControllerLoop::RequestResync() {
  const std::lock_guard<std::mutex> lock(mutex_);
  resync_ = true;
  wake_ = true;
  pacer_.Request(SteadyNow());
  awake_.notify_one();
}

void ControllerLoop::AwaitRoom(size_t events) {
  std::unique_lock<std::mutex> lock(mutex_);
  room_.wait(lock, [&] { return stop_ || inbox_.size() < events; });
}

absl::StatusOr<Plan> ControllerLoop::Preview() {
  absl::StatusOr<Plan> plan = absl::InternalError("nobody looked");
  RETURN_IF_ERROR(
      Visit([&](Controller& controller) { plan = controller.Preview(); }));
  return plan;
}

absl::Status ControllerLoop::Inspect(
    const std::function<void(const Controller&)>& look) {
  return Visit([&](Controller& controller) { look(controller); });
}

absl::Status ControllerLoop::Visit(
    const std::function<void(Controller&)>& look) {
  Inspection inspection;
  inspection.look = &look;
  std::unique_lock<std::mutex> lock(mutex_);
  if (!stop_) {
    inspections_.push_back(&inspection);
    wake_ = true;
    awake_.notify_one();
    inspected_.wait(lock, [&] { return inspection.done; });
    if (!inspection.cancelled) return absl::OkStatus();
  }
  return absl::UnavailableError("the controller's loop has ended");
}

void ControllerLoop::Answer(const std::vector<Inspection*>& waiting,
                            bool stopped) {
  if (waiting.empty()) return;
  if (!stopped) {
    for (Inspection* inspection : waiting) (*inspection->look)(*controller_);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  for (Inspection* inspection : waiting) {
    inspection->cancelled = stopped;
    inspection->done = true;
  }
  inspected_.notify_all();
}

void ControllerLoop::Stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    wake_ = true;
    awake_.notify_one();
    room_.notify_all();
  }
  // Also when several threads stop it at once: all return after its end.
  std::call_once(joined_, [this] { thread_.join(); });
}

LoopHealth ControllerLoop::health() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return health_;
}

void ControllerLoop::Wait(std::unique_lock<std::mutex>& lock) {
  while (!wake_) {
    const absl::Duration left =
        std::min(pacer_.NextRun(), next_look_) - SteadyNow();
    if (left <= absl::ZeroDuration()) return;
    // The longest time that a clock can be asked for is not infinite.
    awake_.wait_for(lock,
                    absl::ToChronoNanoseconds(std::min(left, absl::Hours(1))));
  }
}

ControllerLoop::Work ControllerLoop::AwaitWork() {
  std::unique_lock<std::mutex> lock(mutex_);
  Wait(lock);
  wake_ = false;
  Work work;
  work.stopped = stop_;
  // Events are taken at once; the sync waits for its time.
  work.events = inbox_.TakeAll();
  for (const Posted& posted : posted_) Append(posted, taken_);
  posted_.clear();
  room_.notify_all();
  work.inspections.swap(inspections_);
  if (node_addresses_.has_value()) {
    controller_->SetNodeAddresses(*std::move(node_addresses_));
    node_addresses_.reset();
  }
  const absl::Time now = SteadyNow();
  work.look = now >= next_look_;
  if (now < pacer_.NextRun()) return work;
  work.reread = resync_ || now - last_reread_ >= period_;
  work.light_only = pacer_.LightOnly(now);
  if (work.reread && work.light_only) {
    pacer_.Defer();
    work.reread = false;
  } else {
    work.due = true;
    resync_ = false;
  }
  return work;
}

void ControllerLoop::Run() {
  while (true) {
    Work work = AwaitWork();
    if (work.stopped) return Answer(work.inspections, true);
    Take(std::move(work.events));
    Answer(work.inspections, false);
    if (work.look && Look()) {
      // What is due anyhow can do it, unless it must be a light one.
      if (!work.due || work.light_only) {
        AskForReading(work.due);
        continue;
      }
      work.reread = true;
    }
    if (!work.due) continue;
    if (work.light_only && NeedsCommit()) {
      const std::lock_guard<std::mutex> lock(mutex_);
      pacer_.Defer();
      continue;
    }
    SyncNow(work.reread);
  }
}

void ControllerLoop::Take(std::vector<v1::WatchEvent> events) {
  for (v1::WatchEvent& event : events) {
    const absl::Status status = controller_->OnEvent(event);
    if (!status.ok() && callbacks_.on_error) callbacks_.on_error(status);
    // A listing is the most there ever is: it goes while the state grows.
    event.Clear();
  }
}

bool ControllerLoop::Look() {
  const bool changed = controller_->LookForChanges();
  // Somebody who changes a large table all the time must not keep us reading.
  constexpr double kRestAfterReading = 50;
  next_look_ =
      SteadyNow() + std::max(look_period_, kRestAfterReading * reading_took_);
  return changed;
}

void ControllerLoop::AskForReading(bool defer) {
  const std::lock_guard<std::mutex> lock(mutex_);
  resync_ = true;
  pacer_.Request(SteadyNow());
  if (defer) pacer_.Defer();
}

bool ControllerLoop::NeedsCommit() {
  if (!controller_->CheckKnown().ok()) return false;
  const absl::StatusOr<Plan> plan = controller_->Preview();
  return !plan.ok() || !plan->tables.empty();
}

void ControllerLoop::SyncNow(bool reread) {
  const absl::Time begin = SteadyNow();
  RunWeight weight = RunWeight::kHeavy;
  const RunResult result = Sync(reread, weight);
  const absl::Time end = SteadyNow();
  if (reread) reading_took_ = end - begin;
  if (reread && result != RunResult::kFailed) last_reread_ = begin;
  const std::lock_guard<std::mutex> lock(mutex_);
  pacer_.Ran(begin, end, result, weight);
  // What was asked for meanwhile.
  if (!inbox_.empty() || resync_ || node_addresses_.has_value())
    pacer_.Request(end);
}

RunResult ControllerLoop::Sync(bool reread, RunWeight& weight) {
  const absl::Time begin = absl::Now();
  if (reread) controller_->QueueResync();
  const absl::StatusOr<SyncReport> report = controller_->Sync();
  // Half a listing is no failure: the rest of it will ask again.
  const absl::Status known = controller_->CheckKnown();
  Note(known, report, begin);
  if (!known.ok()) return RunResult::kDone;
  if (!report.ok()) {
    if (callbacks_.on_error) callbacks_.on_error(report.status());
    return RunResult::kFailed;
  }
  // After a problem, the next sync reads the kernel.
  if (!reread && report->writes.table_commits == 0 && report->problems.empty())
    weight = RunWeight::kLight;
  if (callbacks_.on_synced) callbacks_.on_synced(*report);
  if (callbacks_.on_in_kernel) {
    const absl::Time now = absl::Now();
    for (const Posted& posted : arrived_)
      callbacks_.on_in_kernel(now - posted.when, posted.events);
  }
  TellProblems();
  return report->retry ? RunResult::kDoneInPart : RunResult::kDone;
}

void ControllerLoop::Note(const absl::Status& known,
                          const absl::StatusOr<SyncReport>& report,
                          absl::Time begin) {
  arrived_.clear();
  const std::lock_guard<std::mutex> lock(mutex_);
  health_.counts = controller_->counts();
  health_.node_problems = controller_->node_problems();
  health_.policies_in_error = controller_->problems().size();
  health_.waiting_for = std::string(known.message());
  if (!known.ok()) return;
  health_.waiting_since = absl::InfiniteFuture();
  health_.last_error = report.status();
  if (!report.ok()) {
    ++health_.failed_syncs;
    return;
  }
  ++health_.syncs;
  health_.repairs += report->repaired.size();
  health_.synced_once = true;
  health_.last_success = begin;
  arrived_.swap(taken_);
  for (const Posted& posted : arrived_) health_.pending -= posted.events;
  health_.oldest_pending =
      posted_.empty() ? absl::InfiniteFuture() : posted_.front().when;
}

void ControllerLoop::TellProblems() {
  if (!callbacks_.on_policy_problems) return;
  for (const auto& [key, problems] : controller_->problems()) {
    auto it = told_problems_.find(key);
    if (it == told_problems_.end() || it->second != problems) {
      callbacks_.on_policy_problems(key, problems);
    }
  }
  for (const auto& [key, problems] : told_problems_) {
    if (controller_->problems().count(key) == 0)
      callbacks_.on_policy_problems(key, {});
  }
  told_problems_ = controller_->problems();
}

}  // namespace netpol
