#include "netpol/daemon/run_command.h"

#include <signal.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/types/optional.h"
#include "netpol/base/status_macros.h"
#include "netpol/controller.h"
#include "netpol/controller_loop.h"
#include "netpol/daemon/kernel_access.h"
#include "netpol/daemon/logging.h"
#include "netpol/daemon/manifest_cluster.h"
#include "netpol/daemon/node_warning.h"
#include "netpol/daemon/options.h"
#include "netpol/daemon/run_lock.h"
#include "netpol/daemon/signal_queue.h"
#include "netpol/daemon/sync_log.h"
#include "netpol/watch/manifests/manifest_source.h"

namespace netpol {
namespace {

// Between two looks at a source that may not have said all.
constexpr absl::Duration kLook = absl::Seconds(2);

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

  // An error says what was tried; nothing runs then, and nothing was changed.
  absl::Status Start();
  // Until a signal ends it.
  absl::Status Serve();

 private:
  absl::Status CheckFeatures() const;
  void StartLoop(std::unique_ptr<Controller> controller);
  void LookAtSource();
  // Once for as long as it is so. On the loop's thread.
  void WarnOfNodeName(const ControllerCounts& counts);

  const Flags& flags_;
  const DaemonOptions options_;
  SyncLog log_;
  bool node_warned_ = false;  // the loop's
  ErrorLimiter source_errors_{absl::Minutes(1)};
  std::unique_ptr<SignalQueue> signals_;
  absl::optional<RunLock> lock_;
  std::unique_ptr<ManifestSource> source_;
  std::unique_ptr<ControllerLoop> loop_;
};

absl::Status Daemon::CheckFeatures() const {
  const std::vector<v1::Problem> missing =
      MissingFeatures(CheckKernel(options_.controller.layout.families));
  for (const v1::Problem& problem : missing) LogError(problem.text());
  if (missing.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "this kernel lacks ", missing.size(),
      missing.size() == 1 ? " thing" : " things",
      " that enforcement needs, see above; mend that, or look with netpolctl "
      "check"));
}

absl::Status Daemon::Start() {
  ASSIGN_OR_RETURN(signals_, SignalQueue::Create());
  ASSIGN_OR_RETURN(source_, ManifestSource::Create(flags_.manifests));
  RETURN_IF_ERROR(CheckFeatures());
  ASSIGN_OR_RETURN(lock_, RunLock::Acquire(flags_.run_lock));
  ASSIGN_OR_RETURN(std::unique_ptr<Dataplane> kernel,
                   OpenKernel(options_.lock_timeout));
  ASSIGN_OR_RETURN(std::unique_ptr<Controller> controller,
                   Controller::Create(options_.controller, std::move(kernel)));
  StartLoop(std::move(controller));
  return absl::OkStatus();
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
    WarnOfNodeName(health.counts);
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

void Daemon::WarnOfNodeName(const ControllerCounts& counts) {
  const absl::optional<std::string> warning =
      NodeWarning(counts, options_.controller.node_name);
  if (warning && !node_warned_) LogWarning(*warning);
  node_warned_ = warning.has_value();
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
    LookAtSource();
    ASSIGN_OR_RETURN(const int signal, signals_->Wait(source_->fd(), kLook));
    if (signal == SIGHUP) {
      LogInfo("SIGHUP: reading the kernel again");
      loop_->RequestResync();
    } else if (signal != 0) {
      LogInfo(absl::StrCat("SIG", sigabbrev_np(signal),
                           ": ending; enforcement stays in place"));
      loop_->Stop();
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
  const std::string node = options->controller.node_name;
  Daemon daemon(flags, *std::move(options));
  const absl::Status started = daemon.Start();
  if (!started.ok()) return console.Fail("starting", started);
  LogInfo(absl::StrCat("enforcing network policies for node ", node));
  const absl::Status served = daemon.Serve();
  if (!served.ok()) return console.Fail("running", served);
  return kDone;
}

}  // namespace netpol
