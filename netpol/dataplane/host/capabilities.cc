#include "netpol/dataplane/host/capabilities.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace netpol {

absl::StatusOr<std::vector<CapabilityState>> NeededCapabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capget, &header, data) != 0) {
    return absl::InternalError(absl::StrCat(
        "asking for the process's capabilities: ", std::strerror(errno)));
  }
  const auto effective = [&data](unsigned capability) {
    return (data[CAP_TO_INDEX(capability)].effective &
            CAP_TO_MASK(capability)) != 0;
  };
  return std::vector<CapabilityState>{
      {"CAP_NET_ADMIN", "to read and write sets and tables",
       effective(CAP_NET_ADMIN)},
      // The kernel takes tables from raw sockets only.
      {"CAP_NET_RAW", "to open the sockets that tables go through",
       effective(CAP_NET_RAW)}};
}

}  // namespace netpol
