// Takes everything of ours out of the kernel.
#ifndef NETPOL_ENFORCER_CLEANUP_H_
#define NETPOL_ENFORCER_CLEANUP_H_

#include "absl/status/statusor.h"
#include "netpol/sync/dataplane.h"
#include "netpol/sync/plan.h"
#include "proto/netpol/status.pb.h"

namespace netpol {

// Of both families, as far as `kernel` has them, what is ours and what
// kube-router and its older releases left; nothing of anybody else. `kernel` is
// that of the calling thread's network namespace.

// What CleanUpKernel() would do. Writes nothing.
absl::StatusOr<Plan> PlanCleanup(Dataplane& kernel);

// Does it; a set that is in use is tried again for 1.5 s. What could not be
// removed is among the problems of the result, which is not complete then; an
// error means that nothing is known of the rest. Nobody may enforce meanwhile:
// it would all come back.
absl::StatusOr<v1::CleanupResult> CleanUpKernel(Dataplane& kernel);

}  // namespace netpol

#endif  // NETPOL_ENFORCER_CLEANUP_H_
