// The kernel that a plan makes.
#ifndef NETPOL_EXPLAIN_PLANNED_SNAPSHOT_H_
#define NETPOL_EXPLAIN_PLANNED_SNAPSHOT_H_

#include "netpol/sync/plan.h"
#include "netpol/sync/snapshot.h"

namespace netpol {

// What a kernel holds after `plan`, which was made for one that held nothing of
// ours.
Snapshot PlannedSnapshot(const Plan& plan);

}  // namespace netpol

#endif  // NETPOL_EXPLAIN_PLANNED_SNAPSHOT_H_
