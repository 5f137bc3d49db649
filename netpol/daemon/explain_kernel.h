// The kernel's part of `netpolctl explain`.
#ifndef NETPOL_DAEMON_EXPLAIN_KERNEL_H_
#define NETPOL_DAEMON_EXPLAIN_KERNEL_H_

#include "absl/status/status.h"
#include "netpol/sync/snapshot.h"
#include "proto/netpol/explain.pb.h"

namespace netpol {

// Fills `kernel` of every path, and `agrees`, from `snapshot`. `explanation`
// has the policies' part. FailedPrecondition for a snapshot that cannot be
// followed, such as one with a jump to a chain of somebody else.
absl::Status AddKernelPart(const Snapshot& snapshot,
                           v1::Explanation& explanation);

}  // namespace netpol

#endif  // NETPOL_DAEMON_EXPLAIN_KERNEL_H_
