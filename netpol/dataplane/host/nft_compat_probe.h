// Questions to the kernel's nft_compat, which lets rules in nf_tables use the
// matches and targets of iptables.
#ifndef NETPOL_DATAPLANE_HOST_NFT_COMPAT_PROBE_H_
#define NETPOL_DATAPLANE_HOST_NFT_COMPAT_PROBE_H_

#include "absl/status/status.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/host/xtables_probe.h"

namespace netpol {

// As CheckExtension(), for rules that iptables-nft writes: OK where they can
// use `extension` at that revision, else Unimplemented. PermissionDenied
// without CAP_NET_ADMIN, when nothing is known; Unavailable if the kernel does
// not answer. Changes nothing and makes no table, but may make the kernel load
// a module. Asks in the network namespace of the calling thread.
absl::Status CheckNftExtension(Family family, const KernelExtension& extension);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_HOST_NFT_COMPAT_PROBE_H_
