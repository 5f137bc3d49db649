#include "netpol/daemon/cleanup_command.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "netpol/base/status_macros.h"
#include "netpol/daemon/options.h"
#include "netpol/daemon/progress.h"
#include "netpol/daemon/run_lock.h"
#include "netpol/dataplane/flavour.h"
#include "netpol/enforcer/cleanup.h"
#include "netpol/enforcer/kernel_access.h"
#include "netpol/enforcer/node_claim.h"
#include "netpol/enforcer/pipeline_cleanup.h"

namespace netpol {
namespace {

constexpr char kTried[] = "removing what is ours from the kernel";

// Keeps enforcers away while we clean up.
struct QuietNode {
  absl::optional<RunLock> lock;
  absl::optional<NodeClaim> claim;
};

absl::StatusOr<QuietNode> TakeNode(const Flags& flags) {
  QuietNode node;
  ASSIGN_OR_RETURN(node.lock, RunLock::Acquire(flags.run_lock));
  ASSIGN_OR_RETURN(node.claim,
                   NodeClaim::Take(NodeClaim::WhenUnknown::kRefuse));
  return node;
}

// What was done, or found. The code to exit with.
template <typename Result>
ExitCode Tell(const Result& result, bool found, Console& console) {
  for (const v1::Problem& problem : result.problems()) console.Tell(problem);
  console.Print(result);
  if (!result.complete()) return kFailed;
  return result.dry_run() && found ? kChanges : kDone;
}

ExitCode CleanUpAll(bool dry_run, absl::Duration lock_timeout,
                    Console& console) {
  v1::CleanupResult result;
  {
    const Progress progress(console.terminal(), console.Doing(kTried));
    CleanupOptions options;
    options.lock_timeout = lock_timeout;
    result = dry_run ? PlanCleanup() : CleanUpKernel(options);
  }
  return Tell(result, result.found_anything(), console);
}

ExitCode CleanUpAsScriptsDo(const Flags& flags, absl::optional<Flavour> flavour,
                            absl::Duration lock_timeout, Console& console) {
  PipelineOptions options;
  options.tools = !flavour.has_value()           ? PipelineTools::kHost
                  : *flavour == Flavour::kLegacy ? PipelineTools::kLegacy
                                                 : PipelineTools::kNft;
  options.dry_run = flags.dry_run;
  options.force = flags.force;
  options.lock_timeout = lock_timeout;
  const v1::PipelineResult result = CleanUpByPipeline(options);
  bool found = false;
  for (const v1::PipelineTable& family : result.families())
    found = found || !family.dropped_lines().empty();
  return Tell(result, found, console);
}

}  // namespace

ExitCode RunCleanup(const Flags& flags, Console& console) {
  const absl::StatusOr<absl::Duration> lock_timeout = ParsePositiveDuration(
      "iptables-lock-timeout", flags.iptables_lock_timeout);
  if (!lock_timeout.ok()) return console.FailUsage(lock_timeout.status());
  const auto flavour = ParseBackend(flags.iptables_backend);
  if (!flavour.ok()) return console.FailUsage(flavour.status());
  const absl::Status root = RequireCapabilities();
  if (!root.ok()) return console.Fail(kTried, root);
  absl::StatusOr<QuietNode> node = QuietNode();
  if (!flags.dry_run && !flags.force) node = TakeNode(flags);
  if (!node.ok()) {
    return console.Fail(
        kTried,
        absl::Status(node.status().code(), absl::StrCat(node.status().message(),
                                                        ", or use --force")));
  }
  if (flags.cleanup_mode == "pipeline")
    return CleanUpAsScriptsDo(flags, *flavour, *lock_timeout, console);
  return CleanUpAll(flags.dry_run, *lock_timeout, console);
}

}  // namespace netpol
