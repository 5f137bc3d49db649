#include "netpol/daemon/plan_command.h"

#include <string>
#include <utility>
#include <vector>

#include "netpol/daemon/manifest_cluster.h"
#include "netpol/daemon/options.h"
#include "netpol/daemon/progress.h"
#include "netpol/enforcer/kernel_access.h"
#include "netpol/enforcer/leftovers.h"
#include "netpol/enforcer/plan_form.h"

namespace netpol {
namespace {

void PrintPlan(const Plan& plan, const std::vector<std::string>& leftovers,
               Console& console) {
  if (console.json()) {
    v1::Plan message = PlanToProto(plan);
    for (const std::string& left : leftovers) message.add_leftovers(left);
    console.out() << JsonOf(message);
    return;
  }
  if (plan.empty() && leftovers.empty()) {
    console.out() << "nothing would change\n";
    return;
  }
  console.out() << plan.ToString();
  for (const std::string& left : leftovers)
    console.out() << "- " << left << "\n";
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
  const std::vector<Family>& families = options->controller.layout.families;
  const Flavour flavour = DecideFlavour(options->flavour, families).flavour;
  auto kernel = OpenKernel(flavour, options->lock_timeout);
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
  const auto leftovers = FindLeftovers(flavour, families);
  if (!leftovers.ok()) return console.Fail("planning", leftovers.status());
  PrintPlan(*plan, *leftovers, console);
  if (AnyError(cluster->problems)) return kFailed;
  return plan->empty() && leftovers->empty() ? kDone : kChanges;
}

}  // namespace netpol
