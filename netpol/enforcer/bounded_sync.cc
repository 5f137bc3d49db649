#include "netpol/enforcer/bounded_sync.h"

#include <utility>

#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

constexpr int kMaxTries = 5;
constexpr absl::Duration kFirstWait = absl::Milliseconds(100);

void Accumulate(SyncReport next, SyncReport& total) {
  next.sets_created += total.sets_created;
  next.sets_replaced += total.sets_replaced;
  next.sets_destroyed += total.sets_destroyed;
  next.members_added += total.members_added;
  next.members_removed += total.members_removed;
  next.chains_written += total.chains_written;
  next.chains_removed += total.chains_removed;
  next.writes.set_messages += total.writes.set_messages;
  next.writes.table_commits += total.writes.table_commits;
  next.hooks_changed += total.hooks_changed;
  next.repaired.insert(next.repaired.begin(), total.repaired.begin(),
                       total.repaired.end());
  total = std::move(next);
}

}  // namespace

absl::StatusOr<SyncReport> SyncUntilDone(
    const std::function<absl::StatusOr<SyncReport>()>& sync,
    const std::function<void(absl::Duration)>& wait) {
  SyncReport total;
  absl::Duration pause = kFirstWait;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    if (tries > 0) {
      wait(pause);
      pause *= 2;
    }
    ASSIGN_OR_RETURN(SyncReport report, sync());
    Accumulate(std::move(report), total);
    if (!total.retry) break;
  }
  return total;
}

}  // namespace netpol
