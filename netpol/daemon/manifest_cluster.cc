#include "netpol/daemon/manifest_cluster.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/enforcer/node_warning.h"
#include "netpol/daemon/progress.h"

namespace netpol {
namespace {

v1::Problem Error(std::string text) {
  v1::Problem problem;
  problem.set_severity(v1::Problem::ERROR);
  problem.set_text(std::move(text));
  return problem;
}

}  // namespace

v1::Problem ToProto(const SourceProblem& problem) {
  v1::Problem message;
  switch (problem.severity) {
    case SourceProblem::Severity::kNotice:
      message.set_severity(v1::Problem::NOTICE);
      break;
    case SourceProblem::Severity::kWarning:
      message.set_severity(v1::Problem::WARNING);
      break;
    case SourceProblem::Severity::kError:
      message.set_severity(v1::Problem::ERROR);
      break;
  }
  message.set_text(problem.ToString());
  return message;
}

bool AnyError(const std::vector<v1::Problem>& problems) {
  return std::any_of(problems.begin(), problems.end(),
                     [](const v1::Problem& problem) {
                       return problem.severity() == v1::Problem::ERROR;
                     });
}

absl::StatusOr<ManifestSet> ReadWithProgress(const Flags& flags,
                                             Console& console) {
  const Progress progress(console.terminal(),
                          console.Doing("reading manifests"));
  return ReadManifests(flags.manifests);
}

absl::StatusOr<ManifestCluster> TellManifests(
    const ManifestSet& manifests, const ControllerOptions& options,
    std::unique_ptr<Dataplane> dataplane) {
  ManifestCluster cluster;
  ASSIGN_OR_RETURN(cluster.controller,
                   Controller::Create(options, std::move(dataplane)));
  for (const SourceProblem& problem : manifests.problems)
    cluster.problems.push_back(ToProto(problem));
  for (const v1::WatchEvent& event : manifests.objects) {
    const absl::Status status = cluster.controller->OnEvent(event);
    if (!status.ok())
      cluster.problems.push_back(Error(std::string(status.message())));
  }
  for (const auto kind :
       {v1::WatchEvent::NAMESPACE, v1::WatchEvent::POD, v1::WatchEvent::NODE,
        v1::WatchEvent::NETWORK_POLICY}) {
    v1::WatchEvent listed;
    listed.set_type(v1::WatchEvent::LISTED);
    listed.set_listed_kind(kind);
    RETURN_IF_ERROR(cluster.controller->OnEvent(listed));
  }
  for (const auto& [key, problems] : cluster.controller->problems()) {
    for (const std::string& problem : problems) {
      cluster.problems.push_back(
          Error(absl::StrCat("NetworkPolicy ", key.ToString(), ": ", problem)));
    }
  }
  for (const std::string& problem : cluster.controller->node_problems())
    cluster.problems.push_back(Error(problem));
  if (absl::optional<std::string> warning =
          NodeWarning(cluster.controller->counts(), options.node_name)) {
    v1::Problem problem;
    problem.set_severity(v1::Problem::WARNING);
    problem.set_text(*std::move(warning));
    cluster.problems.push_back(std::move(problem));
  }
  return cluster;
}

}  // namespace netpol
