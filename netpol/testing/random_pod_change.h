// Random lives of pods: how one comes into being, and what becomes of it.
#ifndef NETPOL_TESTING_RANDOM_POD_CHANGE_H_
#define NETPOL_TESTING_RANDOM_POD_CHANGE_H_

#include "netpol/testing/cluster.h"
#include "netpol/testing/random.h"
#include "netpol/testing/random_options.h"
#include "proto/k8s/core.pb.h"

namespace netpol {

// A pod that `cluster` does not have, counting or not, under a name that was
// perhaps used before.
k8s::Pod NewPod(Random& random, const RandomClusterOptions& options,
                const Cluster& cluster);

// What `old`, a pod of `cluster`, looks like next: other labels, ports,
// addresses or none, another phase or node; terminating; another pod under the
// same name whose end nobody has told; or nothing changed at all.
//
// Neither gives an address to a second counting pod unless
// options.shared_addresses.
k8s::Pod ChangedPod(Random& random, const RandomClusterOptions& options,
                    const Cluster& cluster, const k8s::Pod& old);

}  // namespace netpol

#endif  // NETPOL_TESTING_RANDOM_POD_CHANGE_H_
