#include "netpol/testing/cluster_mutation.h"

#include <string>
#include <utility>
#include <vector>

#include "netpol/testing/builders.h"
#include "netpol/testing/random_cluster.h"
#include "netpol/testing/random_objects.h"
#include "netpol/testing/random_pod_change.h"
#include "netpol/testing/random_policy.h"
#include "netpol/testing/random_policy_change.h"

namespace netpol {
namespace {

v1::WatchEvent ChangeNamespace(Random& random,
                               const RandomClusterOptions& options,
                               const Cluster& cluster) {
  const int draw = random.Between(0, 19);
  if (draw < 7 && !cluster.namespaces.empty()) {
    return Delete(random.Pick(cluster.namespaces));
  }
  if (draw < 9 && !cluster.namespaces.empty()) {
    return Upsert(random.Pick(cluster.namespaces));
  }
  const std::string name = RandomNamespaceName(random, options);
  // It may not be there.
  if (draw == 9) return Delete(MakeNamespace(name));
  // The name of a namespace that exists relabels it.
  return Upsert(RandomNamespace(random, name));
}

v1::WatchEvent ChangeNode(Random& random, const RandomClusterOptions& options) {
  const std::string& name =
      random.Chance(50) ? options.node : options.remote_node;
  const k8s::Node node = RandomNode(random, options, name);
  return random.Chance(25) ? Delete(node) : Upsert(node);
}

v1::WatchEvent ChangePolicy(Random& random, const RandomClusterOptions& options,
                            const Cluster& cluster) {
  const bool full =
      cluster.policies.size() >= static_cast<size_t>(options.max_policies);
  const int draw = random.Between(0, 29);
  if (cluster.policies.empty() || (draw < 10 && !full)) {
    const std::string ns = RandomNamespaceName(random, options);
    const std::string name = UnusedName("n", cluster.policies);
    return Upsert(RandomPolicy(random, options, ns, name));
  }
  const k8s::NetworkPolicy& old = random.Pick(cluster.policies);
  if (draw < 19) return Delete(old);
  return Upsert(ChangedPolicy(random, options, old));
}

v1::WatchEvent ChangePod(Random& random, const RandomClusterOptions& options,
                         const Cluster& cluster) {
  if (cluster.pods.empty()) return Upsert(NewPod(random, options, cluster));
  const k8s::Pod& old = random.Pick(cluster.pods);
  if (random.Chance(20)) return Delete(old);
  return Upsert(ChangedPod(random, options, cluster, old));
}

v1::WatchEvent NextEvent(Random& random, const RandomClusterOptions& options,
                         const Cluster& cluster) {
  const int draw = random.Between(0, 99);
  if (draw < 50) return ChangePod(random, options, cluster);
  if (draw < 66) return ChangeNamespace(random, options, cluster);
  if (draw < 70) return ChangeNode(random, options);
  return ChangePolicy(random, options, cluster);
}

template <typename Object>
void AddThoseOf(const std::string& ns, const std::vector<Object>& objects,
                bool gone, std::vector<v1::WatchEvent>& events) {
  for (const Object& object : objects) {
    if (object.metadata().namespace_() != ns) continue;
    events.push_back(gone ? Delete(object) : Upsert(object));
  }
}

// All that is in the namespace, and itself.
void AddContents(const std::string& ns, const Cluster& cluster, bool gone,
                 std::vector<v1::WatchEvent>& events) {
  AddThoseOf(ns, cluster.pods, gone, events);
  AddThoseOf(ns, cluster.policies, gone, events);
  for (const k8s::Namespace& object : cluster.namespaces) {
    if (object.metadata().name() != ns) continue;
    events.push_back(gone ? Delete(object) : Upsert(object));
  }
}

void Shuffle(Random& random, size_t first,
             std::vector<v1::WatchEvent>& events) {
  for (size_t i = first + 1; i < events.size(); ++i) {
    std::swap(events[i], events[first + random.Below(i - first + 1)]);
  }
}

// Everything of a namespace is deleted; at times it is all back at once.
std::vector<v1::WatchEvent> EmptyNamespace(Random& random,
                                           const RandomClusterOptions& options,
                                           const Cluster& cluster) {
  const std::string ns = RandomNamespaceName(random, options);
  std::vector<v1::WatchEvent> events;
  AddContents(ns, cluster, /*gone=*/true, events);
  Shuffle(random, 0, events);
  const size_t deletions = events.size();
  if (random.Chance(40)) {
    AddContents(ns, cluster, /*gone=*/false, events);
    Shuffle(random, deletions, events);
  }
  return events;
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
                             ? Upsert(NewPod(random, options, cluster))
                             : NextEvent(random, options, cluster);
  ApplyEvent(event, cluster);
  return event;
}

std::vector<v1::WatchEvent> MutateClusterAtOnce(
    Random& random, const RandomClusterOptions& options, Cluster& cluster) {
  const int draw = random.Between(0, 99);
  std::vector<v1::WatchEvent> events;
  if (draw >= 97) {
    events = EmptyNamespace(random, options, cluster);
    for (const v1::WatchEvent& event : events) ApplyEvent(event, cluster);
    return events;
  }
  const int count = draw < 60   ? 1
                    : draw < 88 ? random.Between(2, 4)
                                : random.Between(5, 12);
  Cluster after = cluster;
  for (int i = 0; i < count; ++i) {
    events.push_back(MutateCluster(random, options, after));
  }
  if (count == 1 || !options.shared_addresses) {
    cluster = std::move(after);
    return events;
  }
  Shuffle(random, 0, events);
  for (const v1::WatchEvent& event : events) ApplyEvent(event, cluster);
  return events;
}

}  // namespace netpol
