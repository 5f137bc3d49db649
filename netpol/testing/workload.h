// Named clusters of a realistic shape, for benchmarks, tests and
// demonstrations.
#ifndef NETPOL_TESTING_WORKLOAD_H_
#define NETPOL_TESTING_WORKLOAD_H_

#include <cstdint>
#include <functional>

#include "netpol/testing/cluster.h"
#include "netpol/testing/workload_shape.h"  // IWYU pragma: export
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// The same cluster for the same shape and seed, on every machine.
//
// A few namespaces and applications hold most of the pods; the pods of one
// application have the same labels. Four namespaces are the platform's:
// kube-system (DNS), monitoring, ingress-nginx, and "batch" with a tenth of the
// near pods. Most policies choose an application and name others of their own
// namespace by their number of port; others deny by default, or name what many
// policies name: DNS, monitoring, the ingress controller, the addresses outside
// of the cluster, a long list of blocks, the namespaces with a label.
// workload_policy.cc has the shares.
Cluster MakeWorkload(const WorkloadShape& shape, uint64_t seed);

// ListingOf(MakeWorkload(shape, seed)), one event at a time: takes memory for
// the names of the applications, not for the pods. The event is gone when
// `visit` returns.
void VisitWorkload(const WorkloadShape& shape, uint64_t seed,
                   const std::function<void(const v1::WatchEvent&)>& visit);

}  // namespace netpol

#endif  // NETPOL_TESTING_WORKLOAD_H_
