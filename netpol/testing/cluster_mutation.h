// Random walks through clusters: one change at a time, as a watch would tell
// it.
#ifndef NETPOL_TESTING_CLUSTER_MUTATION_H_
#define NETPOL_TESTING_CLUSTER_MUTATION_H_

#include "netpol/testing/cluster.h"
#include "netpol/testing/random.h"
#include "netpol/testing/random_options.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// Changes one object of `cluster` and returns the event that says so: creates,
// relabels, moves to another address or node, finishes, changes the ports of or
// deletes a pod; creates, relabels or deletes a namespace; creates, replaces or
// deletes a policy. At times the object is told again unchanged.
//
// `options` are those that `cluster` was made with. Without
// options.shared_addresses no change gives an address to a second counting pod.
v1::WatchEvent MutateCluster(Random& random,
                             const RandomClusterOptions& options,
                             Cluster& cluster);

}  // namespace netpol

#endif  // NETPOL_TESTING_CLUSTER_MUTATION_H_
