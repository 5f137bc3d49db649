#include "netpol/sync/sync_engine.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "netpol/base/scoped_timer.h"
#include "netpol/base/status_macros.h"
#include "netpol/sync/batch.h"
#include "netpol/sync/plan_maker.h"

namespace netpol {

absl::Status SyncEngine::Learn(SyncTimes& times) {
  if (known_) return absl::OkStatus();
  ASSIGN_OR_RETURN(Snapshot snapshot, dataplane_.Read(ledger_.families()));
  for (Family family : ledger_.families())
    times.of(family).read += snapshot.table(family).read_time;
  ledger_.Learn(std::move(snapshot));
  known_ = true;
  return absl::OkStatus();
}

absl::StatusOr<Plan> SyncEngine::Preview() {
  SyncTimes ignored;  // they are no Sync()'s
  RETURN_IF_ERROR(Learn(ignored));
  return MakePlan(ledger_, options_.max_sets);
}

absl::StatusOr<SyncReport> SyncEngine::Sync() {
  absl::Duration taken;
  absl::StatusOr<SyncReport> report;
  {
    const ScopedTimer timer(taken);
    report = SyncOnce();
  }
  if (report.ok()) report->times.engine = taken;
  return report;
}

absl::StatusOr<SyncReport> SyncEngine::SyncOnce() {
  SyncTimes times;
  RETURN_IF_ERROR(Annotate(Learn(times), "reading what is in the kernel"));
  const Plan plan = MakePlan(ledger_, options_.max_sets);
  const WriteCounts before = dataplane_.writes();
  Batch batch(&dataplane_, &ledger_);
  const absl::Status status =
      plan.empty() ? absl::OkStatus() : batch.Apply(plan);
  SyncReport report = batch.report();
  for (std::string& mended : ledger_.TakeMended())
    mended_.push_back(std::move(mended));
  if (!status.ok() || !report.problems.empty() || OthersTakeTheRoom(plan))
    known_ = false;
  if (!status.ok()) return status;
  for (const RefusedSet& refused : plan.refused_sets) {
    report.problems.push_back(
        absl::StrCat("set ", refused.name.value(), ": ", refused.reason));
    report.retry = true;
  }
  report.repaired = std::exchange(mended_, {});
  for (Family family : ledger_.families())
    report.times.of(family).read = times.of(family).read;
  const WriteCounts after = dataplane_.writes();
  report.writes.set_messages = after.set_messages - before.set_messages;
  report.writes.table_commits = after.table_commits - before.table_commits;
  return report;
}

bool SyncEngine::LookForChanges() {
  if (!known_) return false;
  const absl::StatusOr<Glance> glance = dataplane_.Look(ledger_.families());
  known_ = glance.ok() && !glance->tables_may_differ &&
           ledger_.SetSizesAre(glance->set_sizes);
  return !known_;
}

bool SyncEngine::OthersTakeTheRoom(const Plan& plan) const {
  return !plan.refused_sets.empty() &&
         static_cast<size_t>(ledger_.wanted_sets()) <= options_.max_sets;
}

}  // namespace netpol
