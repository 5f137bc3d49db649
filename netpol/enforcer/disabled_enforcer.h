// An enforcer that is told not to enforce.
#ifndef NETPOL_ENFORCER_DISABLED_ENFORCER_H_
#define NETPOL_ENFORCER_DISABLED_ENFORCER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "netpol/enforcer/enforcer.h"

namespace netpol {

// Cleans up (CleanUpKernel()) in the network namespace of the calling thread,
// on a thread of its own, and does nothing more: what is posted is forgotten.
// Not while somebody else enforces there (NodeClaim), and again every ten
// seconds until nothing is left. Then it is ready, its state and health say
// "disabled", and `on_first_sync` is called. RequestResync() looks again.
// Preview() gives FailedPrecondition, and Inspect() too. PermissionDenied
// without the rights to clean up; then nothing runs.
//
// Of `options` only the node's name, the lock's timeout and the health's limits
// count.
absl::StatusOr<std::unique_ptr<Enforcer>> StartDisabledEnforcer(
    EnforcerOptions options, EnforcerCallbacks callbacks);

}  // namespace netpol

#endif  // NETPOL_ENFORCER_DISABLED_ENFORCER_H_
