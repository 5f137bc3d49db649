#include "tests/cases/case_folders.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/watch/manifests/manifest_source.h"

namespace netpol {

std::vector<std::string> CaseIds() {
  std::vector<std::string> ids;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(kCaseData, error)) {
    ids.push_back(entry.path().filename());
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

absl::StatusOr<Case> ReadCaseById(absl::string_view id) {
  return ReadCase(absl::StrCat(kCaseData, "/", id));
}

absl::StatusOr<std::vector<v1::WatchEvent>> EventsOf(const CaseStep& step) {
  std::vector<v1::WatchEvent> events = step.deletes;
  if (step.manifests.empty()) return events;
  ASSIGN_OR_RETURN(ManifestSet read, ReadManifests({step.manifests}));
  for (const SourceProblem& problem : read.problems) {
    if (problem.severity == SourceProblem::Severity::kNotice) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("reading step ", step.number, ": ", problem.ToString()));
  }
  for (v1::WatchEvent& event : read.objects) events.push_back(std::move(event));
  return events;
}

}  // namespace netpol
