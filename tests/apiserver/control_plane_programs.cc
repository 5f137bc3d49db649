#include "tests/apiserver/control_plane_programs.h"

#include <cstdlib>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "netpol/base/status_macros.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/node_process.h"

namespace netpol {
namespace {

// A cold build on two slow cores, behind another one that has the lock.
constexpr absl::Duration kBuildLimit = absl::Minutes(50);

std::string FromEnvironment(const char* name, const std::string& otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : value;
}

}  // namespace

absl::StatusOr<ControlPlanePrograms> FindControlPlanePrograms() {
  Program script;
  script.argv = {"tests/apiserver/binaries/build_control_plane"};
  script.limit = kBuildLimit;
  ASSIGN_OR_RETURN(const ProgramResult result,
                   RunProgram(NetNs::OfCaller(), script));
  if (result.exit_code != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("no control plane for tests: ", result.err));
  }
  const std::vector<absl::string_view> lines =
      absl::StrSplit(absl::StripAsciiWhitespace(result.out), '\n');
  const std::string folder(lines.back());
  return ControlPlanePrograms{
      FromEnvironment("TEST_ASSET_ETCD", folder + "/etcd"),
      FromEnvironment("TEST_ASSET_KUBE_APISERVER", folder + "/kube-apiserver")};
}

}  // namespace netpol
