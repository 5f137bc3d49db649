#include "netpol/testing/random_pod_change.h"

#include <set>
#include <string>
#include <vector>

#include "netpol/testing/random_cluster.h"
#include "netpol/testing/random_objects.h"

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

// Another pod under an old name, maybe elsewhere.
k8s::Pod RecreatedPod(Random& random, const RandomClusterOptions& options,
                      const Cluster& cluster, const k8s::Pod& old) {
  const std::string& ns = old.metadata().namespace_();
  const std::string& name = old.metadata().name();
  if (random.Chance(15)) return RandomIdlePod(random, options, ns, name);
  const bool local = random.Chance(50);
  const AddressPair pair = PickAddresses(random, options, cluster, &old, local);
  return RandomPod(random, ns, name, local ? options.node : options.remote_node,
                   pair);
}

void ChangeOneLabel(Random& random, k8s::Pod& pod) {
  const std::string& key = random.Pick(RandomPodLabelKeys());
  auto& labels = *pod.mutable_metadata()->mutable_labels();
  if (labels.count(key) > 0 && random.Chance(30)) {
    labels.erase(key);
  } else {
    labels[key] = random.Pick(RandomLabelValues());
  }
}

// Other addresses, none, or one of two.
void ChangeAddresses(Random& random, const RandomClusterOptions& options,
                     const Cluster& cluster, const k8s::Pod& old,
                     k8s::Pod& pod) {
  if (random.Chance(20)) return SetAddresses({}, pod);
  if (random.Chance(20) && pod.status().pod_ips_size() == 2) {
    const std::string kept =
        pod.status().pod_ips(random.Chance(50) ? 0 : 1).ip();
    return SetAddresses({kept, ""}, pod);
  }
  SetAddresses(PickAddresses(random, options, cluster, &old,
                             old.spec().node_name() == options.node),
               pod);
}

// Ready or not, done, and, where addresses may be shared, running once more.
void ChangePhase(Random& random, const RandomClusterOptions& options,
                 k8s::Pod& pod) {
  if (Finished(pod)) {
    if (options.shared_addresses) pod.mutable_status()->set_phase("Running");
  } else if (random.Chance(30)) {
    const bool pending = pod.status().phase() == "Pending";
    pod.mutable_status()->set_phase(pending ? "Running" : "Pending");
  } else {
    pod.mutable_status()->set_phase(random.Chance(50) ? "Succeeded" : "Failed");
  }
}

// As no API server lets it: the same pod on another node.
void ChangeNode(const RandomClusterOptions& options, k8s::Pod& pod) {
  const bool local = pod.spec().node_name() == options.node;
  pod.mutable_spec()->set_node_name(local ? options.remote_node : options.node);
}

}  // namespace

k8s::Pod NewPod(Random& random, const RandomClusterOptions& options,
                const Cluster& cluster) {
  const std::string ns = RandomNamespaceName(random, options);
  const std::string name = UnusedName("p", cluster.pods);
  if (random.Chance(15)) return RandomIdlePod(random, options, ns, name);
  const bool local = random.Chance(60);
  const AddressPair pair =
      PickAddresses(random, options, cluster, nullptr, local);
  k8s::Pod pod = RandomPod(random, ns, name,
                           local ? options.node : options.remote_node, pair);
  if (options.invalid_parts && random.Chance(6)) SpoilPod(random, pod);
  return pod;
}

k8s::Pod ChangedPod(Random& random, const RandomClusterOptions& options,
                    const Cluster& cluster, const k8s::Pod& old) {
  k8s::Pod pod = old;
  switch (random.Between(0, 11)) {
    case 0:
    case 1:
      RandomizeLabels(random, pod);
      break;
    case 2:
      ChangeOneLabel(random, pod);
      break;
    case 3:
    case 4:
      if (Finished(old) || old.spec().host_network()) break;
      ChangeAddresses(random, options, cluster, old, pod);
      break;
    case 5:
      RandomizePorts(random, pod);
      break;
    case 6:
      pod.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(
          1800000000);
      break;
    case 7:
    case 8:
      ChangePhase(random, options, pod);
      break;
    case 9:
      return RecreatedPod(random, options, cluster, old);
    case 10:
      if (options.invalid_parts) ChangeNode(options, pod);
      break;
    default:  // Told again.
      break;
  }
  return pod;
}

}  // namespace netpol
