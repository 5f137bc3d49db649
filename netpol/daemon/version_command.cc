#include "netpol/daemon/version_command.h"

#include "proto/netpol/status.pb.h"

namespace netpol {

ExitCode RunVersion(const Flags&, Console& console) {
  v1::VersionInfo version;
  version.set_version("0.1.0");
  console.Print(version);
  return kDone;
}

}  // namespace netpol
