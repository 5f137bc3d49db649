#include "netpol/daemon/metric_readings.h"

#include <algorithm>

#include "netpol/base/ip.h"

namespace netpol {
namespace {

// Seconds since `since`; 0 if that is not yet, or never was.
double Since(absl::Time now, absl::Time since) {
  if (since == absl::InfiniteFuture() || since == absl::InfinitePast())
    return 0;
  return std::max(0.0, absl::ToDoubleSeconds(now - since));
}

double Stamp(absl::Time time) {
  if (time == absl::InfiniteFuture() || time == absl::InfinitePast()) return 0;
  return absl::ToDoubleSeconds(time - absl::UnixEpoch());
}

constexpr MetricReading<MetricView> kGauges[] = {
    {"kube_router_controller_policy_chains",
     "Chains of network policy enforcement that should be in the kernel, of "
     "all families: those of policies, of pods and of the way to them",
     [](const MetricView& v) { return double(v.state.loop.counts.chains); }},
    {"kube_router_controller_policy_ipsets",
     "IP sets of network policy enforcement that should be in the kernel, of "
     "all families",
     [](const MetricView& v) { return double(v.state.loop.counts.sets); }},
    {"netpol_chains", "Chains that should be in the kernel, of all families",
     [](const MetricView& v) { return double(v.state.loop.counts.chains); }},
    {"netpol_rules", "Rules in these chains",
     [](const MetricView& v) { return double(v.state.loop.counts.rules); }},
    {"netpol_sets", "IP sets that should be in the kernel, of all families",
     [](const MetricView& v) { return double(v.state.loop.counts.sets); }},
    {"netpol_namespaces", "Namespaces that are known",
     [](const MetricView& v) {
       return double(v.state.loop.counts.namespaces);
     }},
    {"netpol_pods", "Pods that are known, of all nodes",
     [](const MetricView& v) { return double(v.state.loop.counts.pods); }},
    {"netpol_local_pods", "Pods that are known on this node",
     [](const MetricView& v) {
       return double(v.state.loop.counts.local_pods);
     }},
    {"netpol_policies", "Network policies that are known",
     [](const MetricView& v) { return double(v.state.loop.counts.policies); }},
    {"netpol_policies_in_error",
     "Network policies that have problems; the log names each",
     [](const MetricView& v) {
       return double(v.state.loop.policies_in_error);
     }},
    {"netpol_source_problems",
     "Objects and files that could not be taken as they stand",
     [](const MetricView& v) { return double(v.state.source_problems); }},
    {"netpol_node_problems",
     "Things that are wrong with what is known of this node",
     [](const MetricView& v) {
       return double(v.state.loop.node_problems.size());
     }},
    {"netpol_source_failing_seconds",
     "Since when the source of objects as a whole cannot be read; 0 if it can",
     [](const MetricView& v) {
       return v.state.source_error.empty()
                  ? 0.0
                  : Since(v.now, v.state.source_failing_since);
     }},
    {"netpol_kernel_open", "1 once the kernel could be opened",
     [](const MetricView& v) { return double(v.state.kernel_open); }},
    {"netpol_kernel_problems", "Things that the kernel lacks",
     [](const MetricView& v) {
       return double(v.state.kernel_problems.size());
     }},
    {"netpol_pending_changes",
     "Changes that are known and not in the kernel yet",
     [](const MetricView& v) { return double(v.state.loop.pending); }},
    {"netpol_oldest_pending_seconds",
     "Age of the oldest of these; 0 if there is none",
     [](const MetricView& v) {
       return Since(v.now, v.state.loop.oldest_pending);
     }},
    {"netpol_last_successful_sync_timestamp_seconds",
     "When the last synchronisation that went well began; 0 if none did",
     [](const MetricView& v) { return Stamp(v.state.loop.last_success); }},
    {"netpol_alive", "1 if the enforcer's threads turn, as /livez says",
     [](const MetricView& v) { return double(v.verdict.alive); }},
    {"netpol_healthy",
     "1 if what policies say is enforced, as far as is known, as /healthz says",
     [](const MetricView& v) { return double(v.verdict.healthy); }},
    {"netpol_ready",
     "1 once everything that was listed is in the kernel, as /readyz says",
     [](const MetricView& v) { return double(v.verdict.ready); }},
    {"process_start_time_seconds",
     "Start time of the process since unix epoch in seconds.",
     [](const MetricView& v) { return v.process.start_seconds; }},
    {"process_resident_memory_bytes", "Resident memory size in bytes.",
     [](const MetricView& v) { return v.process.resident_bytes; }},
    {"process_virtual_memory_bytes", "Virtual memory size in bytes.",
     [](const MetricView& v) { return v.process.virtual_bytes; }},
    {"process_threads", "Number of OS threads in the process.",
     [](const MetricView& v) { return v.process.threads; }},
    {"process_open_fds", "Number of open file descriptors.",
     [](const MetricView& v) { return v.process.open_fds; }},
    {"process_max_fds", "Maximum number of open file descriptors.",
     [](const MetricView& v) { return v.process.max_fds; }},
};

constexpr MetricReading<MetricView> kCounters[] = {
    {"netpol_syncs_total", "Synchronisations with the kernel that went well",
     [](const MetricView& v) { return double(v.state.loop.syncs); }},
    {"netpol_failed_syncs_total",
     "Synchronisations with the kernel that failed",
     [](const MetricView& v) { return double(v.state.loop.failed_syncs); }},
    {"netpol_kernel_repairs_total",
     "Chains, sets and hooks that somebody else had changed in the kernel, and "
     "that are as they should be again",
     [](const MetricView& v) { return double(v.state.loop.repairs); }},
    {"process_cpu_seconds_total",
     "Total user and system CPU time spent in seconds.",
     [](const MetricView& v) { return v.process.cpu_seconds; }},
};

constexpr MetricReading<KindView> kKindGauges[] = {
    {"netpol_watch_following",
     "1 if every change of the kind is told as it happens",
     [](const KindView& k) {
       return double(k.kind.phase == FollowedKind::Phase::kFollowing);
     }},
    {"netpol_watch_listed", "1 once all objects of the kind were listed",
     [](const KindView& k) { return double(k.kind.listed); }},
    {"netpol_watch_failing_seconds",
     "Since when the server gives nothing of the kind; 0 while all is well",
     [](const KindView& k) { return Since(k.now, k.kind.failing_since); }},
    {"netpol_watch_last_heard_timestamp_seconds",
     "When the server was last heard of the kind, bookmarks included; 0 if "
     "never",
     [](const KindView& k) { return Stamp(k.kind.last_heard); }},
};

constexpr MetricReading<KindView> kKindCounters[] = {
    {"netpol_watch_lists_total",
     "Lists of all objects of the kind that ended well",
     [](const KindView& k) { return double(k.kind.lists); }},
    {"netpol_watch_opened_total", "Watches of the kind that were opened",
     [](const KindView& k) { return double(k.kind.watches); }},
    {"netpol_watch_errors_total", "Lists and watches of the kind that failed",
     [](const KindView& k) { return double(k.kind.errors); }},
    {"netpol_watch_events_total",
     "Objects of the kind that were told, by lists and watches",
     [](const KindView& k) { return double(k.kind.events); }},
};

constexpr Family kV4 = Family::kIPv4;
constexpr Family kV6 = Family::kIPv6;

double Seconds(absl::Duration duration) {
  return absl::ToDoubleSeconds(duration);
}

// Observed where there was something to measure.
constexpr MetricReading<SyncTimes> kTimes[] = {
    {"kube_router_controller_iptables_sync_time",
     "Seconds that one synchronisation took, from the first look at what "
     "changed to the end of the last write; reading the kernel where that was "
     "due",
     [](const SyncTimes& t) { return Seconds(t.preparing + t.engine); }},
    {"kube_router_controller_iptables_v4_save_time",
     "Seconds to read the IPv4 filter table, each time that it was read anew",
     [](const SyncTimes& t) { return Seconds(t.of(kV4).read); }},
    {"kube_router_controller_iptables_v6_save_time",
     "Seconds to read the IPv6 filter table, each time that it was read anew",
     [](const SyncTimes& t) { return Seconds(t.of(kV6).read); }},
    {"kube_router_controller_iptables_v4_restore_time",
     "Seconds that a commit of the IPv4 filter table took, waiting for the "
     "xtables lock included",
     [](const SyncTimes& t) { return Seconds(t.of(kV4).commit); }},
    {"kube_router_controller_iptables_v6_restore_time",
     "Seconds that a commit of the IPv6 filter table took, waiting for the "
     "xtables lock included",
     [](const SyncTimes& t) { return Seconds(t.of(kV6).commit); }},
    {"kube_router_controller_policy_chains_sync_time",
     "Seconds from policies and pods that changed to the chains and sets that "
     "they ask for, and to write the sets",
     [](const SyncTimes& t) {
       return Seconds(t.preparing + t.of(kV4).sets + t.of(kV6).sets);
     }},
    {"kube_router_controller_policy_ipset_v4_restore_time",
     "Seconds that the writes to IPv4 sets of one synchronisation took",
     [](const SyncTimes& t) { return Seconds(t.of(kV4).sets); }},
    {"kube_router_controller_policy_ipset_v6_restore_time",
     "Seconds that the writes to IPv6 sets of one synchronisation took",
     [](const SyncTimes& t) { return Seconds(t.of(kV6).sets); }},
};

}  // namespace

absl::Span<const MetricReading<MetricView>> GaugeReadings() { return kGauges; }

absl::Span<const MetricReading<MetricView>> CounterReadings() {
  return kCounters;
}

absl::Span<const MetricReading<KindView>> KindGaugeReadings() {
  return kKindGauges;
}

absl::Span<const MetricReading<KindView>> KindCounterReadings() {
  return kKindCounters;
}

absl::Span<const MetricReading<SyncTimes>> TimeReadings() { return kTimes; }

}  // namespace netpol
