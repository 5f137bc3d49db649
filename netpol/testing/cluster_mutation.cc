#include "netpol/testing/cluster_mutation.h"

#include <set>
#include <string>
#include <vector>

#include "netpol/testing/builders.h"
#include "netpol/testing/random_cluster.h"
#include "netpol/testing/random_objects.h"
#include "netpol/testing/random_policy.h"

namespace netpol {
namespace {

bool Finished(const k8s::Pod& pod) {
  return pod.status().phase() == "Succeeded" ||
         pod.status().phase() == "Failed";
}

// Addresses of pods that count, but for `except`, which may be null.
std::set<std::string> AddressesInUse(const Cluster& cluster,
                                     const k8s::Pod* except) {
  std::set<std::string> in_use;
  for (const k8s::Pod& pod : cluster.pods) {
    if (&pod == except || Finished(pod) || pod.spec().host_network()) continue;
    in_use.insert(pod.status().pod_ip());
    for (const k8s::PodIP& ip : pod.status().pod_ips()) in_use.insert(ip.ip());
  }
  in_use.erase("");  // Nobody's: a family that a pair lacks.
  return in_use;
}

// Addresses for a pod of this side; none if all are taken and may not be
// shared.
AddressPair PickAddresses(Random& random, const RandomClusterOptions& options,
                          const Cluster& cluster, const k8s::Pod* except,
                          bool local) {
  const auto& pool = local ? options.local_pods : options.remote_pods;
  if (options.shared_addresses && random.Chance(15)) return random.Pick(pool);
  const std::set<std::string> in_use = AddressesInUse(cluster, except);
  std::vector<AddressPair> unused;
  for (const AddressPair& candidate : pool) {
    if (in_use.count(candidate.v4) + in_use.count(candidate.v6) == 0) {
      unused.push_back(candidate);
    }
  }
  return unused.empty() ? AddressPair() : random.Pick(unused);
}

v1::WatchEvent CreatePod(Random& random, const RandomClusterOptions& options,
                         const Cluster& cluster) {
  const std::string ns = RandomNamespaceName(random, options);
  const std::string name = UnusedName("p", cluster.pods);
  if (random.Chance(15)) {
    return Upsert(RandomIdlePod(random, options, ns, name));
  }
  const bool local = random.Chance(60);
  const AddressPair pair =
      PickAddresses(random, options, cluster, nullptr, local);
  return Upsert(RandomPod(random, ns, name,
                          local ? options.node : options.remote_node, pair));
}

// A new pod under an old name, maybe elsewhere, whose end nobody has told.
k8s::Pod RecreatePod(Random& random, const RandomClusterOptions& options,
                     const Cluster& cluster, const k8s::Pod& old) {
  const bool local = random.Chance(50);
  const AddressPair pair = PickAddresses(random, options, cluster, &old, local);
  return RandomPod(random, old.metadata().namespace_(), old.metadata().name(),
                   local ? options.node : options.remote_node, pair);
}

v1::WatchEvent ChangePod(Random& random, const RandomClusterOptions& options,
                         const Cluster& cluster, const k8s::Pod& old) {
  k8s::Pod pod = old;
  const bool counts_never = Finished(old) || old.spec().host_network();
  switch (random.Between(0, 9)) {
    case 0:
    case 1:
    case 2:
      RandomizeLabels(random, pod);
      break;
    case 3:
    case 4:
      if (counts_never) break;
      SetAddresses(PickAddresses(random, options, cluster, &old,
                                 old.spec().node_name() == options.node),
                   pod);
      break;
    case 5:
      RandomizePorts(random, pod);
      break;
    case 6:
      pod.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(
          1800000000);
      break;
    case 7:
      pod.mutable_status()->set_phase(random.Chance(50) ? "Succeeded"
                                                        : "Failed");
      break;
    case 8:
      pod = RecreatePod(random, options, cluster, old);
      break;
    default:  // Told again.
      break;
  }
  return Upsert(pod);
}

v1::WatchEvent NextEvent(Random& random, const RandomClusterOptions& options,
                         const Cluster& cluster) {
  const std::string ns = RandomNamespaceName(random, options);
  const int draw = random.Between(0, 99);
  if (draw < 40 && !cluster.pods.empty()) {
    const k8s::Pod& pod = random.Pick(cluster.pods);
    return ChangePod(random, options, cluster, pod);
  }
  if (draw < 50 && !cluster.pods.empty()) {
    return Delete(random.Pick(cluster.pods));
  }
  if (draw < 57 && !cluster.namespaces.empty()) {
    return Delete(random.Pick(cluster.namespaces));
  }
  // The name of a namespace that exists relabels it.
  if (draw < 70) return Upsert(RandomNamespace(random, ns));
  if (draw < 78 && !cluster.policies.empty()) {
    return Delete(random.Pick(cluster.policies));
  }
  if (draw < 84 && !cluster.policies.empty()) {
    const k8s::ObjectMeta& meta = random.Pick(cluster.policies).metadata();
    return Upsert(
        RandomPolicy(random, options, meta.namespace_(), meta.name()));
  }
  const bool full =
      cluster.policies.size() >= static_cast<size_t>(options.max_policies);
  if (draw < 92 && !full) {
    const std::string name = UnusedName("n", cluster.policies);
    return Upsert(RandomPolicy(random, options, ns, name));
  }
  return Upsert(RandomNamespace(random, ns));
}

}  // namespace

v1::WatchEvent MutateCluster(Random& random,
                             const RandomClusterOptions& options,
                             Cluster& cluster) {
  const size_t enough = options.local_pods.size() + options.remote_pods.size() +
                        static_cast<size_t>(options.max_extra_pods);
  // So that long walks neither die out nor grow.
  const size_t pods = cluster.pods.size();
  const int births = pods >= enough ? 0 : pods < enough / 2 ? 40 : 15;
  v1::WatchEvent event = random.Chance(births)
                             ? CreatePod(random, options, cluster)
                             : NextEvent(random, options, cluster);
  ApplyEvent(event, cluster);
  return event;
}

}  // namespace netpol
