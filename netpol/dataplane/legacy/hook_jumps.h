// The jumps from the built-in chains INPUT, FORWARD and OUTPUT into ours, and
// what older layouts left beside them.
#ifndef NETPOL_DATAPLANE_LEGACY_HOOK_JUMPS_H_
#define NETPOL_DATAPLANE_LEGACY_HOOK_JUMPS_H_

#include "absl/status/statusor.h"
#include "netpol/dataplane/hook_layout.h"
#include "netpol/dataplane/legacy/iptc_handle.h"

namespace netpol {

// What the built-in chains have of our three jumps.
absl::StatusOr<HookState> ReadHooks(const IptcHandle& handle);

// Leaves exactly one jump of ours, with kube-router's own comment, first in
// each of the three chains; one that stands there is not touched, one that
// stands elsewhere takes its counters along. Every other rule of a built-in
// chain that leads to one of our three goes, whatever its conditions. Returns
// whether anything changed. FailedPrecondition if one of our three chains is
// missing.
absl::StatusOr<bool> EnsureHooks(IptcHandle& handle);

// Takes every rule out of the built-in chains that leads to a chain of ours or
// is an accept rule of an older layout. Returns whether there was one.
absl::StatusOr<bool> RemoveHooks(IptcHandle& handle);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_LEGACY_HOOK_JUMPS_H_
