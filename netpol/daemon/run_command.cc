#include "netpol/daemon/run_command.h"

#include <signal.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/types/optional.h"
#include "netpol/base/status_macros.h"
#include "netpol/daemon/cleanup_command.h"
#include "netpol/daemon/control_server.h"
#include "netpol/daemon/explain_service.h"
#include "netpol/daemon/http_endpoints.h"
#include "netpol/daemon/logging.h"
#include "netpol/daemon/metrics.h"
#include "netpol/daemon/options.h"
#include "netpol/daemon/run_lock.h"
#include "netpol/daemon/signal_queue.h"
#include "netpol/daemon/source_choice.h"
#include "netpol/daemon/status_service.h"
#include "netpol/enforcer/disabled_enforcer.h"
#include "netpol/enforcer/enforcer.h"
#include "netpol/enforcer/error_limiter.h"
#include "netpol/enforcer/health.h"
#include "netpol/enforcer/kernel_access.h"

namespace netpol {
namespace {

// Signals come when they come.
constexpr absl::Duration kWait = absl::Hours(1);
// Between two tries to listen on a port that another program has.
constexpr absl::Duration kTryAgain = absl::Seconds(5);

void Log(LogLevel level, absl::string_view line) {
  switch (level) {
    case LogLevel::kDebug:
      return LogDebug(line);
    case LogLevel::kInfo:
      return LogInfo(line);
    case LogLevel::kWarning:
      return LogWarning(line);
    case LogLevel::kError:
      return LogError(line);
  }
}

// One daemon from its start to its end. What it needs is made in this order,
// and taken down in the other.
class Daemon {
 public:
  Daemon(const Flags& flags, DaemonOptions options,
         HttpEndpointOptions endpoints)
      : flags_(flags),
        options_(std::move(options)),
        endpoint_options_(std::move(endpoints)) {
    limits_.waiting = options_.cache_sync_timeout;
  }

  // An error says what was tried; nothing runs then, and nothing was changed. A
  // kernel that lacks something is no error, nor is a server that is away: what
  // can be is enforced, and the rest when it can.
  absl::Status Start();
  // Until a signal ends it.
  absl::Status Serve();

 private:
  absl::Status StartEnforcing();
  absl::Status StartDisabled();
  EnforcerCallbacks Callbacks();
  // Tries again later if it cannot listen yet.
  void StartEndpoints();
  void StartControl();
  HealthVerdict Health() const {
    return JudgeHealth(enforcer_->state(), absl::Now(), limits_);
  }
  std::string MetricsPage();
  std::string Status() const;

  const Flags& flags_;
  const DaemonOptions options_;
  const HttpEndpointOptions endpoint_options_;
  HealthLimits limits_;
  std::unique_ptr<SignalQueue> signals_;
  absl::optional<RunLock> lock_;
  Metrics metrics_;
  std::unique_ptr<Enforcer> enforcer_;
  ErrorLimiter endpoint_errors_{absl::Minutes(1)};
  // These ask the enforcer.
  std::unique_ptr<HttpEndpoints> endpoints_;
  std::unique_ptr<ControlServer> control_;
};

absl::Status Daemon::Start() {
  ASSIGN_OR_RETURN(signals_, SignalQueue::Create());
  RETURN_IF_ERROR(flags_.disable_network_policy ? StartDisabled()
                                                : StartEnforcing());
  StartControl();
  StartEndpoints();
  return absl::OkStatus();
}

// Needs no source, so that it works where the server's configuration is gone.
absl::Status Daemon::StartDisabled() {
  ASSIGN_OR_RETURN(lock_, RunLock::Acquire(flags_.run_lock));
  EnforcerOptions options;
  options.controller = options_.controller;
  options.lock_timeout = options_.lock_timeout;
  options.health = limits_;
  ASSIGN_OR_RETURN(enforcer_,
                   StartDisabledEnforcer(std::move(options), Callbacks()));
  return absl::OkStatus();
}

absl::Status Daemon::StartEnforcing() {
  ASSIGN_OR_RETURN(
      ChosenSource chosen,
      OpenSource(flags_, options_.controller.node_name, ProcessEnvironment()));
  ASSIGN_OR_RETURN(lock_, RunLock::Acquire(flags_.run_lock));
  LogInfo(absl::StrCat("following ", chosen.name));
  EnforcerOptions options;
  options.controller = options_.controller;
  options.controller.require_node = chosen.is_api_server;
  options.pacing.period = options_.sync_period;
  options.flavour = options_.flavour;
  options.lock_timeout = options_.lock_timeout;
  options.health = limits_;
  ASSIGN_OR_RETURN(enforcer_,
                   Enforcer::Start(std::move(options), std::move(chosen.source),
                                   Callbacks()));
  return absl::OkStatus();
}

EnforcerCallbacks Daemon::Callbacks() {
  EnforcerCallbacks callbacks;
  callbacks.log = Log;
  callbacks.on_synced = [this](const SyncReport& report) {
    metrics_.Observe(report);
  };
  callbacks.on_in_kernel = [this](absl::Duration delay, size_t events) {
    metrics_.ObserveInKernel(delay, events);
  };
  return callbacks;
}

std::string Daemon::MetricsPage() {
  const absl::Time now = absl::Now();
  const EnforcerState state = enforcer_->state();
  metrics_.Update(state, JudgeHealth(state, now, limits_), now);
  return metrics_.Render();
}

std::string Daemon::Status() const {
  const absl::Time now = absl::Now();
  const EnforcerState state = enforcer_->state();
  return AnswerStatus(state, JudgeHealth(state, now, limits_), now);
}

// The port may be that of a kube-router that is about to go.
void Daemon::StartEndpoints() {
  HttpEndpointSources sources;
  sources.health = [this] { return Health(); };
  sources.metrics = [this] { return MetricsPage(); };
  auto started = HttpEndpoints::Start(endpoint_options_, sources);
  if (started.ok()) {
    endpoints_ = *std::move(started);
  } else if (const auto line = endpoint_errors_.Admit(
                 started.status().message(), absl::Now())) {
    LogError(absl::StrCat(*line, "; it is tried again"));
  }
}

void Daemon::StartControl() {
  absl::StatusOr<std::unique_ptr<ControlServer>> control = ControlServer::Start(
      flags_.control_socket,
      {{kExplainRoute,
        [this](const std::string& request) {
          return AnswerExplain(request, *enforcer_);
        }},
       {kStatusRoute,
        [this](const std::string&) -> absl::StatusOr<std::string> {
          return Status();
        }}});
  if (control.ok()) {
    control_ = *std::move(control);
  } else {
    LogError(absl::StrCat(control.status().message(),
                          "; netpolctl explain and status get no answer"));
  }
}

absl::Status Daemon::Serve() {
  while (true) {
    ASSIGN_OR_RETURN(
        const int signal,
        signals_->Wait(-1, endpoints_ == nullptr ? kTryAgain : kWait));
    if (endpoints_ == nullptr && signal == 0) StartEndpoints();
    if (signal == SIGHUP) {
      LogInfo("SIGHUP: reading the kernel again");
      enforcer_->RequestResync();
    } else if (signal != 0) {
      LogInfo(absl::StrCat(
          "SIG", sigabbrev_np(signal), ": ending",
          flags_.disable_network_policy ? "" : "; enforcement stays in place"));
      enforcer_->Stop();
      return absl::OkStatus();
    }
  }
}

}  // namespace

ExitCode RunDaemon(const Flags& flags, Console& console) {
  if (flags.cleanup_config) return RunCleanup(flags, console);
  absl::StatusOr<DaemonOptions> options = MakeOptions(flags);
  if (!options.ok()) return console.FailUsage(options.status());
  absl::StatusOr<HttpEndpointOptions> endpoints =
      MakeHttpEndpointOptions(flags);
  if (!endpoints.ok()) return console.FailUsage(endpoints.status());
  const absl::Status root = RequireCapabilities();
  if (!root.ok()) return console.Fail("starting", root);
  SetLogVerbosity(flags.verbosity);
  SetLogFormat(flags.log_format == "json" ? LogFormat::kJson
                                          : LogFormat::kText);
  Daemon daemon(flags, *std::move(options), *std::move(endpoints));
  const absl::Status started = daemon.Start();
  if (!started.ok()) return console.Fail("starting", started);
  const absl::Status served = daemon.Serve();
  if (!served.ok()) return console.Fail("running", served);
  return kDone;
}

}  // namespace netpol
