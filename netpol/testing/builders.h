// Short ways to write API objects and watch events in tests.
//
// Each function and setter fills exactly the field that its name says, and
// nothing is defaulted: what was not set is absent in the message.
#ifndef NETPOL_TESTING_BUILDERS_H_
#define NETPOL_TESTING_BUILDERS_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/k8s/core.pb.h"
#include "proto/k8s/networking.pb.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// Keys and values of labels.
using LabelList = std::vector<std::pair<std::string, std::string>>;

// A namespace with these labels only; the API server would add
// kubernetes.io/metadata.name.
k8s::Namespace MakeNamespace(absl::string_view name,
                             const LabelList& labels = {});

// --- Selectors. --------------------------------------------------------------

// matchLabels; without labels the empty selector, which matches everything.
k8s::LabelSelector MatchLabels(const LabelList& labels = {});

// One matchExpressions requirement; `op` is In, NotIn, Exists, DoesNotExist or
// anything a test of bad input wants.
k8s::LabelSelector MatchExpression(absl::string_view key, absl::string_view op,
                                   const std::vector<std::string>& values = {});

// --- Peers and ports of a rule. ----------------------------------------------

k8s::NetworkPolicyPeer PodPeer(const k8s::LabelSelector& pods);
k8s::NetworkPolicyPeer NamespacePeer(const k8s::LabelSelector& namespaces);
k8s::NetworkPolicyPeer PodInNamespacePeer(const k8s::LabelSelector& namespaces,
                                          const k8s::LabelSelector& pods);
k8s::NetworkPolicyPeer BlockPeer(absl::string_view cidr,
                                 const std::vector<std::string>& except = {});

// An empty `protocol` leaves the field absent, which means TCP.
k8s::NetworkPolicyPort ProtocolPort(absl::string_view protocol);
k8s::NetworkPolicyPort NumberPort(absl::string_view protocol, int32_t port);
k8s::NetworkPolicyPort RangePort(absl::string_view protocol, int32_t port,
                                 int32_t end_port);
k8s::NetworkPolicyPort NamePort(absl::string_view protocol,
                                absl::string_view name);

// --- Objects. ----------------------------------------------------------------

// A pod of namespace and name; without Ip() it has no address.
class PodBuilder {
 public:
  PodBuilder(absl::string_view ns, absl::string_view name);

  PodBuilder& On(absl::string_view node);        // spec.nodeName
  PodBuilder& Ip(absl::string_view address);     // Appends to status.podIPs.
  PodBuilder& OldIp(absl::string_view address);  // status.podIP only.
  PodBuilder& Label(absl::string_view key, absl::string_view value);
  // A port of the one ordinary container; an empty `protocol` stays absent.
  PodBuilder& Port(absl::string_view name, int32_t number,
                   absl::string_view protocol = "");
  // The same in an init container that ends (false) or stays (true).
  PodBuilder& InitPort(bool sidecar, absl::string_view name, int32_t number,
                       absl::string_view protocol = "");
  PodBuilder& Phase(absl::string_view phase);
  PodBuilder& HostNetwork();
  PodBuilder& Terminating();                  // deletionTimestamp
  PodBuilder& Created(int64_t unix_seconds);  // creationTimestamp
  PodBuilder& Uid(absl::string_view uid);
  k8s::Pod Build() const { return pod_; }

 private:
  k8s::Pod pod_;
};

class NodeBuilder {
 public:
  explicit NodeBuilder(absl::string_view name);

  // Append to status.addresses, under InternalIP or `type`.
  NodeBuilder& Address(absl::string_view address,
                       absl::string_view type = "InternalIP");
  NodeBuilder& PodCidr(absl::string_view cidr);     // Appends: spec.podCIDRs.
  NodeBuilder& OldPodCidr(absl::string_view cidr);  // spec.podCIDR only.
  NodeBuilder& Annotation(absl::string_view key, absl::string_view value);
  NodeBuilder& Taint(absl::string_view key);
  k8s::Node Build() const { return node_; }

 private:
  k8s::Node node_;
};

// A policy of namespace and name; selects every pod of its namespace until
// Selects() is called.
class PolicyBuilder {
 public:
  using Peers = std::vector<k8s::NetworkPolicyPeer>;
  using Ports = std::vector<k8s::NetworkPolicyPort>;

  PolicyBuilder(absl::string_view ns, absl::string_view name);

  PolicyBuilder& Selects(const k8s::LabelSelector& pods);
  PolicyBuilder& Selects(const LabelList& labels);
  PolicyBuilder& Types(const std::vector<std::string>& types);
  // Appends one rule; no peers is anybody, no ports is every port.
  PolicyBuilder& Ingress(const Peers& from = {}, const Ports& ports = {});
  PolicyBuilder& Egress(const Peers& to = {}, const Ports& ports = {});
  k8s::NetworkPolicy Build() const { return policy_; }

 private:
  k8s::NetworkPolicy policy_;
};

// --- Watch events. -----------------------------------------------------------

v1::WatchEvent Upsert(const k8s::Namespace& ns);
v1::WatchEvent Upsert(const k8s::Pod& pod);
v1::WatchEvent Upsert(const k8s::Node& node);
v1::WatchEvent Upsert(const k8s::NetworkPolicy& policy);

// Carries no more of the object than its namespace and name.
v1::WatchEvent Delete(const k8s::Namespace& ns);
v1::WatchEvent Delete(const k8s::Pod& pod);
v1::WatchEvent Delete(const k8s::Node& node);
v1::WatchEvent Delete(const k8s::NetworkPolicy& policy);

v1::WatchEvent Listed(v1::WatchEvent::Kind kind);
v1::WatchEvent Listing(v1::WatchEvent::Kind kind);

}  // namespace netpol

#endif  // NETPOL_TESTING_BUILDERS_H_
