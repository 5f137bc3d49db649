#include "netpol/dataplane/host/bridge_netfilter.h"

#include <linux/if_bridge.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace netpol {
namespace {

// Where the kernel has no bridges at all it refuses, which is no bridge too.
std::vector<std::string> Bridges() {
  constexpr int kMost = 64;
  std::vector<std::string> names;
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return names;
  int indices[kMost] = {};
  uintptr_t arguments[] = {BRCTL_GET_BRIDGES,
                           reinterpret_cast<uintptr_t>(indices), kMost};
  const int count = ioctl(fd, SIOCGIFBR, arguments);
  for (int i = 0; i < count; ++i) {
    ifreq request = {};
    request.ifr_ifindex = indices[i];
    if (ioctl(fd, SIOCGIFNAME, &request) == 0)
      names.push_back(request.ifr_name);
  }
  close(fd);
  return names;
}

}  // namespace

std::string BridgeNetfilterSetting(Family family) {
  return absl::StrCat("net.bridge.bridge-nf-call-",
                      family == Family::kIPv4 ? "iptables" : "ip6tables");
}

absl::StatusOr<std::string> CheckBridgeNetfilter(Family family) {
  const std::string setting = BridgeNetfilterSetting(family);
  std::ifstream file(
      absl::StrCat("/proc/sys/", absl::StrReplaceAll(setting, {{".", "/"}})));
  std::string value;
  const bool present = static_cast<bool>(file >> value);
  if (present && value != "0") return absl::StrCat(setting, " is ", value);
  const std::string found =
      absl::StrCat(setting, present ? " is 0" : " is not there");
  const std::vector<std::string> bridges = Bridges();
  if (bridges.empty()) return absl::StrCat(found, ", and neither is a bridge");
  return absl::FailedPreconditionError(
      absl::StrCat(found, ": packets between the ports of ",
                   absl::StrJoin(bridges, ", "), " pass unfiltered"));
}

}  // namespace netpol
