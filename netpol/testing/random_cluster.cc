#include "netpol/testing/random_cluster.h"

#include <algorithm>

#include "netpol/testing/random_objects.h"
#include "netpol/testing/random_policy.h"

namespace netpol {
namespace {

void AddPods(Random& random, const RandomClusterOptions& options,
             const std::string& node, const std::vector<AddressPair>& pool,
             Cluster& cluster) {
  for (const AddressPair& pair : pool) {
    if (random.Chance(10)) continue;
    const std::string ns = RandomNamespaceName(random, options);
    const std::string name = UnusedName("p", cluster.pods);
    cluster.pods.push_back(RandomPod(random, ns, name, node, pair));
    if (options.invalid_parts && random.Chance(4)) {
      SpoilPod(random, cluster.pods.back());
    }
  }
}

// Pods that do not count, or whose address another pod has as well.
void AddExtraPod(Random& random, const RandomClusterOptions& options,
                 Cluster& cluster) {
  const std::string ns = RandomNamespaceName(random, options);
  const std::string name = UnusedName("p", cluster.pods);
  if (!options.shared_addresses || random.Chance(70)) {
    cluster.pods.push_back(RandomIdlePod(random, options, ns, name));
    return;
  }
  const bool local_address = random.Chance(60);
  const bool local_pod = random.Chance(60);
  const AddressPair& pair =
      random.Pick(local_address ? options.local_pods : options.remote_pods);
  cluster.pods.push_back(RandomPod(
      random, ns, name, local_pod ? options.node : options.remote_node, pair));
}

}  // namespace

Cluster RandomCluster(Random& random, const RandomClusterOptions& options) {
  Cluster cluster;
  for (int i = 0; i < std::min(std::max(options.max_namespaces, 1), 5); ++i) {
    // A namespace that is missing may hold pods and policies all the same.
    if (i > 0 && random.Chance(12)) continue;
    const std::string name = std::string("ns-") + static_cast<char>('a' + i);
    cluster.namespaces.push_back(RandomNamespace(random, name));
  }
  for (const std::string& name : {options.node, options.remote_node}) {
    if (random.Chance(15)) continue;
    cluster.nodes.push_back(RandomNode(random, options, name));
  }
  AddPods(random, options, options.node, options.local_pods, cluster);
  AddPods(random, options, options.remote_node, options.remote_pods, cluster);
  const int extra = random.Between(0, options.max_extra_pods);
  for (int i = 0; i < extra; ++i) AddExtraPod(random, options, cluster);
  // Mostly many: what a few policies let through is next to nothing.
  const int least = random.Chance(30) ? 0 : options.max_policies / 2;
  int policies = random.Between(least, options.max_policies);
  if (random.Chance(5)) policies = 0;
  for (int i = 0; i < policies; ++i) {
    const std::string ns = RandomNamespaceName(random, options);
    const std::string name = UnusedName("n", cluster.policies);
    cluster.policies.push_back(RandomPolicy(random, options, ns, name));
  }
  return cluster;
}

}  // namespace netpol
