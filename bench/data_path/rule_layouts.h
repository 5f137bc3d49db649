// The rules that packets meet: none, ours, and those of the yardstick.
#ifndef NETPOL_BENCH_DATA_PATH_RULE_LAYOUTS_H_
#define NETPOL_BENCH_DATA_PATH_RULE_LAYOUTS_H_

#include "absl/status/status.h"
#include "netpol/testing/cluster.h"
#include "tests/kernel/lab/netns.h"

namespace netpol {

// Each writes to a node that has no rules yet, needs root, and takes the lock
// that XTABLES_LOCKFILE names. Rules stay until the namespace goes.

// Connection tracking and nothing else. The kernel tracks connections in a
// namespace as long as a rule there asks for their state; this one is never
// met, since no hook leads to it.
absl::Status InstallTrackingOnly(const NetNs& node);

// What Controller writes for the local pods of kCrowdedNode.
absl::Status InstallOurs(const Cluster& cluster, const NetNs& node);

// What FullRebuildEngine writes for them.
absl::Status InstallYardstick(const Cluster& cluster, const NetNs& node);

}  // namespace netpol

#endif  // NETPOL_BENCH_DATA_PATH_RULE_LAYOUTS_H_
