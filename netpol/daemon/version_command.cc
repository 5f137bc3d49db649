#include "netpol/daemon/version_command.h"

#include "netpol/base/version.h"
#include "proto/netpol/status.pb.h"

namespace netpol {

ExitCode RunVersion(const Flags&, Console& console) {
  v1::VersionInfo version;
  version.set_version(kNetpolVersion);
  console.Print(version);
  return kDone;
}

}  // namespace netpol
