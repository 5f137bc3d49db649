#include "netpol/controller_loop.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/time/clock.h"

namespace netpol {

ControllerLoop::ControllerLoop(std::unique_ptr<Controller> controller,
                               PacerOptions pacing,
                               ControllerLoopCallbacks callbacks)
    : controller_(std::move(controller)),
      callbacks_(std::move(callbacks)),
      period_(pacing.period),
      pacer_(pacing),
      thread_([this] { Run(); }) {}

ControllerLoop::~ControllerLoop() { Stop(); }

void ControllerLoop::Post(std::vector<v1::WatchEvent> events) {
  if (events.empty()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  const absl::Time now = absl::Now();
  for (v1::WatchEvent& event : events) inbox_.push_back(std::move(event));
  health_.oldest_pending = std::min(health_.oldest_pending, now);
  pacer_.Request(now);
  wake_ = true;
  awake_.notify_one();
}

void ControllerLoop::SetNodeAddresses(std::vector<IpAddress> addresses) {
  const std::lock_guard<std::mutex> lock(mutex_);
  node_addresses_ = std::move(addresses);
  wake_ = true;
  pacer_.Request(absl::Now());
  awake_.notify_one();
}

void ControllerLoop::RequestResync() {
  const std::lock_guard<std::mutex> lock(mutex_);
  resync_ = true;
  wake_ = true;
  pacer_.Request(absl::Now());
  awake_.notify_one();
}

absl::Status ControllerLoop::Inspect(
    const std::function<void(const Controller&)>& look) {
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
  }
  // Also when several threads stop it at once: all return after its end.
  std::call_once(joined_, [this] { thread_.join(); });
}

LoopHealth ControllerLoop::health() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return health_;
}

void ControllerLoop::AwaitWork(std::unique_lock<std::mutex>& lock) {
  while (!wake_) {
    const absl::Time now = absl::Now();
    const absl::Time due = pacer_.NextRun();
    if (now >= due) return;
    // The farthest time that a clock can be asked for is not infinite.
    awake_.wait_until(lock,
                      absl::ToChronoTime(std::min(due, now + absl::Hours(1))));
  }
}

void ControllerLoop::Run() {
  while (true) {
    std::vector<v1::WatchEvent> events;
    std::vector<Inspection*> inspections;
    bool due = false;
    bool reread = false;
    bool stopped = false;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      AwaitWork(lock);
      wake_ = false;
      stopped = stop_;
      // Events are taken at once; the sync waits for its time.
      events.swap(inbox_);
      inspections.swap(inspections_);
      if (node_addresses_.has_value()) {
        controller_->SetNodeAddresses(*std::move(node_addresses_));
        node_addresses_.reset();
      }
      const absl::Time now = absl::Now();
      due = now >= pacer_.NextRun();
      // With nothing new, the run is the periodic look at the kernel.
      reread = due && (std::exchange(resync_, false) ||
                       now - health_.last_success >= period_);
    }
    if (stopped) return Answer(inspections, true);
    Take(events);
    Answer(inspections, false);
    if (!due) continue;
    const absl::Time begin = absl::Now();
    const bool again = Sync(reread);
    const std::lock_guard<std::mutex> lock(mutex_);
    pacer_.Ran(begin, absl::Now(), again);
    // What was asked for meanwhile.
    if (!inbox_.empty() || resync_) pacer_.Request(absl::Now());
  }
}

void ControllerLoop::Take(const std::vector<v1::WatchEvent>& events) {
  for (const v1::WatchEvent& event : events) {
    const absl::Status status = controller_->OnEvent(event);
    if (!status.ok() && callbacks_.on_error) callbacks_.on_error(status);
  }
}

bool ControllerLoop::Sync(bool reread) {
  const absl::Time begin = absl::Now();
  if (reread) controller_->QueueResync();
  const absl::StatusOr<SyncReport> report = controller_->Sync();
  // Half a listing is no failure: the rest of it will ask again.
  const bool waiting = !controller_->listed();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    health_.counts = controller_->counts();
    health_.node_problems = controller_->node_problems();
    if (!waiting) {
      ++health_.syncs;
      health_.last_error = report.status();
    }
    if (report.ok()) {
      health_.synced_once = true;
      health_.last_success = begin;
      health_.oldest_pending = inbox_.empty() ? absl::InfiniteFuture() : begin;
    }
  }
  if (waiting) return false;
  if (report.ok()) {
    if (callbacks_.on_synced) callbacks_.on_synced(*report);
    TellProblems();
    return report->retry;
  }
  if (callbacks_.on_error) callbacks_.on_error(report.status());
  return true;
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
