// Questions to the kernel about what its ipset subsystem can do. They change
// nothing, but may make the kernel load a module.
#ifndef NETPOL_DATAPLANE_IPSET_IPSET_FEATURES_H_
#define NETPOL_DATAPLANE_IPSET_IPSET_FEATURES_H_

#include "absl/status/status.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/ipset/ipset_channel.h"
#include "netpol/rules/set.h"

namespace netpol {

// OK where the kernel has an ipset subsystem that speaks protocol 6; else
// Unimplemented naming module ip_set, or PermissionDenied.
absl::Status CheckIpsetSubsystem(IpsetChannel& channel);

// OK where sets of `type` and `family` can be created; else Unimplemented
// naming the type's module, or PermissionDenied.
absl::Status CheckSetType(IpsetChannel& channel, SetType type, Family family);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_IPSET_IPSET_FEATURES_H_
