// Pods, namespaces and network policies as the rest of the house sees them:
// validated values, with every default of the API filled in.
#ifndef NETPOL_POLICY_OBJECTS_H_
#define NETPOL_POLICY_OBJECTS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/types/optional.h"
#include "netpol/base/ip.h"
#include "netpol/base/shared_value.h"
#include "netpol/policy/cidr_union.h"
#include "netpol/policy/labels.h"
#include "netpol/policy/object_key.h"
#include "netpol/policy/selector.h"

namespace netpol {

// A container port that a policy may name.
struct NamedPort {
  std::string name;
  uint8_t protocol = 0;  // IPPROTO_*
  uint16_t number = 0;

  friend bool operator==(const NamedPort& a, const NamedPort& b) {
    return a.name == b.name && a.protocol == b.protocol && a.number == b.number;
  }
  template <typename H>
  friend H AbslHashValue(H h, const NamedPort& p) {
    return H::combine(std::move(h), p.name, p.protocol, p.number);
  }
};

// Of the two families one each, in clusters as we know them.
using PodAddresses = absl::InlinedVector<IpAddress, 1>;

// There are up to hundreds of thousands: what pods have in common is shared.
struct Pod {
  // Why policies do not see a pod that the cluster has.
  enum class Unseen : uint8_t { kNo, kHostNetwork, kFinished };

  ObjectKey key;
  Labels labels;
  SharedValue<std::string> node_name;
  // Empty for a pod that policies do not see: without an address yet, on the
  // host's network, or finished (phase Succeeded or Failed). A terminating pod
  // still runs.
  PodAddresses addresses;
  // Of containers and sidecars.
  SharedValue<std::vector<NamedPort>> ports;
  // Which of two pods with one address is the younger.
  int64_t created_seconds = 0;
  // The node's, as far as told, of a pod on the host's network.
  SharedValue<std::vector<IpAddress>> host_addresses;
  Unseen unseen = Unseen::kNo;

  friend bool operator==(const Pod& a, const Pod& b) {
    return a.key == b.key && a.labels == b.labels &&
           a.node_name == b.node_name && a.addresses == b.addresses &&
           a.ports == b.ports && a.created_seconds == b.created_seconds &&
           a.unseen == b.unseen && a.host_addresses == b.host_addresses;
  }
};

// A machine of the cluster.
struct Node {
  std::string name;
  std::vector<IpAddress> internal_addresses;  // status.addresses: InternalIP
  std::vector<IpAddress> external_addresses;  // ExternalIP
  // The blocks that its pods have their addresses from: annotation
  // kube-router.io/pod-cidrs, else spec.podCIDRs, else spec.podCIDR.
  std::vector<IpPrefix> pod_cidrs;
  // A cloud provider has yet to say what the node's addresses are: taint
  // node.cloudprovider.kubernetes.io/uninitialized.
  bool uninitialized = false;
  // What was left out and why, one sentence each.
  std::vector<std::string> problems;

  friend bool operator==(const Node& a, const Node& b) = default;
};

struct Namespace {
  std::string name;
  Labels labels;  // with kubernetes.io/metadata.name
};

// NetworkPolicyPort, after defaulting.
struct PolicyPort {
  uint8_t protocol = 0;  // IPPROTO_*
  // Inclusive; 0 and 0 together with an empty name: every port of the protocol.
  uint16_t first = 0;
  uint16_t last = 0;
  std::string name;

  bool every_port() const { return name.empty() && last == 0; }

  friend bool operator==(const PolicyPort& a, const PolicyPort& b) = default;
};

// An ingress or egress rule. What could not be understood is left out, so that
// a rule never allows more than was written.
struct PolicyRule {
  bool any_peer = false;  // `from`/`to` missing or empty
  std::vector<PodTerm> pods;
  std::vector<IpBlock> blocks;
  bool any_port = false;  // `ports` missing or empty: every protocol, too
  std::vector<PolicyPort> ports;

  friend bool operator==(const PolicyRule& a, const PolicyRule& b) = default;
};

struct NetworkPolicy {
  ObjectKey key;
  Selector subject;
  bool isolates_ingress = false;
  bool isolates_egress = false;
  std::vector<PolicyRule> ingress;
  std::vector<PolicyRule> egress;
  // What was left out and why, one sentence each; empty for a sound policy.
  std::vector<std::string> problems;

  friend bool operator==(const NetworkPolicy& a,
                         const NetworkPolicy& b) = default;
};

}  // namespace netpol

#endif  // NETPOL_POLICY_OBJECTS_H_
