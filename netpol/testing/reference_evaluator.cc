#include "netpol/testing/reference_evaluator.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace netpol {
namespace {

using LabelMap = std::map<std::string, std::string>;
using PodList = std::vector<const k8s::Pod*>;

constexpr char kNameLabel[] = "kubernetes.io/metadata.name";

std::string KeyOf(const k8s::ObjectMeta& metadata) {
  return absl::StrCat(metadata.namespace_(), "/", metadata.name());
}

LabelMap LabelsOf(const k8s::ObjectMeta& metadata) {
  return LabelMap(metadata.labels().begin(), metadata.labels().end());
}

LabelMap NamespaceLabels(const Cluster& cluster, const std::string& name) {
  LabelMap labels;
  for (const k8s::Namespace& ns : cluster.namespaces) {
    if (ns.metadata().name() == name) labels = LabelsOf(ns.metadata());
  }
  labels.insert({kNameLabel, name});  // Keeps what the object says.
  return labels;
}

// --- Which pods there are. ---------------------------------------------------

// Parsing is most of the work, and the texts are always the same few.
absl::StatusOr<IpAddress> ParsedOnce(const std::string& text) {
  thread_local std::map<std::string, absl::StatusOr<IpAddress>> parsed;
  if (parsed.size() > 100000) parsed.clear();
  auto it = parsed.find(text);
  if (it == parsed.end())
    it = parsed.emplace(text, IpAddress::Parse(text)).first;
  return it->second;
}

bool HasAddress(const k8s::Pod& pod, const IpAddress& address) {
  bool any = false;
  for (const k8s::PodIP& ip : pod.status().pod_ips()) {
    const absl::StatusOr<IpAddress> parsed = ParsedOnce(ip.ip());
    if (parsed.ok() && *parsed == address) return true;
    any = any || parsed.ok();
  }
  const absl::StatusOr<IpAddress> old = ParsedOnce(pod.status().pod_ip());
  return !any && old.ok() && *old == address;
}

bool IsRunning(const k8s::Pod& pod) {
  return !pod.spec().host_network() && pod.status().phase() != "Succeeded" &&
         pod.status().phase() != "Failed";
}

PodList OwnersOf(const Cluster& cluster, const IpAddress& address) {
  PodList owners;
  for (const k8s::Pod& pod : cluster.pods) {
    if (IsRunning(pod) && HasAddress(pod, address)) owners.push_back(&pod);
  }
  return owners;
}

bool IsYounger(const k8s::Pod& a, const k8s::Pod& b) {
  const auto age = [](const k8s::Pod& pod) {
    const k8s::ObjectMeta& meta = pod.metadata();
    return std::make_tuple(meta.creation_timestamp().seconds(),
                           meta.creation_timestamp().nanos(),
                           meta.namespace_(), meta.name());
  };
  return age(a) > age(b);
}

template <typename Values, typename Value>
bool HasValue(const Values& values, const Value& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// The pod whose policies apply to the address on this node, or null.
const k8s::Pod* LocalSubject(const Cluster& cluster, const NodeView& node,
                             const IpAddress& address) {
  if (HasValue(node.addresses, address)) return nullptr;
  const k8s::Pod* subject = nullptr;
  for (const k8s::Pod* pod : OwnersOf(cluster, address)) {
    if (pod->spec().node_name() != node.name) continue;
    if (subject == nullptr || IsYounger(*pod, *subject)) subject = pod;
  }
  return subject;
}

// Whether the default deny refuses the address.
bool IsNobodys(const Cluster& cluster, const NodeView& node,
               const IpAddress& address) {
  bool inside = false;
  for (const IpPrefix& cidr : node.default_deny)
    inside = inside || cidr.Contains(address);
  return inside && !HasValue(node.addresses, address) &&
         LocalSubject(cluster, node, address) == nullptr;
}

// --- Selectors. --------------------------------------------------------------

bool IsValid(const k8s::LabelSelectorRequirement& requirement) {
  const std::string& op = requirement.operator_();
  if (op == "In" || op == "NotIn") return requirement.values_size() > 0;
  if (op == "Exists" || op == "DoesNotExist") {
    return requirement.values_size() == 0;
  }
  return false;
}

bool IsValid(const k8s::LabelSelector& selector) {
  for (const auto& requirement : selector.match_expressions()) {
    if (!IsValid(requirement)) return false;
  }
  return true;
}

bool Holds(const k8s::LabelSelectorRequirement& requirement,
           const LabelMap& labels) {
  const auto label = labels.find(requirement.key());
  const bool present = label != labels.end();
  bool listed = false;
  for (const std::string& value : requirement.values()) {
    if (present && label->second == value) listed = true;
  }
  const std::string& op = requirement.operator_();
  if (op == "In") return listed;
  if (op == "NotIn") return !listed;
  if (op == "Exists") return present;
  return !present;  // DoesNotExist
}

// Leaves out what is invalid.
bool MatchesValidPart(const k8s::LabelSelector& selector,
                      const LabelMap& labels) {
  for (const auto& [key, value] : selector.match_labels()) {
    const auto label = labels.find(key);
    if (label == labels.end() || label->second != value) return false;
  }
  for (const auto& requirement : selector.match_expressions()) {
    if (IsValid(requirement) && !Holds(requirement, labels)) return false;
  }
  return true;
}

bool Matches(const k8s::LabelSelector& selector, const LabelMap& labels) {
  return IsValid(selector) && MatchesValidPart(selector, labels);
}

// --- Ports. ------------------------------------------------------------------

bool IsPortNumber(int64_t number) { return number >= 1 && number <= 65535; }

bool IsProtocol(absl::string_view name, uint8_t protocol) {
  return (name == "TCP" && protocol == IPPROTO_TCP) ||
         (name == "UDP" && protocol == IPPROTO_UDP) ||
         (name == "SCTP" && protocol == IPPROTO_SCTP);
}

bool AnyPortIsNamed(const k8s::Container& container, const std::string& name,
                    const Packet& packet) {
  for (const k8s::ContainerPort& port : container.ports()) {
    // A container's protocol is a plain string in the API: empty is absent.
    const std::string protocol =
        port.protocol().empty() ? "TCP" : port.protocol();
    if (port.name() == name && IsProtocol(protocol, packet.protocol) &&
        IsPortNumber(port.container_port()) &&
        port.container_port() == packet.destination_port) {
      return true;
    }
  }
  return false;
}

bool PodNamesPort(const k8s::Pod& pod, const std::string& name,
                  const Packet& packet) {
  for (const k8s::Container& container : pod.spec().containers()) {
    if (AnyPortIsNamed(container, name, packet)) return true;
  }
  for (const k8s::Container& container : pod.spec().init_containers()) {
    if (container.restart_policy() == "Always" &&
        AnyPortIsNamed(container, name, packet)) {
      return true;
    }
  }
  return false;
}

bool HasLetter(absl::string_view name) {
  return std::any_of(name.begin(), name.end(),
                     [](char c) { return c >= 'a' && c <= 'z'; });
}

// `pod` holds the packet's destination; null if no pod does.
bool MatchesPort(const k8s::NetworkPolicyPort& entry, const k8s::Pod* pod,
                 const Packet& packet) {
  const std::string protocol = entry.has_protocol() ? entry.protocol() : "TCP";
  if (!IsProtocol(protocol, packet.protocol)) return false;
  if (!entry.has_port()) return !entry.has_end_port();
  const k8s::IntOrString& port = entry.port();
  if (port.type() == 1) {
    return !entry.has_end_port() && pod != nullptr &&
           HasLetter(port.str_val()) &&
           PodNamesPort(*pod, port.str_val(), packet);
  }
  if (port.type() != 0 || !IsPortNumber(port.int_val())) return false;
  if (!entry.has_end_port()) return packet.destination_port == port.int_val();
  return IsPortNumber(entry.end_port()) && entry.end_port() >= port.int_val() &&
         packet.destination_port >= port.int_val() &&
         packet.destination_port <= entry.end_port();
}

template <typename Ports>
bool MatchesPorts(const Ports& ports, const k8s::Pod* pod,
                  const Packet& packet) {
  if (ports.empty()) return true;
  for (const k8s::NetworkPolicyPort& entry : ports) {
    if (MatchesPort(entry, pod, packet)) return true;
  }
  return false;
}

// --- Peers. ------------------------------------------------------------------

bool MatchesBlock(const k8s::IPBlock& block, const IpAddress& address) {
  const absl::StatusOr<IpPrefix> cidr = IpPrefix::Parse(block.cidr());
  if (!cidr.ok()) return false;
  bool inside = cidr->Contains(address);
  for (const std::string& text : block.except()) {
    const absl::StatusOr<IpPrefix> except = IpPrefix::Parse(text);
    if (!except.ok()) return false;
    if (except->Contains(address)) inside = false;
  }
  return inside;
}

// `pod` is one owner of `address`; null if no pod owns it.
bool MatchesPeer(const Cluster& cluster, const std::string& policy_namespace,
                 const k8s::NetworkPolicyPeer& peer, const IpAddress& address,
                 const k8s::Pod* pod) {
  const bool selects = peer.has_pod_selector() || peer.has_namespace_selector();
  if (peer.has_ip_block()) {
    return !selects && MatchesBlock(peer.ip_block(), address);
  }
  if (!selects || pod == nullptr) return false;
  const std::string& ns = pod->metadata().namespace_();
  if (peer.has_namespace_selector()) {
    if (!Matches(peer.namespace_selector(), NamespaceLabels(cluster, ns))) {
      return false;
    }
  } else if (ns != policy_namespace) {
    return false;
  }
  return !peer.has_pod_selector() ||
         Matches(peer.pod_selector(), LabelsOf(pod->metadata()));
}

template <typename Peers>
bool MatchesPeers(const Cluster& cluster, const std::string& policy_namespace,
                  const Peers& peers, const IpAddress& address,
                  const k8s::Pod* pod) {
  if (peers.empty()) return true;
  for (const k8s::NetworkPolicyPeer& peer : peers) {
    if (MatchesPeer(cluster, policy_namespace, peer, address, pod)) return true;
  }
  return false;
}

// --- Policies. ---------------------------------------------------------------

bool HasType(const k8s::NetworkPolicySpec& spec, absl::string_view type) {
  if (spec.policy_types().empty()) {
    return type == "Ingress" || !spec.egress().empty();
  }
  bool any_known = false;
  for (const std::string& listed : spec.policy_types()) {
    if (listed == type) return true;
    if (listed == "Ingress" || listed == "Egress") any_known = true;
  }
  return !any_known;
}

bool AppliesTo(const k8s::NetworkPolicy& policy, const k8s::Pod& pod,
               absl::string_view type) {
  return policy.metadata().namespace_() == pod.metadata().namespace_() &&
         HasType(policy.spec(), type) &&
         MatchesValidPart(policy.spec().pod_selector(),
                          LabelsOf(pod.metadata()));
}

bool AllowsIngress(const Cluster& cluster, const k8s::NetworkPolicy& policy,
                   const k8s::Pod& subject, const Packet& packet) {
  PodList sources = OwnersOf(cluster, packet.source);
  if (sources.empty()) sources.push_back(nullptr);
  for (const k8s::NetworkPolicyIngressRule& rule : policy.spec().ingress()) {
    if (!MatchesPorts(rule.ports(), &subject, packet)) continue;
    for (const k8s::Pod* source : sources) {
      if (MatchesPeers(cluster, policy.metadata().namespace_(), rule.from(),
                       packet.source, source)) {
        return true;
      }
    }
  }
  return false;
}

bool AllowsEgress(const Cluster& cluster, const k8s::NetworkPolicy& policy,
                  const Packet& packet) {
  PodList destinations = OwnersOf(cluster, packet.destination);
  if (destinations.empty()) destinations.push_back(nullptr);
  for (const k8s::NetworkPolicyEgressRule& rule : policy.spec().egress()) {
    // Peer and named port must be right for the same owner of the address.
    for (const k8s::Pod* destination : destinations) {
      if (MatchesPorts(rule.ports(), destination, packet) &&
          MatchesPeers(cluster, policy.metadata().namespace_(), rule.to(),
                       packet.destination, destination)) {
        return true;
      }
    }
  }
  return false;
}

// The verdict of all policies on one pod and direction ("Ingress", "Egress").
Verdict Judge(const Cluster& cluster, const k8s::Pod& subject,
              absl::string_view type, const Packet& packet) {
  const std::string where =
      absl::StrCat(type, " of ", KeyOf(subject.metadata()), ": ");
  std::string isolating;
  for (const k8s::NetworkPolicy& policy : cluster.policies) {
    if (!AppliesTo(policy, subject, type)) continue;
    absl::StrAppend(&isolating, " ", KeyOf(policy.metadata()));
    if (!IsValid(policy.spec().pod_selector())) continue;
    if (type == "Ingress" ? AllowsIngress(cluster, policy, subject, packet)
                          : AllowsEgress(cluster, policy, packet)) {
      return {true,
              absl::StrCat(where, "allowed by ", KeyOf(policy.metadata()))};
    }
  }
  if (isolating.empty()) return {true, absl::StrCat(where, "not isolated")};
  return {false, absl::StrCat(where, "not allowed by any of", isolating)};
}

}  // namespace

Verdict Evaluate(const Cluster& cluster, const NodeView& node,
                 const Packet& packet) {
  if (packet.source.family != packet.destination.family) {
    return {false, "source and destination are of different families"};
  }
  if (!HasValue(node.families, packet.source.family)) {
    return {true, "the family is not enforced"};
  }
  const bool from_node = HasValue(node.addresses, packet.source);
  if (IsNobodys(cluster, node, packet.source))
    return {false, "source is of the pod CIDRs and no known pod's"};
  if (!from_node && IsNobodys(cluster, node, packet.destination))
    return {false, "destination is of the pod CIDRs and no known pod's"};
  if (packet.source == packet.destination) return {true, "reaches itself"};

  Verdict egress{true, "source is no local pod"};
  const k8s::Pod* source = LocalSubject(cluster, node, packet.source);
  if (source != nullptr) egress = Judge(cluster, *source, "Egress", packet);
  if (!egress.allowed) return egress;

  Verdict ingress{true, "destination is no local pod"};
  const k8s::Pod* destination = LocalSubject(cluster, node, packet.destination);
  if (destination != nullptr && from_node) {
    ingress = {true, "own node reaches its pods"};
  } else if (destination != nullptr) {
    ingress = Judge(cluster, *destination, "Ingress", packet);
  }
  if (!ingress.allowed) return ingress;
  return {true, absl::StrCat(egress.reason, "; ", ingress.reason)};
}

}  // namespace netpol
