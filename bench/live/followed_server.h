// How benchmarks follow the API server of a control plane.
#ifndef NETPOL_BENCH_LIVE_FOLLOWED_SERVER_H_
#define NETPOL_BENCH_LIVE_FOLLOWED_SERVER_H_

#include "netpol/watch/kube/kube_source.h"
#include "tests/apiserver/control_plane.h"

namespace netpol {

// As its administrator, for the node under test of the workloads.
KubeSourceOptions SourceOf(const ControlPlane& server);

}  // namespace netpol

#endif  // NETPOL_BENCH_LIVE_FOLLOWED_SERVER_H_
