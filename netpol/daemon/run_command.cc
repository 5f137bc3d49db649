#include "netpol/daemon/run_command.h"

#include <signal.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/types/optional.h"
#include "netpol/base/status_macros.h"
#include "netpol/controller.h"
#include "netpol/controller_loop.h"
#include "netpol/daemon/control_server.h"
#include "netpol/daemon/explain_service.h"
#include "netpol/enforcer/kernel_access.h"
#include "netpol/daemon/logging.h"
#include "netpol/daemon/manifest_cluster.h"
#include "netpol/enforcer/node_warning.h"
#include "netpol/daemon/options.h"
#include "netpol/daemon/run_lock.h"
#include "netpol/daemon/signal_queue.h"
#include "netpol/enforcer/sync_log.h"
#include "netpol/dataplane/host/node_addresses.h"
#include "netpol/watch/manifests/manifest_source.h"

namespace netpol {
namespace {

// Between two looks at a source that may not have said all.
constexpr absl::Duration kLook = absl::Seconds(2);
// Between two looks at a kernel that lacks something.
constexpr absl::Duration kLookAtKernel = absl::Seconds(10);

void LogProblem(const SourceProblem& problem) {
  const std::string line = problem.ToString();
  switch (problem.severity) {
    case SourceProblem::Severity::kNotice:
      return LogInfo(line);
    case SourceProblem::Severity::kWarning:
      return LogWarning(line);
    case SourceProblem::Severity::kError:
      return LogError(line);
  }
}

// One daemon from its start to its end. What it needs is made in this order,
// and taken down in the other.
class Daemon {
 public:
  Daemon(const Flags& flags, DaemonOptions options)
      : flags_(flags),
        options_(std::move(options)),
        log_(LogSinks{LogInfo, LogError, LogDebug}) {}

  // An error says what was tried; nothing runs then, and nothing was changed. A
  // kernel that lacks something is no error: what it can do is enforced, and
  // the rest when it can.
  absl::Status Start();
  // Until a signal ends it.
  absl::Status Serve();

 private:
  void LookAtKernel();
  absl::Status StartEnforcing();
  void TellKernelError(const std::string& text);
  void StartLoop(std::unique_ptr<Controller> controller);
  void StartAnswering();
  void LookAtSource();
  void LookAtAddresses();
  // On the loop's thread.
  void WarnOfNode(const LoopHealth& health);

  const Flags& flags_;
  const DaemonOptions options_;
  SyncLog log_;
  LastingWarnings node_warnings_{absl::Hours(1)};  // the loop's
  ErrorLimiter source_errors_{absl::Minutes(1)};
  ErrorLimiter kernel_errors_{absl::Minutes(1)};
  absl::Time next_look_at_kernel_ = absl::InfinitePast();
  size_t missing_features_ = 0;
  std::unique_ptr<SignalQueue> signals_;
  absl::optional<RunLock> lock_;
  std::unique_ptr<ManifestSource> source_;
  std::unique_ptr<NodeAddressWatcher> addresses_;
  bool addresses_told_ = false;
  std::unique_ptr<ControllerLoop> loop_;
  std::unique_ptr<ControlServer> control_;  // asks the loop
};

absl::Status Daemon::Start() {
  ASSIGN_OR_RETURN(signals_, SignalQueue::Create());
  ASSIGN_OR_RETURN(source_, ManifestSource::Create(flags_.manifests));
  ASSIGN_OR_RETURN(addresses_, NodeAddressWatcher::Create());
  ASSIGN_OR_RETURN(lock_, RunLock::Acquire(flags_.run_lock));
  const std::vector<Family>& families = options_.controller.layout.families;
  for (const v1::Problem& blind : MissingFeatures(CheckBlindSpots(families)))
    LogWarning(blind.text());
  LookAtKernel();
  return absl::OkStatus();
}

// Modules may be loaded later, so what is missing is looked for until it is
// there, and told again and again until then.
void Daemon::LookAtKernel() {
  const absl::Time now = absl::Now();
  if (now < next_look_at_kernel_) return;
  const std::vector<v1::Problem> missing =
      MissingFeatures(CheckKernel(options_.controller.layout.families));
  for (const v1::Problem& problem : missing) TellKernelError(problem.text());
  if (loop_ == nullptr) {
    const absl::Status started = StartEnforcing();
    if (started.ok()) {
      LogInfo(absl::StrCat("enforcing network policies for node ",
                           options_.controller.node_name));
    } else {
      TellKernelError(
          absl::StrCat("nothing is enforced yet: ", started.message()));
    }
  } else if (missing.size() < missing_features_) {
    LogInfo("the kernel has more than before: reading it again");
    loop_->RequestResync();
  }
  missing_features_ = missing.size();
  const bool complete = missing.empty() && loop_ != nullptr;
  next_look_at_kernel_ =
      complete ? absl::InfiniteFuture() : now + kLookAtKernel;
}

void Daemon::TellKernelError(const std::string& text) {
  if (const auto line = kernel_errors_.Admit(text, absl::Now()))
    LogError(*line);
}

absl::Status Daemon::StartEnforcing() {
  ASSIGN_OR_RETURN(std::unique_ptr<Dataplane> kernel,
                   OpenKernel(options_.lock_timeout));
  ASSIGN_OR_RETURN(std::unique_ptr<Controller> controller,
                   Controller::Create(options_.controller, std::move(kernel)));
  StartLoop(std::move(controller));
  StartAnswering();
  return absl::OkStatus();
}

void Daemon::StartAnswering() {
  absl::StatusOr<std::unique_ptr<ControlServer>> control =
      ControlServer::Start(flags_.control_socket,
                           {{kExplainRoute, [this](const std::string& request) {
                               return AnswerExplain(request, *loop_);
                             }}});
  if (control.ok()) {
    control_ = *std::move(control);
  } else {
    LogError(absl::StrCat(control.status().message(),
                          "; netpolctl explain gets no answer"));
  }
}

void Daemon::StartLoop(std::unique_ptr<Controller> controller) {
  PacerOptions pacing;
  pacing.period = options_.sync_period;
  ControllerLoopCallbacks callbacks;
  callbacks.on_synced = [this](const SyncReport& report) {
    const absl::Time now = absl::Now();
    // Set to the begin of this sync just before.
    const LoopHealth health = loop_->health();
    log_.OnSynced(report, now - health.last_success, now);
    WarnOfNode(health);
  };
  callbacks.on_error = [this](const absl::Status& status) {
    log_.OnError(status, absl::Now());
  };
  callbacks.on_policy_problems = [this](
                                     const ObjectKey& policy,
                                     const std::vector<std::string>& problems) {
    log_.OnPolicyProblems(policy, problems);
  };
  loop_ = std::make_unique<ControllerLoop>(std::move(controller), pacing,
                                           std::move(callbacks));
}

void Daemon::WarnOfNode(const LoopHealth& health) {
  std::vector<std::string> warnings = health.node_problems;
  if (auto name = NodeWarning(health.counts, options_.controller.node_name))
    warnings.push_back(*std::move(name));
  for (const std::string& warning : node_warnings_.Due(warnings, absl::Now()))
    LogWarning(warning);
}

void Daemon::LookAtAddresses() {
  const absl::StatusOr<bool> changed = addresses_->Poll();
  if (!changed.ok()) {
    const auto line =
        source_errors_.Admit(absl::StrCat("following the node's addresses: ",
                                          changed.status().message()),
                             absl::Now());
    if (line) LogError(*line);
    return;
  }
  if (!*changed && addresses_told_) return;
  if (*changed) {
    LogInfo(absl::StrCat(
        "the node's addresses changed: ",
        absl::StrJoin(addresses_->addresses(), " ", absl::StreamFormatter())));
  }
  addresses_told_ = true;
  loop_->SetNodeAddresses(addresses_->addresses());
}

void Daemon::LookAtSource() {
  std::vector<v1::WatchEvent> events;
  const absl::Status status = source_->Poll(
      absl::ZeroDuration(),
      [&](v1::WatchEvent event) { events.push_back(std::move(event)); },
      LogProblem);
  if (!status.ok()) {
    const auto line = source_errors_.Admit(
        absl::StrCat("reading manifests: ", status.message()), absl::Now());
    if (line) LogError(*line);
  }
  if (!events.empty())
    LogDebug(absl::StrCat("manifests: ", events.size(), " events"));
  loop_->Post(std::move(events));
}

absl::Status Daemon::Serve() {
  while (true) {
    LookAtKernel();
    if (loop_ != nullptr) {
      LookAtSource();
      LookAtAddresses();
    }
    ASSIGN_OR_RETURN(const int signal, signals_->Wait(source_->fd(), kLook));
    if (signal == SIGHUP) {
      LogInfo("SIGHUP: reading the kernel again");
      if (loop_ != nullptr) loop_->RequestResync();
    } else if (signal != 0) {
      LogInfo(absl::StrCat("SIG", sigabbrev_np(signal),
                           ": ending; enforcement stays in place"));
      if (loop_ != nullptr) loop_->Stop();
      return absl::OkStatus();
    }
  }
}

}  // namespace

ExitCode RunDaemon(const Flags& flags, Console& console) {
  absl::StatusOr<DaemonOptions> options = MakeOptions(flags);
  if (!options.ok()) return console.FailUsage(options.status());
  const absl::Status root = RequireRoot();
  if (!root.ok()) return console.Fail("starting", root);
  SetLogVerbosity(flags.verbosity);
  Daemon daemon(flags, *std::move(options));
  const absl::Status started = daemon.Start();
  if (!started.ok()) return console.Fail("starting", started);
  const absl::Status served = daemon.Serve();
  if (!served.ok()) return console.Fail("running", served);
  return kDone;
}

}  // namespace netpol
