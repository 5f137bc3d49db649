#include "netpol/enforcer/status_report.h"

#include <algorithm>
#include <string>

#include "absl/types/optional.h"
#include "netpol/base/version.h"
#include "netpol/enforcer/kind_name.h"

namespace netpol {
namespace {

// Nothing for a time that never was; 0 for one that a clock puts ahead.
absl::optional<double> SecondsSince(absl::Time time, absl::Time now) {
  if (time == absl::InfinitePast() || time == absl::InfiniteFuture())
    return absl::nullopt;
  return std::max(0.0, absl::ToDoubleSeconds(now - time));
}

v1::DaemonStatus::Kind::Phase PhaseOf(FollowedKind::Phase phase) {
  switch (phase) {
    case FollowedKind::Phase::kWaiting:
      return v1::DaemonStatus::Kind::WAITING;
    case FollowedKind::Phase::kListing:
      return v1::DaemonStatus::Kind::LISTING;
    case FollowedKind::Phase::kFollowing:
      return v1::DaemonStatus::Kind::FOLLOWING;
  }
  return v1::DaemonStatus::Kind::WAITING;
}

void TellKind(const FollowedKind& from, absl::Time now,
              v1::DaemonStatus::Kind& to) {
  to.set_kind(std::string(KindName(from.kind)));
  to.set_phase(PhaseOf(from.phase));
  to.set_listed(from.listed);
  if (const auto failing = SecondsSince(from.failing_since, now))
    to.set_failing_seconds(*failing);
  if (!from.error.empty()) to.set_error(from.error);
  if (const auto heard = SecondsSince(from.last_heard, now))
    to.set_last_heard_seconds(*heard);
  to.set_lists(from.lists);
  to.set_watches(from.watches);
  to.set_errors(from.errors);
  to.set_events(from.events);
}

void TellCounts(const EnforcerState& state, v1::DaemonStatus::Counts& to) {
  const ControllerCounts& counts = state.loop.counts;
  to.set_namespaces(counts.namespaces);
  to.set_pods(counts.pods);
  to.set_local_pods(counts.local_pods);
  to.set_policies(counts.policies);
  to.set_policies_in_error(state.loop.policies_in_error);
  to.set_source_problems(state.source_problems);
  to.set_sets(counts.sets);
  to.set_chains(counts.chains);
  to.set_rules(counts.rules);
}

void TellSyncs(const LoopHealth& loop, absl::Time now,
               v1::DaemonStatus::Syncs& to) {
  to.set_synced_once(loop.synced_once);
  if (const auto success = SecondsSince(loop.last_success, now))
    to.set_last_success_seconds(*success);
  if (!loop.last_error.ok())
    to.set_last_error(std::string(loop.last_error.message()));
  to.set_succeeded(loop.syncs);
  to.set_failed(loop.failed_syncs);
  to.set_repairs(loop.repairs);
  if (!loop.waiting_for.empty()) to.set_waiting_for(loop.waiting_for);
}

}  // namespace

v1::DaemonStatus StatusOf(const EnforcerState& state,
                          const HealthVerdict& verdict, absl::Time now) {
  v1::DaemonStatus status;
  status.set_version(kNetpolVersion);
  status.set_node(state.node_name);
  if (const auto up = SecondsSince(state.started, now))
    status.set_uptime_seconds(*up);
  status.set_alive(verdict.alive);
  status.set_healthy(verdict.healthy);
  status.set_ready(verdict.ready);
  for (const std::string& reason : verdict.reasons) status.add_reasons(reason);
  if (state.disabled) status.set_disabled(true);
  TellSyncs(state.loop, now, *status.mutable_syncs());
  status.set_pending(state.loop.pending);
  if (const auto oldest = SecondsSince(state.loop.oldest_pending, now))
    status.set_oldest_pending_seconds(*oldest);
  for (const FollowedKind& kind : state.followed)
    TellKind(kind, now, *status.add_kinds());
  if (!state.source_error.empty()) status.set_source_error(state.source_error);
  TellCounts(state, *status.mutable_counts());
  status.set_kernel_open(state.kernel_open);
  if (state.flavour.has_value()) {
    status.set_iptables_backend(std::string(FlavourName(*state.flavour)));
    status.set_backend_reason(state.flavour_reason);
  }
  for (const std::string& problem : state.kernel_problems)
    status.add_kernel_problems(problem);
  for (const std::string& problem : state.loop.node_problems)
    status.add_node_problems(problem);
  return status;
}

}  // namespace netpol
