#include "netpol/capi/embedded_controller.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "netpol/base/status_macros.h"
#include "netpol/base/version.h"
#include "netpol/capi/host_callbacks.h"
#include "netpol/capi/signal_shield.h"
#include "netpol/enforcer/cleanup.h"
#include "netpol/enforcer/disabled_enforcer.h"
#include "netpol/enforcer/health.h"
#include "netpol/enforcer/kernel_access.h"
#include "netpol/enforcer/node_claim.h"
#include "netpol/enforcer/status_report.h"
#include "netpol/watch/kube/kube_source.h"
#include "netpol/watch/kube/kubeconfig.h"

namespace netpol {
namespace {

absl::StatusOr<std::unique_ptr<WatchSource>> SourceFor(
    const EmbeddedOptions& options) {
  if (!options.watches) return std::unique_ptr<WatchSource>();
  KubeSourceOptions source;
  source.program = absl::StrCat("libnetpol/", kNetpolVersion);
  source.node_name = options.enforcer.controller.node_name;
  ASSIGN_OR_RETURN(source.server,
                   ChooseApiServer(options.kubeconfig, options.master,
                                   ProcessEnvironment()));
  return KubeSource::Create(std::move(source));
}

}  // namespace

EmbeddedController::EmbeddedController(EmbeddedOptions options)
    : options_(std::move(options)) {}

EmbeddedController::~EmbeddedController() {
  if (enforcer_ != nullptr) enforcer_->Stop();
}

absl::StatusOr<std::unique_ptr<Enforcer>> EmbeddedController::StartEnforcer()
    const {
  const SignalShield shield;
  if (options_.disabled) {
    return StartDisabledEnforcer(options_.enforcer, HostCallbacks(options_));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<WatchSource> source, SourceFor(options_));
  return Enforcer::Start(options_.enforcer, std::move(source),
                         HostCallbacks(options_));
}

absl::Status EmbeddedController::Start() {
  ASSIGN_OR_RETURN(std::unique_ptr<HomeNamespace> home,
                   HomeNamespace::OfThisThread());
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (phase_ != Phase::kCreated) {
      return absl::FailedPreconditionError(
          "it was started before; make another handle");
    }
    phase_ = Phase::kStarting;
  }
  absl::Cleanup undo = [this] {
    const std::lock_guard<std::mutex> lock(mutex_);
    phase_ = Phase::kCreated;
  };
  ASSIGN_OR_RETURN(std::unique_ptr<Enforcer> enforcer, StartEnforcer());
  std::move(undo).Cancel();
  const std::lock_guard<std::mutex> lock(mutex_);
  home_ = std::move(home);
  enforcer_ = std::move(enforcer);
  phase_ = Phase::kRunning;
  return absl::OkStatus();
}

absl::StatusOr<Enforcer*> EmbeddedController::Running() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (phase_ == Phase::kRunning) return enforcer_.get();
  return absl::FailedPreconditionError(
      phase_ == Phase::kStopped ? "it was stopped; make another handle"
                                : "it does not run; call netpol_start() first");
}

absl::Status EmbeddedController::Post(v1::WatchEvent event) {
  ASSIGN_OR_RETURN(Enforcer * enforcer, Running());
  if (options_.watches) {
    return absl::FailedPreconditionError(
        "it watches an API server, so nothing is fed; for that, leave "
        "netpol_options.source at NETPOL_SOURCE_HOST");
  }
  std::vector<v1::WatchEvent> events;
  events.push_back(std::move(event));
  enforcer->Post(std::move(events));
  return absl::OkStatus();
}

absl::Status EmbeddedController::RequestSync() {
  ASSIGN_OR_RETURN(Enforcer * enforcer, Running());
  enforcer->RequestResync();
  return absl::OkStatus();
}

absl::StatusOr<Plan> EmbeddedController::Preview() {
  ASSIGN_OR_RETURN(Enforcer * enforcer, Running());
  return enforcer->Preview();
}

v1::DaemonStatus EmbeddedController::Status() const {
  const Enforcer* enforcer = nullptr;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    enforcer = enforcer_.get();
  }
  const absl::Time now = absl::Now();
  if (enforcer != nullptr) {
    const EnforcerState state = enforcer->state();
    return StatusOf(state, JudgeHealth(state, now), now);
  }
  v1::DaemonStatus status;
  status.set_version(kNetpolVersion);
  status.set_node(options_.enforcer.controller.node_name);
  return status;
}

absl::Status EmbeddedController::Stop(bool with_cleanup) {
  Enforcer* enforcer = nullptr;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (phase_ == Phase::kStarting) {
      return absl::FailedPreconditionError(
          "netpol_start() has not returned yet");
    }
    phase_ = Phase::kStopped;
    enforcer = enforcer_.get();
  }
  if (enforcer != nullptr) enforcer->Stop();
  if (!with_cleanup) return absl::OkStatus();
  const auto clean_up = [this] {
    return CleanUpHere(options_.enforcer.lock_timeout);
  };
  return enforcer == nullptr ? clean_up() : home_->Run(clean_up);
}

absl::Status CleanUpHere(absl::Duration lock_timeout) {
  RETURN_IF_ERROR(RequireCapabilities());
  ASSIGN_OR_RETURN(const NodeClaim claim,
                   NodeClaim::Take(NodeClaim::WhenUnknown::kRefuse));
  CleanupOptions options;
  options.lock_timeout = lock_timeout;
  const v1::CleanupResult result = CleanUpKernel(options);
  if (result.complete()) return absl::OkStatus();
  std::vector<std::string> problems = {"not everything could be removed"};
  for (const v1::Problem& problem : result.problems())
    problems.push_back(problem.text());
  return absl::FailedPreconditionError(absl::StrJoin(problems, "; "));
}

}  // namespace netpol
