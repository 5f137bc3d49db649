#include "netpol/daemon/apply_command.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "netpol/daemon/manifest_cluster.h"
#include "netpol/daemon/options.h"
#include "netpol/daemon/progress.h"
#include "netpol/daemon/run_lock.h"
#include "netpol/enforcer/bounded_sync.h"
#include "netpol/enforcer/kernel_access.h"
#include "netpol/enforcer/leftovers.h"
#include "netpol/enforcer/node_claim.h"
#include "netpol/enforcer/sync_summary.h"

namespace netpol {
namespace {

v1::ApplyResult ResultOf(const ManifestCluster& cluster,
                         const SyncReport& report) {
  const ControllerCounts counts = cluster.controller->counts();
  const auto number = [](size_t value) { return static_cast<uint32_t>(value); };
  v1::ApplyResult result;
  result.set_namespaces(number(counts.namespaces));
  result.set_pods(number(counts.pods));
  result.set_local_pods(number(counts.local_pods));
  result.set_policies(number(counts.policies));
  result.set_sets(number(counts.sets));
  result.set_chains(number(counts.chains));
  result.set_rules(number(counts.rules));
  *result.mutable_sync() = SummaryOf(report);
  for (const v1::Problem& problem : cluster.problems)
    *result.add_problems() = problem;
  for (const std::string& text : report.problems) {
    v1::Problem* problem = result.add_problems();
    problem->set_severity(v1::Problem::ERROR);
    problem->set_text(text);
  }
  // What is only left over does no harm, and the next apply takes it away.
  if (report.retry && report.problems.empty()) {
    v1::Problem* problem = result.add_problems();
    problem->set_severity(v1::Problem::WARNING);
    problem->set_text(
        "sets that are needed no more are still in use by rules of others; the "
        "next apply tries again");
  }
  result.set_complete(!AnyError(std::vector<v1::Problem>(
      result.problems().begin(), result.problems().end())));
  return result;
}

void Tell(v1::Problem::Severity severity, const std::string& text,
          Console& console) {
  v1::Problem problem;
  problem.set_severity(severity);
  problem.set_text(text);
  console.Tell(problem);
}

// A daemon, or an agent with the library, would undo at its next look what was
// applied beside it. Whether there is one.
bool WarnOfEnforcer(const Flags& flags, Console& console) {
  const absl::Status lock = RunLock::CheckFree(flags.run_lock);
  const auto holder = NodeClaim::Holder();
  const bool held = holder.ok() && holder->has_value();
  if (!lock.ok()) {
    Tell(v1::Problem::WARNING,
         absl::StrCat(lock.message(),
                      ", or it will bring back what its own manifests say"),
         console);
  } else if (held) {
    Tell(v1::Problem::WARNING,
         absl::StrCat(**holder,
                      " enforces network policies here, and will bring back "
                      "what it was told; stop it first"),
         console);
  }
  return held || !lock.ok();
}

// What is ours in the other flavour, or of a family that is off.
ExitCode Sweep(Flavour flavour, const DaemonOptions& options,
               Controller& controller, Console& console) {
  const SweepReport swept = SweepLeftovers(
      flavour, options.controller.layout.families, options.lock_timeout);
  if (!swept.status.ok()) {
    return console.Fail("removing what an earlier enforcement left",
                        swept.status);
  }
  for (const std::string& line : swept.done)
    Tell(v1::Problem::NOTICE, line, console);
  // Sets that only those rules still used can go now.
  const absl::Status last =
      swept.done.empty() ? absl::OkStatus() : controller.Sync().status();
  return last.ok() ? kDone : console.Fail("removing old sets", last);
}

absl::Status WithAdvice(const absl::Status& status) {
  if (!absl::IsUnavailable(status)) return status;
  return absl::Status(
      status.code(),
      absl::StrCat(status.message(),
                   "; apply again, it goes on from here, or wait longer with "
                   "--iptables-lock-timeout"));
}

ExitCode Apply(ManifestCluster& cluster, Console& console) {
  absl::StatusOr<SyncReport> report;
  {
    const Progress progress(console.terminal(),
                            console.Doing("writing the kernel"));
    report = SyncUntilDone([&] { return cluster.controller->Sync(); },
                           absl::SleepFor);
  }
  if (!report.ok()) {
    for (const v1::Problem& problem : cluster.problems) console.Tell(problem);
    return console.Fail("bringing the kernel to what the manifests say",
                        WithAdvice(report.status()));
  }
  const v1::ApplyResult result = ResultOf(cluster, *report);
  for (const v1::Problem& problem : result.problems()) console.Tell(problem);
  console.Print(result);
  return result.complete() ? kDone : kFailed;
}

}  // namespace

ExitCode RunApply(const Flags& flags, Console& console) {
  const absl::StatusOr<DaemonOptions> options = MakeOptions(flags);
  if (!options.ok()) return console.FailUsage(options.status());
  const absl::Status root = RequireCapabilities();
  if (!root.ok()) return console.Fail("changing the kernel", root);
  const absl::StatusOr<ManifestSet> manifests =
      ReadWithProgress(flags, console);
  if (!manifests.ok())
    return console.Fail("reading manifests", manifests.status());
  const std::vector<Family>& families = options->controller.layout.families;
  const Flavour flavour = DecideFlavour(options->flavour, families).flavour;
  const std::vector<v1::Problem> missing =
      MissingFeatures(CheckKernel(families, flavour));
  for (const v1::Problem& problem : missing) console.Tell(problem);
  if (!missing.empty()) return kFailed;
  const bool others = WarnOfEnforcer(flags, console);
  auto kernel = OpenKernel(flavour, options->lock_timeout);
  if (!kernel.ok()) return console.Fail("opening the kernel", kernel.status());
  absl::StatusOr<ManifestCluster> cluster =
      TellManifests(*manifests, options->controller, *std::move(kernel));
  if (!cluster.ok())
    return console.Fail("taking the manifests", cluster.status());
  const ExitCode applied = Apply(*cluster, console);
  // What another enforces is not left over.
  if (applied != kDone || others) return applied;
  return Sweep(flavour, *options, *cluster->controller, console);
}

}  // namespace netpol
