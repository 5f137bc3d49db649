#include "netpol/enforcer/cleanup.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/ipset/older_sets.h"
#include "netpol/enforcer/bounded_sync.h"
#include "netpol/enforcer/kernel_access.h"
#include "netpol/enforcer/sync_summary.h"
#include "netpol/sync/sync_engine.h"

namespace netpol {
namespace {

v1::Problem Error(std::string text) {
  v1::Problem problem;
  problem.set_severity(v1::Problem::ERROR);
  problem.set_text(std::move(text));
  return problem;
}

// A set that could not be removed.
v1::Problem StillInUse(const SetName& set) {
  return Error(absl::StrCat(
      "set ", set.value(),
      ": still in use by a rule that is not ours; remove that rule, then clean "
      "up again (netpolctl cleanup)"));
}

// What `engine` could not remove.
void AddLeftovers(const SyncReport& report, SyncEngine& engine,
                  v1::CleanupResult& result) {
  for (const std::string& problem : report.problems)
    *result.add_problems() = Error(problem);
  if (!report.retry) return;
  const absl::StatusOr<Plan> left = engine.Preview();
  if (!left.ok()) return;
  for (const SetName& set : left->destroy_sets)
    *result.add_problems() = StillInUse(set);
}

// `older`: see FindOlderTemporarySets(). What was destroyed is counted in
// `report`.
void DestroyOlderSets(const std::vector<SetName>& older, SyncReport& report,
                      v1::CleanupResult& result) {
  for (const SetName& set : older) {
    ++report.writes.set_messages;
    const absl::Status destroyed = DestroyOlderTemporarySet(set);
    if (destroyed.ok()) {
      ++report.sets_destroyed;
    } else if (absl::IsUnavailable(destroyed)) {
      *result.add_problems() = StillInUse(set);
    } else {
      *result.add_problems() = Error(std::string(destroyed.message()));
    }
  }
}

}  // namespace

absl::StatusOr<Plan> PlanCleanup(Dataplane& kernel) {
  ASSIGN_OR_RETURN(const std::vector<Family> families, FamiliesOf(kernel));
  ASSIGN_OR_RETURN(const std::vector<SetName> older, FindOlderTemporarySets());
  SyncEngine engine(&kernel, families);
  engine.WantNothing();
  ASSIGN_OR_RETURN(Plan plan, engine.Preview());
  plan.destroy_sets.insert(plan.destroy_sets.end(), older.begin(), older.end());
  return plan;
}

absl::StatusOr<v1::CleanupResult> CleanUpKernel(Dataplane& kernel) {
  ASSIGN_OR_RETURN(const std::vector<Family> families, FamiliesOf(kernel));
  ASSIGN_OR_RETURN(const std::vector<SetName> older, FindOlderTemporarySets());
  SyncEngine engine(&kernel, families);
  engine.WantNothing();
  ASSIGN_OR_RETURN(const Plan plan, engine.Preview());
  v1::CleanupResult result;
  result.set_found_anything(!plan.empty() || !older.empty());
  ASSIGN_OR_RETURN(
      SyncReport report,
      SyncUntilDone([&] { return engine.Sync(); }, absl::SleepFor));
  DestroyOlderSets(older, report, result);
  *result.mutable_sync() = SummaryOf(report);
  AddLeftovers(report, engine, result);
  result.set_complete(result.problems().empty() && !report.retry);
  return result;
}

}  // namespace netpol
