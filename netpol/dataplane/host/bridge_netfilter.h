// Whether table filter sees what bridges of this machine pass on.
#ifndef NETPOL_DATAPLANE_HOST_BRIDGE_NETFILTER_H_
#define NETPOL_DATAPLANE_HOST_BRIDGE_NETFILTER_H_

#include <string>

#include "absl/status/statusor.h"
#include "netpol/base/ip.h"

namespace netpol {

// What a packet of `family` from one port of a bridge to another meets: rules,
// if net.bridge.bridge-nf-call-iptables (-ip6tables) is 1, which module
// br_netfilter brings. FailedPrecondition if it is not and there is a bridge,
// which is then named; a sentence about what was found otherwise. Looks at the
// network namespace of the calling thread.
absl::StatusOr<std::string> CheckBridgeNetfilter(Family family);

// The setting's name, as sysctl(8) has it.
std::string BridgeNetfilterSetting(Family family);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_HOST_BRIDGE_NETFILTER_H_
