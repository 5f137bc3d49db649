// What can be said of a change before anything is written.
#ifndef NETPOL_DATAPLANE_NFT_CHANGE_CHECK_H_
#define NETPOL_DATAPLANE_NFT_CHANGE_CHECK_H_

#include "absl/status/status.h"
#include "netpol/dataplane/legacy/set_index.h"
#include "netpol/dataplane/nft/known_chains.h"
#include "netpol/sync/dataplane.h"

namespace netpol {

// Whether every rule can be said as it is meant: by the limits of the kernel's
// own modules, which both flavours use. InvalidArgument for one that cannot,
// NotFound for a set that does not exist.
absl::Status CheckRules(const TableChange& change, SetIndex& sets);

// Whether every jump leads to a chain that is there after the change, and none
// of the written chains leads back to itself. FailedPrecondition, naming them.
// `known` must be complete.
absl::Status CheckJumps(const TableChange& change, const KnownChains& known);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_NFT_CHANGE_CHECK_H_
