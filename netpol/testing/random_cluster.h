// Whole random clusters, small and full of corner cases.
#ifndef NETPOL_TESTING_RANDOM_CLUSTER_H_
#define NETPOL_TESTING_RANDOM_CLUSTER_H_

#include <cstddef>
#include <string>
#include <vector>

#include "netpol/testing/cluster.h"
#include "netpol/testing/random.h"
#include "netpol/testing/random_options.h"

namespace netpol {

// The same state of `random` and the same options give the same cluster, byte
// for byte, on every machine. The addresses of options.local_pods go to pods of
// options.node, those of options.remote_pods to pods of options.remote_node.
Cluster RandomCluster(Random& random, const RandomClusterOptions& options);

// A name of the form p<number> (or with another letter) that no object of
// `objects` has, whatever its namespace.
template <typename Object>
std::string UnusedName(const std::string& letter,
                       const std::vector<Object>& objects) {
  for (size_t number = 0;; ++number) {
    const std::string name = letter + std::to_string(number);
    bool used = false;
    for (const Object& object : objects) {
      if (object.metadata().name() == name) used = true;
    }
    if (!used) return name;
  }
}

}  // namespace netpol

#endif  // NETPOL_TESTING_RANDOM_CLUSTER_H_
