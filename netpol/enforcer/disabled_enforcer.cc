#include "netpol/enforcer/disabled_enforcer.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "netpol/base/status_macros.h"
#include "netpol/base/steady_clock.h"
#include "netpol/enforcer/cleanup.h"
#include "netpol/enforcer/error_limiter.h"
#include "netpol/enforcer/kernel_access.h"
#include "netpol/enforcer/node_claim.h"

namespace netpol {
namespace {

// Between two turns when nothing happens.
constexpr auto kTurn = std::chrono::seconds(1);
// Between two tries of a clean-up.
constexpr absl::Duration kTryAgain = absl::Seconds(10);

absl::Status Disabled() {
  return absl::FailedPreconditionError(
      "network policies are disabled here: nothing is enforced");
}

class DisabledEnforcer : public Enforcer {
 public:
  DisabledEnforcer(EnforcerOptions options, EnforcerCallbacks callbacks)
      : options_(std::move(options)), callbacks_(std::move(callbacks)) {
    state_.node_name = options_.controller.node_name;
    state_.started = absl::Now();
    state_.last_beat = state_.started;
    state_.disabled = true;
  }
  ~DisabledEnforcer() override { Stop(); }

  void StartThread() {
    thread_ = std::thread([this] { Keep(); });
  }

  void Post(std::vector<v1::WatchEvent>) override {}
  void RequestResync() override;
  absl::StatusOr<Plan> Preview() override { return Disabled(); }
  absl::Status Inspect(const std::function<void(const Controller&)>&) override {
    return Disabled();
  }
  EnforcerState state() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return state_;
  }
  void Stop() override;

 private:
  void Keep();
  // Whether it is time to clean up.
  bool IsDue();
  void CleanUp();
  // The sentences that say what is in the way; none if nothing is left.
  std::vector<std::string> TryToCleanUp();
  void LookAtHealth();
  void Log(LogLevel level, absl::string_view line) const {
    if (callbacks_.log) callbacks_.log(level, line);
  }

  const EnforcerOptions options_;
  const EnforcerCallbacks callbacks_;
  std::once_flag stopped_;
  std::thread thread_;

  // Of the thread alone.
  ErrorLimiter errors_{absl::Minutes(1)};
  HealthVerdict verdict_;
  bool first_told_ = false;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  bool stop_ = false;
  absl::Time next_try_ = absl::InfinitePast();  // steady
  EnforcerState state_;
};

void DisabledEnforcer::RequestResync() {
  const std::lock_guard<std::mutex> lock(mutex_);
  next_try_ = absl::InfinitePast();
  wake_.notify_all();
}

void DisabledEnforcer::Stop() {
  std::call_once(stopped_, [this] {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
      wake_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
  });
}

void DisabledEnforcer::Keep() {
  while (true) {
    if (IsDue()) CleanUp();
    LookAtHealth();
    std::unique_lock<std::mutex> lock(mutex_);
    if (!stop_ && SteadyNow() < next_try_) wake_.wait_for(lock, kTurn);
    if (stop_) return;
    state_.last_beat = absl::Now();
  }
}

bool DisabledEnforcer::IsDue() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (stop_ || SteadyNow() < next_try_) return false;
  next_try_ = absl::InfiniteFuture();
  return true;
}

std::vector<std::string> DisabledEnforcer::TryToCleanUp() {
  const absl::StatusOr<NodeClaim> claim =
      NodeClaim::Take(NodeClaim::WhenUnknown::kRefuse);
  if (!claim.ok()) {
    return {absl::StrCat("disabled, but nothing was cleaned up: ",
                         claim.status().message())};
  }
  CleanupOptions options;
  options.lock_timeout = options_.lock_timeout;
  const v1::CleanupResult result = CleanUpKernel(options);
  std::vector<std::string> problems;
  for (const v1::Problem& problem : result.problems())
    problems.push_back(problem.text());
  if (result.found_anything() && problems.empty()) {
    Log(LogLevel::kInfo,
        absl::StrCat("disabled: took what was ours out of the kernel, from ",
                     result.tables_size(), " tables"));
  }
  return problems;
}

void DisabledEnforcer::CleanUp() {
  std::vector<std::string> problems = TryToCleanUp();
  for (const std::string& problem : problems) {
    if (const auto line = errors_.Admit(problem, absl::Now()))
      Log(LogLevel::kError, *line);
  }
  const bool cleaned = problems.empty();
  if (cleaned && !first_told_) {
    first_told_ = true;
    Log(LogLevel::kInfo,
        "disabled: network policies are not enforced, and nothing of ours is "
        "in the kernel");
    if (callbacks_.on_first_sync) callbacks_.on_first_sync();
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  state_.cleaned = cleaned;
  state_.kernel_problems = std::move(problems);
  // Somebody may have asked for another one meanwhile.
  if (!cleaned && next_try_ == absl::InfiniteFuture())
    next_try_ = SteadyNow() + kTryAgain;
}

void DisabledEnforcer::LookAtHealth() {
  HealthVerdict verdict = JudgeHealth(state(), absl::Now(), options_.health);
  if (verdict == verdict_) return;
  if (verdict.healthy != verdict_.healthy) {
    Log(verdict.healthy ? LogLevel::kInfo : LogLevel::kWarning,
        verdict.healthy ? "healthy again"
                        : absl::StrCat("not healthy: ",
                                       absl::StrJoin(verdict.reasons, "; ")));
  }
  verdict_ = std::move(verdict);
  if (callbacks_.on_health) callbacks_.on_health(verdict_);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Enforcer>> StartDisabledEnforcer(
    EnforcerOptions options, EnforcerCallbacks callbacks) {
  RETURN_IF_ERROR(RequireCapabilities());
  auto enforcer = std::make_unique<DisabledEnforcer>(std::move(options),
                                                     std::move(callbacks));
  enforcer->StartThread();
  return enforcer;
}

}  // namespace netpol
