#include "netpol/daemon/status_form.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "netpol/enforcer/sync_summary.h"

namespace netpol {
namespace {

using Kind = v1::DaemonStatus::Kind;

// "3m12s"; milliseconds below a second.
std::string Span(double seconds) {
  const absl::Duration duration = absl::Seconds(seconds);
  const absl::Duration unit =
      duration < absl::Seconds(1) ? absl::Milliseconds(1) : absl::Seconds(1);
  const absl::Duration span = absl::Trunc(duration, unit);
  if (span == absl::ZeroDuration()) return "0s";
  return absl::FormatDuration(span);
}

// "name       text", a line.
void Line(absl::string_view name, absl::string_view text, std::string& out) {
  absl::StrAppendFormat(&out, "%-9s %s\n", name, text);
}

std::string Number(uint64_t count, absl::string_view one,
                   absl::string_view many) {
  return Counted(static_cast<uint32_t>(count), one, many);
}

std::string VerdictText(const v1::DaemonStatus& status) {
  return absl::StrCat(!status.alive()    ? "unhealthy, and its threads hang"
                      : status.healthy() ? "healthy"
                                         : "unhealthy",
                      status.ready() ? ", ready" : ", not ready yet");
}

std::string SyncText(const v1::DaemonStatus::Syncs& syncs) {
  std::string text =
      syncs.has_last_success_seconds()
          ? absl::StrCat("last ", Span(syncs.last_success_seconds()), " ago")
          : "none yet";
  absl::StrAppend(&text, "; ", syncs.succeeded(), " done, ", syncs.failed(),
                  " failed, ", Number(syncs.repairs(), "repair", "repairs"));
  if (syncs.has_last_error())
    absl::StrAppend(&text, "; the last failed: ", syncs.last_error());
  if (syncs.has_waiting_for())
    absl::StrAppend(&text, "; waits: ", syncs.waiting_for());
  return text;
}

std::string PendingText(const v1::DaemonStatus& status) {
  if (status.pending() == 0) return "nothing";
  std::string text = Number(status.pending(), "change", "changes");
  if (status.has_oldest_pending_seconds()) {
    absl::StrAppend(&text, ", the oldest for ",
                    Span(status.oldest_pending_seconds()));
  }
  return text;
}

std::string PhaseText(const Kind& kind) {
  switch (kind.phase()) {
    case Kind::WAITING:
      return kind.listed() ? "waiting to try again" : "not listed yet";
    case Kind::LISTING:
      return "being listed";
    case Kind::FOLLOWING:
      return "followed";
  }
  return "";
}

std::string KindText(const Kind& kind) {
  std::string text = absl::StrFormat("%-13s %s", kind.kind(), PhaseText(kind));
  if (kind.has_last_heard_seconds()) {
    absl::StrAppend(&text, ", heard ", Span(kind.last_heard_seconds()), " ago");
  }
  absl::StrAppend(&text, "; ", Number(kind.lists(), "list", "lists"), ", ",
                  Number(kind.watches(), "watch", "watches"), ", ",
                  Number(kind.events(), "event", "events"), ", ",
                  Number(kind.errors(), "error", "errors"));
  if (kind.has_failing_seconds()) {
    absl::StrAppend(&text, "; failing for ", Span(kind.failing_seconds()), ": ",
                    kind.error());
  }
  return text;
}

void AppendCounts(const v1::DaemonStatus::Counts& counts, std::string& out) {
  std::string objects = absl::StrCat(
      Number(counts.namespaces(), "namespace", "namespaces"), ", ",
      Number(counts.pods(), "pod", "pods"), " (", counts.local_pods(),
      " on this node), ",
      Number(counts.policies(), "network policy", "network policies"));
  if (counts.policies_in_error() > 0)
    absl::StrAppend(&objects, " (", counts.policies_in_error(),
                    " with problems)");
  Line("objects", objects, out);
  Line("kernel",
       absl::StrCat(Number(counts.sets(), "set", "sets"), ", ",
                    Number(counts.chains(), "chain", "chains"), ", ",
                    Number(counts.rules(), "rule", "rules")),
       out);
}

}  // namespace

std::string TextOf(const v1::DaemonStatus& status) {
  std::string out = absl::StrCat(VerdictText(status), "\n");
  for (const std::string& reason : status.reasons())
    absl::StrAppend(&out, "  ", reason, "\n");
  Line("node", status.node(), out);
  Line("daemon",
       absl::StrCat("netpolctl ", status.version(), ", up for ",
                    Span(status.uptime_seconds())),
       out);
  if (status.disabled()) return out;
  if (status.has_iptables_backend()) {
    Line("iptables",
         absl::StrCat(status.iptables_backend(), ": ", status.backend_reason()),
         out);
  }
  Line("syncs", SyncText(status.syncs()), out);
  Line("pending", PendingText(status), out);
  if (status.has_source_error())
    Line("source", absl::StrCat("failing: ", status.source_error()), out);
  for (const Kind& kind : status.kinds()) Line("watch", KindText(kind), out);
  AppendCounts(status.counts(), out);
  if (!status.kernel_open()) Line("kernel", "cannot be opened", out);
  return out;
}

}  // namespace netpol
