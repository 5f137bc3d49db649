// A whole cluster in the etcd of a control plane, written past the API server:
// a hundred thousand objects through it would take many minutes.
#ifndef NETPOL_BENCH_LIVE_STORED_CLUSTER_H_
#define NETPOL_BENCH_LIVE_STORED_CLUSTER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "netpol/testing/workload_shape.h"
#include "tests/apiserver/control_plane.h"

namespace netpol {

// Objects of VisitWorkload(shape, seed), as the server would have stored them:
// pods have the size of real ones (some 3 KB: containers with environment,
// volumes, conditions). The server is restarted, and has them all when this
// returns.
absl::Status StoreWorkload(const WorkloadShape& shape, uint64_t seed,
                           ControlPlane& control_plane);

}  // namespace netpol

#endif  // NETPOL_BENCH_LIVE_STORED_CLUSTER_H_
