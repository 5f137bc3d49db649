#include "netpol/daemon/cleanup_command.h"

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "netpol/daemon/options.h"
#include "netpol/daemon/progress.h"
#include "netpol/daemon/run_lock.h"
#include "netpol/enforcer/cleanup.h"
#include "netpol/enforcer/kernel_access.h"
#include "netpol/enforcer/plan_form.h"

namespace netpol {
namespace {

constexpr char kTried[] = "removing what is ours from the kernel";

ExitCode PrintPlan(const Plan& plan, Console& console) {
  if (console.json()) {
    console.out() << JsonOf(PlanToProto(plan));
  } else {
    console.out() << (plan.empty() ? "nothing of ours is there\n"
                                   : plan.ToString());
  }
  return plan.empty() ? kDone : kChanges;
}

ExitCode Remove(Dataplane& kernel, Console& console) {
  absl::StatusOr<v1::CleanupResult> result;
  {
    const Progress progress(console.terminal(), console.Doing(kTried));
    result = CleanUpKernel(kernel);
  }
  if (!result.ok()) return console.Fail(kTried, result.status());
  for (const v1::Problem& problem : result->problems()) console.Tell(problem);
  console.Print(*result);
  return result->complete() ? kDone : kFailed;
}

ExitCode Show(Dataplane& kernel, Console& console) {
  absl::StatusOr<Plan> plan;
  {
    const Progress progress(console.terminal(), console.Doing(kTried));
    plan = PlanCleanup(kernel);
  }
  if (!plan.ok()) return console.Fail(kTried, plan.status());
  return PrintPlan(*plan, console);
}

}  // namespace

ExitCode RunCleanup(const Flags& flags, Console& console) {
  const absl::StatusOr<absl::Duration> lock_timeout = ParsePositiveDuration(
      "iptables-lock-timeout", flags.iptables_lock_timeout);
  if (!lock_timeout.ok()) return console.FailUsage(lock_timeout.status());
  const absl::Status root = RequireCapabilities();
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
  return flags.dry_run ? Show(**kernel, console) : Remove(**kernel, console);
}

}  // namespace netpol
