#include "netpol/enforcer/kernel_access.h"

#include <unistd.h>

#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/host/capabilities.h"
#include "netpol/dataplane/host/flavour_detection.h"
#include "netpol/dataplane/host/preflight.h"
#include "netpol/dataplane/linux_dataplane.h"
#include "netpol/enforcer/table_removal.h"

namespace netpol {

absl::Status RequireCapabilities() {
  ASSIGN_OR_RETURN(const std::vector<CapabilityState> needed,
                   NeededCapabilities());
  std::vector<std::string> missing;
  for (const CapabilityState& capability : needed) {
    if (!capability.effective)
      missing.push_back(absl::StrCat(capability.name, " ", capability.use));
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat(
      "user id ", geteuid(),
      " may not read or change sets and filter tables: the process lacks ",
      absl::StrJoin(missing, ", and "),
      "; run it as root, and in a container or a service add these "
      "capabilities"));
}

FlavourDecision DecideFlavour(absl::optional<Flavour> wanted,
                              const std::vector<Family>& families) {
  if (wanted.has_value()) return {*wanted, "it was asked for"};
  FlavourChoice choice = DetectFlavour(families);
  const bool works = choice.of(choice.flavour).works();
  // It is told behind the flavour's name.
  const absl::string_view reason = absl::StripPrefix(
      choice.reason, absl::StrCat(FlavourName(choice.flavour), ": "));
  return {choice.flavour, std::string(reason), works};
}

namespace {

bool HasOurChains(Flavour flavour) {
  for (Family family : kFamilies) {
    const absl::StatusOr<TableRemoval> found = FindOurTable(flavour, family);
    if (found.ok() && !found->chains.empty()) return true;
  }
  return false;
}

}  // namespace

FlavourDecision DecideFlavourToRead(absl::optional<Flavour> wanted) {
  if (!wanted.has_value()) {
    const bool in_legacy = HasOurChains(Flavour::kLegacy);
    if (in_legacy != HasOurChains(Flavour::kNft)) {
      return {in_legacy ? Flavour::kLegacy : Flavour::kNft,
              "our chains are there"};
    }
  }
  return DecideFlavour(wanted, {kFamilies, std::end(kFamilies)});
}

absl::StatusOr<std::unique_ptr<Dataplane>> OpenKernel(
    Flavour flavour, absl::Duration lock_timeout) {
  LinuxDataplaneOptions options;
  options.flavour = flavour;
  options.lock_timeout = lock_timeout;
  ASSIGN_OR_RETURN(std::unique_ptr<LinuxDataplane> dataplane,
                   LinuxDataplane::Create(options));
  return std::unique_ptr<Dataplane>(std::move(dataplane));
}

absl::StatusOr<std::vector<Family>> FamiliesOf(Dataplane& dataplane) {
  std::vector<Family> families;
  for (Family family : kFamilies) {
    const absl::StatusOr<Snapshot> snapshot = dataplane.Read({family});
    if (absl::IsUnimplemented(snapshot.status())) continue;
    if (!snapshot.ok()) return snapshot.status();
    families.push_back(family);
  }
  return families;
}

namespace {

v1::CheckResult ResultOf(const std::vector<PreflightFinding>& findings) {
  v1::CheckResult result;
  result.set_ok(true);
  for (const PreflightFinding& finding : findings) {
    v1::CheckResult::Finding* message = result.add_findings();
    message->set_name(finding.name);
    message->set_ok(finding.ok);
    message->set_detail(finding.detail);
    message->set_remedy(finding.remedy);
    if (!finding.ok) result.set_ok(false);
  }
  return result;
}

}  // namespace

v1::CheckResult CheckKernel(const std::vector<Family>& families,
                            Flavour flavour) {
  PreflightOptions options;
  options.families = families;
  options.flavour = flavour;
  return ResultOf(RunPreflight(options));
}

v1::CheckResult CheckBlindSpots(const std::vector<Family>& families) {
  PreflightOptions options;
  options.families = families;
  return ResultOf(FindBlindSpots(options));
}

std::vector<v1::Problem> MissingFeatures(const v1::CheckResult& result) {
  std::vector<v1::Problem> problems;
  for (const v1::CheckResult::Finding& finding : result.findings()) {
    if (finding.ok()) continue;
    v1::Problem problem;
    problem.set_severity(v1::Problem::ERROR);
    problem.set_text(absl::StrCat(finding.name(), " is missing: ",
                                  finding.detail(), "; ", finding.remedy()));
    problems.push_back(std::move(problem));
  }
  return problems;
}

}  // namespace netpol
