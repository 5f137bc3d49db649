#include "netpol/daemon/check_command.h"

#include <vector>

#include "netpol/enforcer/kernel_access.h"
#include "netpol/daemon/options.h"

namespace netpol {

ExitCode RunCheck(const Flags& flags, Console& console) {
  const absl::StatusOr<std::vector<Family>> families = EnabledFamilies(flags);
  if (!families.ok()) return console.FailUsage(families.status());
  const absl::Status root = RequireCapabilities();
  if (!root.ok()) return console.Fail("checking the kernel", root);
  v1::CheckResult result = CheckKernel(*families);
  const v1::CheckResult blind = CheckBlindSpots(*families);
  result.mutable_findings()->MergeFrom(blind.findings());
  result.set_ok(result.ok() && blind.ok());
  console.Print(result);
  return result.ok() ? kDone : kFailed;
}

}  // namespace netpol
