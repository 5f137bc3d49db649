#include "netpol/daemon/explain_command.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "netpol/base/status_macros.h"
#include "netpol/daemon/control_client.h"
#include "netpol/daemon/empty_kernel.h"
#include "netpol/daemon/explain_answer.h"
#include "netpol/daemon/explain_form.h"
#include "netpol/daemon/explain_kernel.h"
#include "netpol/daemon/explain_service.h"
#include "netpol/daemon/manifest_cluster.h"
#include "netpol/daemon/offline_explanation.h"
#include "netpol/daemon/options.h"
#include "netpol/daemon/progress.h"
#include "netpol/enforcer/kernel_access.h"

namespace netpol {
namespace {

constexpr char kTried[] = "explaining";
// For a disagreement that the daemon is about to mend.
constexpr int kTries = 10;
constexpr absl::Duration kBetweenTries = absl::Milliseconds(200);

v1::ExplainRequest RequestOf(const Flags& flags) {
  v1::ExplainRequest request;
  request.set_from(flags.from);
  request.set_to(flags.to);
  request.set_protocol(flags.protocol);
  if (flags.port != 0) request.set_port(flags.port);
  return request;
}

absl::StatusOr<v1::Explanation> ExplainManifests(
    const Flags& flags, const v1::ExplainRequest& request,
    const DaemonOptions& options, Console& console) {
  ASSIGN_OR_RETURN(const ManifestSet manifests,
                   ReadWithProgress(flags, console));
  ASSIGN_OR_RETURN(const ManifestCluster cluster,
                   TellManifests(manifests, options.controller,
                                 std::make_unique<EmptyKernel>()));
  for (const v1::Problem& problem : cluster.problems) console.Tell(problem);
  ASSIGN_OR_RETURN(
      v1::Explanation explanation,
      ExplainOffline(request, ContextOf(*cluster.controller, manifests.objects),
                     *cluster.controller));
  for (const v1::ExplainedPath& path : explanation.paths()) {
    if (path.family() != FamilyName(Family::kIPv6)) continue;
    explanation.add_notes(
        "IPv6 is judged here, but enforced only with --enable-ipv6");
  }
  for (const SourceProblem& problem : manifests.problems) {
    if (problem.severity == SourceProblem::Severity::kError)
      *explanation.add_problems() = ToProto(problem);
  }
  return explanation;
}

absl::StatusOr<v1::Explanation> AskForExplanation(
    const Flags& flags, const v1::ExplainRequest& request) {
  const absl::StatusOr<std::string> reply =
      AskDaemon(flags.control_socket, kExplainRoute, WireJsonOf(request));
  if (absl::IsUnavailable(reply.status())) {
    return absl::UnavailableError(absl::StrCat(
        reply.status().message(), "; start netpolctl run, or use --manifests"));
  }
  if (!reply.ok()) return reply.status();
  v1::Explanation explanation;
  RETURN_IF_ERROR(ReadReply(*reply, explanation));
  return explanation;
}

absl::StatusOr<v1::Explanation> ExplainLive(const Flags& flags,
                                            const v1::ExplainRequest& request,
                                            Console& console) {
  RETURN_IF_ERROR(RequireCapabilities());
  const Progress progress(console.terminal(), console.Doing(kTried));
  // Nothing is written, so the lock is never waited for.
  ASSIGN_OR_RETURN(const absl::optional<Flavour> wanted,
                   ParseBackend(flags.iptables_backend));
  ASSIGN_OR_RETURN(
      const std::unique_ptr<Dataplane> kernel,
      OpenKernel(DecideFlavourToRead(wanted).flavour, absl::ZeroDuration()));
  ASSIGN_OR_RETURN(const std::vector<Family> families, FamiliesOf(*kernel));
  for (int tries = 1;; ++tries) {
    ASSIGN_OR_RETURN(v1::Explanation explanation,
                     AskForExplanation(flags, request));
    ASSIGN_OR_RETURN(const Snapshot snapshot, kernel->Read(families));
    RETURN_IF_ERROR(AddKernelPart(snapshot, explanation));
    if (explanation.agrees() || !explanation.pending() || tries == kTries)
      return explanation;
    absl::SleepFor(kBetweenTries);
  }
}

}  // namespace

ExitCode RunExplain(const Flags& flags, Console& console) {
  const v1::ExplainRequest request = RequestOf(flags);
  const absl::Status usable = CheckRequest(request);
  if (!usable.ok()) return console.FailUsage(usable);
  const absl::StatusOr<DaemonOptions> options = MakeOptions(flags);
  if (!options.ok()) return console.FailUsage(options.status());
  const absl::StatusOr<v1::Explanation> explanation =
      flags.manifests.empty()
          ? ExplainLive(flags, request, console)
          : ExplainManifests(flags, request, *options, console);
  if (!explanation.ok()) return console.Fail(kTried, explanation.status());
  console.out() << (console.json() ? JsonOf(*explanation)
                                   : TextOf(*explanation));
  return explanation->agrees() ? kDone : kFailed;
}

}  // namespace netpol
