#include "netpol/watch/kube/exec_session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

constexpr absl::Duration kRetryInterval = absl::Seconds(10);
// Before they expire, or a tenth of their life if that is less.
constexpr absl::Duration kRefreshBefore = absl::Minutes(1);

}  // namespace

ExecSession::ExecSession(const ExecPluginConfig& config)
    : command_(config.command),
      plugin_(ExecPlugin::Create(config, ExecPlugin::Options())) {}

absl::StatusOr<ExecCredential> ExecSession::Get(absl::Time now) {
  if (!plugin_.ok()) return plugin_.status();
  Collect(now);
  RunIfNeeded(now);
  const bool running = (*plugin_)->running();
  const bool valid = current_.has_value() && now < current_->expiration;
  // Refused ones are better than nothing only while no better ones are tried.
  if (valid && !(refused_ && (running || !error_.ok()))) return *current_;
  if (running) {
    return absl::UnavailableError(
        absl::StrCat("the exec plugin ", command_, " is still running"));
  }
  if (!error_.ok()) return error_;
  return absl::UnauthenticatedError(
      absl::StrCat("the credentials of the exec plugin ", command_,
                   " expired at once; it is run again in a moment"));
}

void ExecSession::Collect(absl::Time now) {
  absl::optional<absl::StatusOr<ExecCredential>> result = (*plugin_)->Poll();
  if (!result.has_value()) return;
  if (!result->ok()) return Fail(result->status(), now);
  const absl::Time expiration = (*result)->expiration;
  if (expiration <= now) {
    return Fail(absl::FailedPreconditionError(absl::StrCat(
                    "exec plugin ", command_,
                    ": what it printed has expired already; check the clock")),
                now);
  }
  error_ = absl::OkStatus();
  refused_ = false;
  refresh_ =
      expiration == absl::InfiniteFuture()
          ? expiration
          : expiration - std::min(kRefreshBefore, (expiration - now) / 10);
  current_ = **std::move(result);
}

void ExecSession::RunIfNeeded(absl::Time now) {
  const bool fresh = current_.has_value() && !refused_ && now < refresh_;
  // A clock that was set back must not hold it up.
  const bool may = now >= earliest_run_ || now < last_run_;
  if (fresh || !may || (*plugin_)->running()) return;
  last_run_ = now;
  if (current_.has_value()) earliest_run_ = now + kRetryInterval;
  if (const absl::Status status = (*plugin_)->Start(); !status.ok()) {
    Fail(status, now);
  }
}

void ExecSession::Fail(const absl::Status& status, absl::Time now) {
  error_ = status;
  earliest_run_ = now + kRetryInterval;
}

}  // namespace netpol
