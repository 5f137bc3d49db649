#include "netpol/daemon/plan_command.h"

#include <utility>

#include "netpol/daemon/manifest_cluster.h"
#include "netpol/daemon/options.h"
#include "netpol/daemon/progress.h"
#include "netpol/enforcer/kernel_access.h"
#include "netpol/enforcer/plan_form.h"

namespace netpol {
namespace {

void PrintPlan(const Plan& plan, Console& console) {
  if (console.json()) {
    console.out() << JsonOf(PlanToProto(plan));
  } else if (plan.empty()) {
    console.out() << "nothing would change\n";
  } else {
    console.out() << plan.ToString();
  }
}

}  // namespace

ExitCode RunPlan(const Flags& flags, Console& console) {
  const absl::StatusOr<DaemonOptions> options = MakeOptions(flags);
  if (!options.ok()) return console.FailUsage(options.status());
  const absl::Status root = RequireCapabilities();
  if (!root.ok()) return console.Fail("reading the kernel", root);
  const absl::StatusOr<ManifestSet> manifests =
      ReadWithProgress(flags, console);
  if (!manifests.ok())
    return console.Fail("reading manifests", manifests.status());
  auto kernel = OpenKernel(
      DecideFlavour(options->flavour, options->controller.layout.families)
          .flavour,
      options->lock_timeout);
  if (!kernel.ok()) return console.Fail("opening the kernel", kernel.status());
  absl::StatusOr<ManifestCluster> cluster =
      TellManifests(*manifests, options->controller, *std::move(kernel));
  if (!cluster.ok()) return console.Fail("planning", cluster.status());
  absl::StatusOr<Plan> plan;
  {
    const Progress progress(console.terminal(), console.Doing("planning"));
    plan = cluster->controller->Preview();
  }
  for (const v1::Problem& problem : cluster->problems) console.Tell(problem);
  if (!plan.ok()) return console.Fail("planning", plan.status());
  PrintPlan(*plan, console);
  if (AnyError(cluster->problems)) return kFailed;
  return plan->empty() ? kDone : kChanges;
}

}  // namespace netpol
