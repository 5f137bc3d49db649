// The objects of the cluster as an informer keeps them: pods indexed by their
// namespace, and by nothing else.
#ifndef NETPOL_BENCH_YARDSTICK_OBJECT_CACHE_H_
#define NETPOL_BENCH_YARDSTICK_OBJECT_CACHE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "bench/yardstick/wire_selector.h"
#include "netpol/base/ip.h"
#include "proto/k8s/networking.pb.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// A port of an ordinary container.
struct CachedPort {
  std::string name;
  std::string protocol;  // "TCP" where absent
  int32_t number = 0;
};

struct CachedPod {
  std::string ns;
  std::string name;
  std::string node_name;
  LabelMap labels;
  std::string ip;                // status.podIP, else the first of podIPs
  std::vector<std::string> ips;  // status.podIPs, else podIP
  std::vector<CachedPort> ports;
  // Has an address, is not finished and not on the host's network.
  bool actionable = false;

  // The first address of `family`, or empty.
  absl::string_view IpOf(Family family) const;
};

// Thread-compatible. Pointers that it hands out are good until the next
// Apply().
class ObjectCache {
 public:
  using ObjectName = std::pair<std::string, std::string>;  // namespace, name

  void Apply(const v1::WatchEvent& event);

  // Appends the actionable pods of `ns` that `selector` matches: each pod of
  // the namespace is looked at.
  void ListPods(absl::string_view ns, const WireSelector& selector,
                std::vector<const CachedPod*>& pods) const;

  // Appends those of every namespace that `namespaces` matches.
  void ListPodsOfNamespaces(const WireSelector& namespaces,
                            const WireSelector& selector,
                            std::vector<const CachedPod*>& pods) const;

  // Every actionable pod of the node: each pod of the cluster is looked at.
  std::vector<const CachedPod*> ListLocalPods(absl::string_view node) const;

  const absl::btree_map<ObjectName, k8s::NetworkPolicy>& policies() const {
    return policies_;
  }

 private:
  using PodsByName = absl::btree_map<std::string, std::unique_ptr<CachedPod>>;

  void ApplyPod(v1::WatchEvent::Type type, const k8s::Pod& wire);
  void ApplyNamespace(v1::WatchEvent::Type type, const k8s::Namespace& wire);

  absl::flat_hash_map<std::string, PodsByName> pods_;  // by namespace
  absl::btree_map<std::string, LabelMap> namespaces_;
  absl::btree_map<ObjectName, k8s::NetworkPolicy> policies_;
};

// Whether `text` is an address or a block of `family`, by its look.
bool LooksLike(Family family, absl::string_view text);

}  // namespace netpol

#endif  // NETPOL_BENCH_YARDSTICK_OBJECT_CACHE_H_
