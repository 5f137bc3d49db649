#include "netpol/enforcer/enforcer.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
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
#include "netpol/dataplane/host/node_addresses.h"
#include "netpol/enforcer/error_limiter.h"
#include "netpol/enforcer/kernel_access.h"
#include "netpol/enforcer/leftovers.h"
#include "netpol/enforcer/node_claim.h"
#include "netpol/enforcer/node_warning.h"
#include "netpol/enforcer/sync_log.h"
#include "netpol/event_inbox.h"

namespace netpol {
namespace {

// Between two turns when nothing happens.
constexpr absl::Duration kTurn = absl::Seconds(1);
// Between two looks at a kernel that lacks something.
constexpr absl::Duration kLookAtKernel = absl::Seconds(10);
// Between two tries to remove what is left in the other flavour: at first, and
// at most.
constexpr absl::Duration kFirstSweepPause = absl::Seconds(10);
constexpr absl::Duration kLongestSweepPause = absl::Minutes(5);
// The sweep keeps the loop from its work, and can be tried again.
constexpr absl::Duration kSweepLockTimeout = absl::Seconds(1);
// Between two looks at what the host's other components use by now.
constexpr absl::Duration kLookAtFlavour = absl::Hours(1);
// A start that takes longer says what it waits for.
constexpr absl::Duration kSayWaiting = absl::Seconds(5);
// Whoever posts faster than the loop takes waits: what lies here in between
// leaves holes in memory between the objects that stay.
constexpr size_t kMostPosted = 512;

class RunningEnforcer : public Enforcer {
 public:
  RunningEnforcer(EnforcerOptions options, std::unique_ptr<WatchSource> source,
                  EnforcerCallbacks callbacks)
      : options_(std::move(options)),
        callbacks_(std::move(callbacks)),
        source_(std::move(source)) {}
  ~RunningEnforcer() override;

  absl::Status StartThread();

  void Post(std::vector<v1::WatchEvent> events) override;
  void RequestResync() override;
  absl::StatusOr<Plan> Preview() override;
  absl::Status Inspect(
      const std::function<void(const Controller&)>& look) override;
  EnforcerState state() const override;
  void Stop() override;

 private:
  // From here on, down to the data, for the keeper's thread alone.
  void Keep();
  void WaitForWork();
  void LookAtKernel();
  void ChooseFlavour();
  absl::Status OpenLoop();
  void LookAtSource();
  void LookAtAddresses();
  void LookAtLeftovers();
  void LookAtFlavour();
  void LookAtHealth();
  void TellWaiting(const LoopHealth& health);
  ControllerLoopCallbacks LoopCallbacks();
  // On the loop's thread.
  void WarnOfNode(const LoopHealth& health);
  // Until it went well.
  void SweepOnce();

  void Log(LogLevel level, absl::string_view line) const {
    if (callbacks_.log) callbacks_.log(level, line);
  }
  void LogLimited(ErrorLimiter& limiter, const std::string& text) const {
    if (const auto line = limiter.Admit(text, absl::Now()))
      Log(LogLevel::kError, *line);
  }
  void LogProblem(const SourceProblem& problem) const;
  ControllerLoop* loop() const;

  const EnforcerOptions options_;
  const EnforcerCallbacks callbacks_;
  absl::optional<NodeClaim> claim_;
  std::unique_ptr<WatchSource> source_;
  std::unique_ptr<NodeAddressWatcher> addresses_;
  ErrorLimiter source_errors_{absl::Minutes(1)};
  ErrorLimiter kernel_errors_{absl::Minutes(1)};
  ErrorLimiter waits_{absl::Minutes(1)};
  absl::Time next_look_at_kernel_ = absl::InfinitePast();  // steady
  size_t missing_features_ = 0;
  absl::Time next_sweep_ = absl::InfinitePast();  // steady
  absl::Duration sweep_pause_ = kFirstSweepPause;
  absl::Time next_look_at_flavour_ = absl::InfinitePast();  // steady
  bool addresses_told_ = false;
  HealthVerdict verdict_;
  absl::Time next_look_at_health_ = absl::InfinitePast();  // steady
  // The loop's.
  SyncLog sync_log_{LogSinks{
      [this](const std::string& line) { Log(LogLevel::kInfo, line); },
      [this](const std::string& line) { Log(LogLevel::kError, line); },
      [this](const std::string& line) { Log(LogLevel::kDebug, line); },
      [this](const std::string& line) { Log(LogLevel::kWarning, line); }}};
  LastingWarnings node_warnings_{absl::Hours(1)};
  std::atomic<bool> first_sync_told_ = false;
  ErrorLimiter sweep_errors_{absl::Minutes(1)};
  std::atomic<bool> swept_ = false;
  std::atomic<bool> sweep_due_ = true;
  // Set before there is a loop.
  Flavour flavour_ = Flavour::kLegacy;
  bool flavour_works_ = true;  // the keeper's

  int wake_ = -1;
  std::atomic<bool> stop_ = false;
  std::once_flag stopped_;
  std::thread keeper_;

  mutable std::mutex mutex_;
  EnforcerState state_;  // all but `loop`
  EventInbox early_;     // told by the host while there is no loop
  // Made once the kernel can be opened, and there until the end.
  std::unique_ptr<ControllerLoop> loop_;
};

RunningEnforcer::~RunningEnforcer() {
  Stop();
  if (wake_ >= 0) close(wake_);
}

absl::Status RunningEnforcer::StartThread() {
  // Two in one network namespace would take each other's rules away.
  ASSIGN_OR_RETURN(claim_, NodeClaim::Take(NodeClaim::WhenUnknown::kGoOn));
  state_.node_name = options_.controller.node_name;
  state_.started = absl::Now();
  state_.last_beat = state_.started;
  state_.sync_period = options_.pacing.period;
  ASSIGN_OR_RETURN(addresses_, NodeAddressWatcher::Create());
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_ < 0) return absl::ErrnoToStatus(errno, "eventfd");
  const std::vector<Family>& families = options_.controller.layout.families;
  for (const v1::Problem& blind : MissingFeatures(CheckBlindSpots(families)))
    Log(LogLevel::kWarning, blind.text());
  keeper_ = std::thread([this] { Keep(); });
  return absl::OkStatus();
}

// ---- for the host

ControllerLoop* RunningEnforcer::loop() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return loop_.get();
}

void RunningEnforcer::Post(std::vector<v1::WatchEvent> events) {
  ControllerLoop* target = nullptr;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    target = loop_.get();
    if (target == nullptr) return early_.Add(std::move(events));
  }
  target->Post(std::move(events));
  target->AwaitRoom(kMostPosted);
}

void RunningEnforcer::RequestResync() {
  if (ControllerLoop* target = loop()) target->RequestResync();
}

absl::StatusOr<Plan> RunningEnforcer::Preview() {
  if (ControllerLoop* target = loop()) return target->Preview();
  return absl::UnavailableError("the kernel could not be opened yet");
}

absl::Status RunningEnforcer::Inspect(
    const std::function<void(const Controller&)>& look) {
  if (ControllerLoop* target = loop()) return target->Inspect(look);
  return absl::UnavailableError("the kernel could not be opened yet");
}

EnforcerState RunningEnforcer::state() const {
  EnforcerState state;
  const ControllerLoop* target = nullptr;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    state = state_;
    target = loop_.get();
  }
  state.kernel_open = target != nullptr;
  if (target != nullptr) state.loop = target->health();
  return state;
}

void RunningEnforcer::Stop() {
  std::call_once(stopped_, [this] {
    stop_ = true;
    if (!keeper_.joinable()) return;
    // What waits for the loop must not wait for ever.
    if (ControllerLoop* target = loop()) target->Stop();
    eventfd_write(wake_, 1);
    keeper_.join();
    if (ControllerLoop* target = loop()) target->Stop();
    // Another may begin.
    claim_.reset();
  });
}

// ---- the keeper

void RunningEnforcer::Keep() {
  while (!stop_) {
    claim_->LetAskersGo();
    LookAtKernel();
    if (loop() != nullptr) {
      LookAtSource();
      LookAtAddresses();
      LookAtLeftovers();
      LookAtFlavour();
    }
    LookAtHealth();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      state_.last_beat = absl::Now();
    }
    WaitForWork();
  }
}

void RunningEnforcer::WaitForWork() {
  // A source that nobody reads must not keep us awake.
  const bool reading = source_ != nullptr && loop() != nullptr;
  std::array<pollfd, 3> ready = {{{wake_, POLLIN, 0},
                                  {addresses_->fd(), POLLIN, 0},
                                  {reading ? source_->fd() : -1, POLLIN, 0}}};
  poll(ready.data(), ready.size(),
       static_cast<int>(absl::ToInt64Milliseconds(kTurn)));
}

// Modules may be loaded later, so what is missing is looked for until it is
// there, and told again and again until then.
void RunningEnforcer::LookAtKernel() {
  const absl::Time now = SteadyNow();
  if (now < next_look_at_kernel_) return;
  std::vector<std::string> problems;
  if (loop() == nullptr) ChooseFlavour();
  for (const v1::Problem& problem : MissingFeatures(
           CheckKernel(options_.controller.layout.families, flavour_))) {
    problems.push_back(problem.text());
  }
  const size_t missing = problems.size();
  if (loop() == nullptr) {
    const absl::Status opened =
        flavour_works_ ? OpenLoop()
                       : absl::UnavailableError(state().flavour_reason);
    if (opened.ok()) {
      Log(LogLevel::kInfo,
          absl::StrCat("enforcing network policies for node ",
                       options_.controller.node_name, " with iptables flavour ",
                       FlavourName(flavour_), ": ", state().flavour_reason));
    } else {
      problems.push_back(
          absl::StrCat("nothing is enforced yet: ", opened.message()));
    }
  } else if (missing < missing_features_) {
    Log(LogLevel::kInfo, "the kernel has more than before: reading it again");
    loop()->RequestResync();
  }
  missing_features_ = missing;
  for (const std::string& problem : problems)
    LogLimited(kernel_errors_, problem);
  next_look_at_kernel_ =
      problems.empty() ? absl::InfiniteFuture() : now + kLookAtKernel;
  const std::lock_guard<std::mutex> lock(mutex_);
  state_.kernel_problems = std::move(problems);
}

// Again as long as the kernel cannot be opened: what speaks for a flavour may
// come later, as modules and programs may.
void RunningEnforcer::ChooseFlavour() {
  FlavourDecision decision =
      DecideFlavour(options_.flavour, options_.controller.layout.families);
  flavour_ = decision.flavour;
  flavour_works_ = decision.works;
  const std::lock_guard<std::mutex> lock(mutex_);
  state_.flavour = decision.flavour;
  state_.flavour_reason = std::move(decision.reason);
}

absl::Status RunningEnforcer::OpenLoop() {
  ASSIGN_OR_RETURN(std::unique_ptr<Dataplane> kernel,
                   OpenKernel(flavour_, options_.lock_timeout));
  ASSIGN_OR_RETURN(std::unique_ptr<Controller> controller,
                   Controller::Create(options_.controller, std::move(kernel)));
  // Its thread calls back only after the first event, which comes through us.
  auto made = std::make_unique<ControllerLoop>(
      std::move(controller), options_.pacing, LoopCallbacks());
  const std::lock_guard<std::mutex> lock(mutex_);
  loop_ = std::move(made);
  loop_->Post(early_.TakeAll());
  return absl::OkStatus();
}

ControllerLoopCallbacks RunningEnforcer::LoopCallbacks() {
  ControllerLoopCallbacks callbacks;
  callbacks.on_synced = [this](const SyncReport& report) {
    const absl::Time now = absl::Now();
    // Set to the begin of this sync just before.
    const LoopHealth health = loop()->health();
    sync_log_.OnSynced(report, now - health.last_success, now);
    WarnOfNode(health);
    SweepOnce();
    if (callbacks_.on_synced) callbacks_.on_synced(report);
    if (!first_sync_told_.exchange(true) && callbacks_.on_first_sync)
      callbacks_.on_first_sync();
  };
  callbacks.on_error = [this](const absl::Status& status) {
    sync_log_.OnError(status, absl::Now());
  };
  callbacks.on_policy_problems = [this](
                                     const ObjectKey& policy,
                                     const std::vector<std::string>& problems) {
    sync_log_.OnPolicyProblems(policy, problems);
  };
  callbacks.on_in_kernel = callbacks_.on_in_kernel;
  return callbacks;
}

void RunningEnforcer::SweepOnce() {
  if (swept_ || !sweep_due_.exchange(false)) return;
  const SweepReport swept =
      SweepLeftovers(flavour_, options_.controller.layout.families,
                     std::min(options_.lock_timeout, kSweepLockTimeout));
  const std::string error(swept.status.message());
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    state_.leftovers = error;
  }
  for (const std::string& line : swept.done) Log(LogLevel::kInfo, line);
  if (!swept.status.ok()) return LogLimited(sweep_errors_, error);
  swept_ = true;
}

void RunningEnforcer::WarnOfNode(const LoopHealth& health) {
  std::vector<std::string> warnings = health.node_problems;
  if (auto name = NodeWarning(health.counts, options_.controller.node_name))
    warnings.push_back(*std::move(name));
  for (const std::string& warning : node_warnings_.Due(warnings, absl::Now()))
    Log(LogLevel::kWarning, warning);
}

void RunningEnforcer::LookAtAddresses() {
  const absl::StatusOr<bool> changed = addresses_->Poll();
  if (!changed.ok()) {
    return LogLimited(source_errors_,
                      absl::StrCat("following the node's addresses: ",
                                   changed.status().message()));
  }
  if (!*changed && addresses_told_) return;
  if (*changed) {
    Log(LogLevel::kInfo,
        absl::StrCat("the node's addresses changed: ",
                     absl::StrJoin(addresses_->addresses(), " ",
                                   absl::StreamFormatter())));
  }
  addresses_told_ = true;
  loop()->SetNodeAddresses(addresses_->addresses());
}

void RunningEnforcer::LogProblem(const SourceProblem& problem) const {
  switch (problem.severity) {
    case SourceProblem::Severity::kNotice:
      return Log(LogLevel::kInfo, problem.ToString());
    case SourceProblem::Severity::kWarning:
      return Log(LogLevel::kWarning, problem.ToString());
    case SourceProblem::Severity::kError:
      return Log(LogLevel::kError, problem.ToString());
  }
}

// The first sweep comes with the first sync; one that failed needs another.
void RunningEnforcer::LookAtLeftovers() {
  const absl::Time now = SteadyNow();
  if (swept_ || now < next_sweep_ || !loop()->health().synced_once) return;
  next_sweep_ = now + sweep_pause_;
  sweep_pause_ = std::min(2 * sweep_pause_, kLongestSweepPause);
  sweep_due_ = true;
  loop()->RequestResync();
}

// A kube-proxy that comes up later may be in the other flavour. To follow it at
// once would be to follow every detour of an upgrade.
void RunningEnforcer::LookAtFlavour() {
  const absl::Time now = SteadyNow();
  if (options_.flavour.has_value() || now < next_look_at_flavour_ || !swept_)
    return;
  next_look_at_flavour_ = now + kLookAtFlavour;
  const FlavourDecision decision =
      DecideFlavour(absl::nullopt, options_.controller.layout.families);
  std::string advice;
  if (decision.flavour != flavour_ && decision.works) {
    advice = absl::StrCat(
        "rules are in iptables flavour ", FlavourName(flavour_),
        ", but a start would take another now (", decision.reason,
        "): start again to follow, or settle it with --iptables-backend");
    Log(LogLevel::kWarning, advice);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  state_.flavour_advice = std::move(advice);
}

void RunningEnforcer::LookAtSource() {
  if (source_ == nullptr) return;
  std::vector<v1::WatchEvent> events;
  const absl::Status status = source_->Poll(
      absl::ZeroDuration(),
      [&](v1::WatchEvent event) { events.push_back(std::move(event)); },
      [this](const SourceProblem& problem) { LogProblem(problem); });
  if (!status.ok()) LogLimited(source_errors_, std::string(status.message()));
  if (!events.empty())
    Log(LogLevel::kDebug, absl::StrCat("told: ", events.size(), " events"));
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    state_.followed = source_->followed();
    state_.source_problems = source_->problems().size();
    // What a server's kinds fail of stands with them.
    const bool failing = !status.ok() && state_.followed.empty();
    state_.source_error = failing ? std::string(status.message()) : "";
    if (!failing) {
      state_.source_failing_since = absl::InfiniteFuture();
    } else if (state_.source_failing_since == absl::InfiniteFuture()) {
      state_.source_failing_since = absl::Now();
    }
  }
  if (events.empty()) return;
  loop()->Post(std::move(events));
  loop()->AwaitRoom(kMostPosted);
}

void RunningEnforcer::LookAtHealth() {
  const absl::Time now = SteadyNow();
  if (now < next_look_at_health_) return;
  next_look_at_health_ = now + kTurn;
  const EnforcerState current = state();
  HealthVerdict verdict = JudgeHealth(current, absl::Now(), options_.health);
  if (current.kernel_open && !current.loop.waiting_for.empty())
    TellWaiting(current.loop);
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

void RunningEnforcer::TellWaiting(const LoopHealth& health) {
  if (absl::Now() - health.waiting_since < kSayWaiting) return;
  if (const auto line = waits_.Admit(health.waiting_for, absl::Now()))
    Log(LogLevel::kWarning, absl::StrCat("nothing is changed yet: ", *line));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Enforcer>> Enforcer::Start(
    EnforcerOptions options, std::unique_ptr<WatchSource> source,
    EnforcerCallbacks callbacks) {
  RETURN_IF_ERROR(RequireCapabilities());
  RETURN_IF_ERROR(Controller::CheckOptions(options.controller));
  auto enforcer = std::make_unique<RunningEnforcer>(
      std::move(options), std::move(source), std::move(callbacks));
  RETURN_IF_ERROR(enforcer->StartThread());
  return enforcer;
}

}  // namespace netpol
