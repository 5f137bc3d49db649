#include "netpol/daemon/check_command.h"

#include <string>
#include <vector>

#include "netpol/daemon/options.h"
#include "netpol/enforcer/kernel_access.h"

namespace netpol {

ExitCode RunCheck(const Flags& flags, Console& console) {
  const absl::StatusOr<std::vector<Family>> families = EnabledFamilies(flags);
  if (!families.ok()) return console.FailUsage(families.status());
  const auto wanted = ParseBackend(flags.iptables_backend);
  if (!wanted.ok()) return console.FailUsage(wanted.status());
  const absl::Status root = RequireCapabilities();
  if (!root.ok()) return console.Fail("checking the kernel", root);
  const FlavourDecision decision = DecideFlavour(*wanted, *families);
  v1::CheckResult result = CheckKernel(*families, decision.flavour);
  result.set_iptables_backend(std::string(FlavourName(decision.flavour)));
  result.set_backend_reason(decision.reason);
  const v1::CheckResult blind = CheckBlindSpots(*families);
  result.mutable_findings()->MergeFrom(blind.findings());
  result.set_ok(result.ok() && blind.ok());
  console.Print(result);
  return result.ok() ? kDone : kFailed;
}

}  // namespace netpol
