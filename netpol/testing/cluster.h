// A whole cluster as plain API objects: what tests feed to the code and to the
// reference evaluator alike.
#ifndef NETPOL_TESTING_CLUSTER_H_
#define NETPOL_TESTING_CLUSTER_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"
#include "proto/k8s/core.pb.h"
#include "proto/k8s/networking.pb.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// At most one object of each kind per namespace and name.
struct Cluster {
  std::vector<k8s::Namespace> namespaces;
  std::vector<k8s::Pod> pods;
  std::vector<k8s::NetworkPolicy> policies;
  std::vector<k8s::Node> nodes = {};
};

// Everything in `cluster` as text, in its order: for failure messages.
std::string Describe(const Cluster& cluster);

// The listing of `cluster` as a watch would tell it: every object, then the end
// of the listing of each of the four kinds.
std::vector<v1::WatchEvent> ListingOf(const Cluster& cluster);

// Does to `cluster` what `event` says. The end of a listing and deletions of
// absent objects change nothing.
void ApplyEvent(const v1::WatchEvent& event, Cluster& cluster);

// Whether a pod of `node` says that it has `address`, whatever its phase.
bool IsOfPodOn(const Cluster& cluster, absl::string_view node,
               const IpAddress& address);

}  // namespace netpol

#endif  // NETPOL_TESTING_CLUSTER_H_
