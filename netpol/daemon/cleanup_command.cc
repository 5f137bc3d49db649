#include "netpol/daemon/cleanup_command.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/types/optional.h"
#include "netpol/daemon/bounded_sync.h"
#include "netpol/daemon/options.h"
#include "netpol/daemon/plan_form.h"
#include "netpol/daemon/progress.h"
#include "netpol/daemon/run_lock.h"
#include "netpol/dataplane/ipset/older_sets.h"
#include "netpol/enforcer/kernel_access.h"
#include "netpol/enforcer/sync_summary.h"
#include "netpol/sync/sync_engine.h"

namespace netpol {
namespace {

constexpr char kTried[] = "removing what is ours from the kernel";

v1::Problem Error(std::string text) {
  v1::Problem problem;
  problem.set_severity(v1::Problem::ERROR);
  problem.set_text(std::move(text));
  return problem;
}

ExitCode PrintPlan(const Plan& plan, Console& console) {
  if (console.json()) {
    console.out() << JsonOf(PlanToProto(plan));
  } else {
    console.out() << (plan.empty() ? "nothing of ours is there\n"
                                   : plan.ToString());
  }
  return plan.empty() ? kDone : kChanges;
}

// A set that could not be removed.
v1::Problem StillInUse(const SetName& set) {
  return Error(absl::StrCat(
      "set ", set.value(),
      ": still in use by a rule that is not ours; remove that rule, then run "
      "netpolctl cleanup again"));
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

ExitCode Remove(SyncEngine& engine, const std::vector<SetName>& older,
                Console& console) {
  v1::CleanupResult result;
  absl::StatusOr<SyncReport> report;
  {
    const Progress progress(console.terminal(), console.Doing(kTried));
    const absl::StatusOr<Plan> plan = engine.Preview();
    if (!plan.ok()) return console.Fail(kTried, plan.status());
    result.set_found_anything(!plan->empty() || !older.empty());
    report = SyncUntilDone([&] { return engine.Sync(); }, absl::SleepFor);
  }
  if (!report.ok()) return console.Fail(kTried, report.status());
  DestroyOlderSets(older, *report, result);
  *result.mutable_sync() = SummaryOf(*report);
  AddLeftovers(*report, engine, result);
  result.set_complete(result.problems().empty() && !report->retry);
  for (const v1::Problem& problem : result.problems()) console.Tell(problem);
  console.Print(result);
  return result.complete() ? kDone : kFailed;
}

// Shows or removes what is ours.
ExitCode CleanUp(bool dry_run, Dataplane& kernel, Console& console) {
  absl::StatusOr<std::vector<Family>> families;
  {
    const Progress progress(console.terminal(), console.Doing(kTried));
    families = FamiliesOf(kernel);
  }
  if (!families.ok()) return console.Fail(kTried, families.status());
  const absl::StatusOr<std::vector<SetName>> older = FindOlderTemporarySets();
  if (!older.ok()) return console.Fail(kTried, older.status());
  SyncEngine engine(&kernel, *families);
  engine.WantNothing();
  if (!dry_run) return Remove(engine, *older, console);
  absl::StatusOr<Plan> plan = engine.Preview();
  if (!plan.ok()) return console.Fail(kTried, plan.status());
  plan->destroy_sets.insert(plan->destroy_sets.end(), older->begin(),
                            older->end());
  return PrintPlan(*plan, console);
}

}  // namespace

ExitCode RunCleanup(const Flags& flags, Console& console) {
  const absl::StatusOr<absl::Duration> lock_timeout = ParsePositiveDuration(
      "iptables-lock-timeout", flags.iptables_lock_timeout);
  if (!lock_timeout.ok()) return console.FailUsage(lock_timeout.status());
  const absl::Status root = RequireRoot();
  if (!root.ok()) return console.Fail(kTried, root);
  absl::optional<RunLock> lock;
  if (!flags.dry_run && !flags.force) {
    absl::StatusOr<RunLock> acquired = RunLock::Acquire(flags.run_lock);
    if (!acquired.ok()) {
      return console.Fail(kTried,
                          absl::Status(acquired.status().code(),
                                       absl::StrCat(acquired.status().message(),
                                                    ", or use --force")));
    }
    lock = *std::move(acquired);
  }
  const auto kernel = OpenKernel(*lock_timeout);
  if (!kernel.ok()) return console.Fail(kTried, kernel.status());
  return CleanUp(flags.dry_run, **kernel, console);
}

}  // namespace netpol
