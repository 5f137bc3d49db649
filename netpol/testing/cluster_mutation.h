// Random walks through clusters: one change at a time or several at once, as a
// watch would tell them.
#ifndef NETPOL_TESTING_CLUSTER_MUTATION_H_
#define NETPOL_TESTING_CLUSTER_MUTATION_H_

#include <vector>

#include "netpol/testing/cluster.h"
#include "netpol/testing/random.h"
#include "netpol/testing/random_options.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// Changes one object of `cluster` and returns the event that says so: creates,
// relabels, moves to another address or node, finishes, changes the ports of or
// deletes a pod; creates, relabels or deletes a namespace or a node; creates,
// edits, replaces or deletes a policy. At times an object is told again
// unchanged, or told to be gone that never was.
//
// `options` are those that `cluster` was made with. Without
// options.shared_addresses no change gives an address to a second counting pod.
v1::WatchEvent MutateCluster(Random& random,
                             const RandomClusterOptions& options,
                             Cluster& cluster);

// Mostly one such change; else several, or a namespace that goes with all that
// is in it and perhaps comes back. With options.shared_addresses, several come
// in any order; `cluster` is as it is after the last of them.
std::vector<v1::WatchEvent> MutateClusterAtOnce(
    Random& random, const RandomClusterOptions& options, Cluster& cluster);

}  // namespace netpol

#endif  // NETPOL_TESTING_CLUSTER_MUTATION_H_
