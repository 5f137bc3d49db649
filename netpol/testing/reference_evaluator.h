// What a network policy means, straight from the API's definition: slow, plain,
// and independent of the code that it is compared with.
#ifndef NETPOL_TESTING_REFERENCE_EVALUATOR_H_
#define NETPOL_TESTING_REFERENCE_EVALUATOR_H_

#include <string>
#include <vector>

#include "netpol/base/ip.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/packet.h"

namespace netpol {

// The node whose verdict is asked for.
struct NodeView {
  std::string name;  // Pods with this spec.nodeName are local.
  std::vector<Family> families = {Family::kIPv4, Family::kIPv6};  // Enforced.
  std::vector<IpAddress> addresses;  // All of the node's own.
  // Addresses within these that neither a local pod nor the node has are
  // refused, but to the node itself.
  std::vector<IpPrefix> default_deny = {};
};

struct Verdict {
  bool allowed = false;
  std::string reason;  // For people: which direction and which policy decided.
};

// Whether the node lets through the first packet of a new connection.
//
// Judged are egress of the local pod that owns the source and ingress of the
// local pod that owns the destination, where there is one; the other node
// judges its own end. A family that is not enforced is let through. Addresses
// of two families never meet in a packet and are refused.
//
// From the API's text (networking.k8s.io/v1):
//  - A pod always reaches itself, and the pod's node always reaches it. The way
//    from a pod to its node is egress as any other. The node's own addresses
//    are no pod's, whatever a pod's status says.
//  - A pod counts if it has an address, is not on the host network and its
//  phase
//    is neither Succeeded nor Failed. Terminating pods count.
//  - Where two counting pods hold one address: as a peer either suffices; the
//    policies of the younger local one apply (creationTimestamp, then
//    namespace and name, the larger wins).
//  - A policy without policyTypes is Ingress, and Egress if it has egress
//  rules.
//    A type that is neither of the two is no direction; nothing but such types
//    is both, as what is not understood isolates.
//  - A named port is looked up by name and protocol in the containers and
//    sidecars of the destination pod; other addresses have no named ports.
//  - kubernetes.io/metadata.name is taken as set, as is every namespace that
//    holds a pod, though without labels.
//
// Where the API server would have refused an object, the part that is wrong
// grants nothing: a port entry or peer that is invalid matches nothing. A
// requirement of spec.podSelector that is invalid is left out, so that the
// policy isolates what the rest selects, and its rules grant nothing.
Verdict Evaluate(const Cluster& cluster, const NodeView& node,
                 const Packet& packet);

}  // namespace netpol

#endif  // NETPOL_TESTING_REFERENCE_EVALUATOR_H_
