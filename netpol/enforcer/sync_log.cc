#include "netpol/enforcer/sync_log.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "netpol/enforcer/sync_summary.h"

namespace netpol {
namespace {

// A set that could not be destroyed yet was written to, and is as it was.
bool HasChanged(const SyncReport& report) {
  return report.sets_created + report.sets_replaced + report.sets_destroyed +
             report.members_added + report.members_removed +
             report.chains_written + report.chains_removed +
             report.hooks_changed >
         0;
}

}  // namespace

void SyncLog::OnSynced(const SyncReport& report, absl::Duration duration,
                       absl::Time now) {
  const std::string line = absl::StrFormat("synced in %.1f ms: %s",
                                           absl::ToDoubleMilliseconds(duration),
                                           TextOf(SummaryOf(report)));
  (HasChanged(report) ? sinks_.info : sinks_.debug)(line);
  if (!report.repaired.empty()) {
    constexpr size_t kNamed = 5;
    const size_t named = std::min(report.repaired.size(), kNamed);
    std::string names = absl::StrJoin(
        absl::MakeConstSpan(report.repaired).subspan(0, named), ", ");
    if (report.repaired.size() > named)
      absl::StrAppend(&names, " and ", report.repaired.size() - named, " more");
    (sinks_.warning ? sinks_.warning : sinks_.info)(absl::StrCat(
        "changed by another program, and mended: ", names,
        "; look for one that writes rules on this node if it happens again"));
  }
  for (const std::string& notice : report.notices) {
    if (const auto admitted = notices_.Admit(notice, now))
      sinks_.info(*admitted);
  }
  for (const std::string& problem : report.problems) Error(problem, now);
  if (!report.problems.empty()) return;
  const int errors = limiter_.Clear();
  if (errors > 0) {
    sinks_.info(absl::StrCat("syncing works again, after ", errors,
                             errors == 1 ? " error" : " errors"));
  }
  if (!ready_) sinks_.info("ready");
  ready_ = true;
}

void SyncLog::OnError(const absl::Status& status, absl::Time now) {
  Error(absl::StrCat("syncing: ", status.message(),
                     "; what was enforced stays, and it is tried again"),
        now);
}

void SyncLog::OnPolicyProblems(const ObjectKey& policy,
                               const std::vector<std::string>& problems) {
  if (problems.empty())
    sinks_.info(absl::StrCat("NetworkPolicy ", policy.ToString(),
                             ": has no problems any more"));
  for (const std::string& problem : problems) {
    sinks_.error(
        absl::StrCat("NetworkPolicy ", policy.ToString(), ": ", problem));
  }
}

void SyncLog::Error(const std::string& text, absl::Time now) {
  if (const auto line = limiter_.Admit(text, now)) sinks_.error(*line);
}

}  // namespace netpol
