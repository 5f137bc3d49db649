#include "netpol/testing/builders.h"

namespace netpol {
namespace {

void SetKey(absl::string_view ns, absl::string_view name,
            k8s::ObjectMeta& metadata) {
  metadata.set_namespace_(std::string(ns));
  metadata.set_name(std::string(name));
}

// The one object of a DELETE, stripped to its key.
k8s::ObjectMeta KeyOnly(const k8s::ObjectMeta& metadata) {
  k8s::ObjectMeta key;
  if (metadata.has_namespace_()) key.set_namespace_(metadata.namespace_());
  key.set_name(metadata.name());
  return key;
}

v1::WatchEvent EventOf(v1::WatchEvent::Type type) {
  v1::WatchEvent event;
  event.set_type(type);
  return event;
}

k8s::ContainerPort MakeContainerPort(absl::string_view name, int32_t number,
                                     absl::string_view protocol) {
  k8s::ContainerPort port;
  if (!name.empty()) port.set_name(std::string(name));
  port.set_container_port(number);
  if (!protocol.empty()) port.set_protocol(std::string(protocol));
  return port;
}

}  // namespace

k8s::Namespace MakeNamespace(absl::string_view name, const LabelList& labels) {
  k8s::Namespace ns;
  ns.mutable_metadata()->set_name(std::string(name));
  for (const auto& [key, value] : labels) {
    (*ns.mutable_metadata()->mutable_labels())[key] = value;
  }
  return ns;
}

k8s::LabelSelector MatchLabels(const LabelList& labels) {
  k8s::LabelSelector selector;
  for (const auto& [key, value] : labels) {
    (*selector.mutable_match_labels())[key] = value;
  }
  return selector;
}

k8s::LabelSelector MatchExpression(absl::string_view key, absl::string_view op,
                                   const std::vector<std::string>& values) {
  k8s::LabelSelector selector;
  k8s::LabelSelectorRequirement* requirement = selector.add_match_expressions();
  requirement->set_key(std::string(key));
  requirement->set_operator_(std::string(op));
  for (const std::string& value : values) requirement->add_values(value);
  return selector;
}

k8s::NetworkPolicyPeer PodPeer(const k8s::LabelSelector& pods) {
  k8s::NetworkPolicyPeer peer;
  *peer.mutable_pod_selector() = pods;
  return peer;
}

k8s::NetworkPolicyPeer NamespacePeer(const k8s::LabelSelector& namespaces) {
  k8s::NetworkPolicyPeer peer;
  *peer.mutable_namespace_selector() = namespaces;
  return peer;
}

k8s::NetworkPolicyPeer PodInNamespacePeer(const k8s::LabelSelector& namespaces,
                                          const k8s::LabelSelector& pods) {
  k8s::NetworkPolicyPeer peer = NamespacePeer(namespaces);
  *peer.mutable_pod_selector() = pods;
  return peer;
}

k8s::NetworkPolicyPeer BlockPeer(absl::string_view cidr,
                                 const std::vector<std::string>& except) {
  k8s::NetworkPolicyPeer peer;
  peer.mutable_ip_block()->set_cidr(std::string(cidr));
  for (const std::string& block : except) {
    peer.mutable_ip_block()->add_except(block);
  }
  return peer;
}

k8s::NetworkPolicyPort ProtocolPort(absl::string_view protocol) {
  k8s::NetworkPolicyPort port;
  if (!protocol.empty()) port.set_protocol(std::string(protocol));
  return port;
}

k8s::NetworkPolicyPort NumberPort(absl::string_view protocol, int32_t port) {
  k8s::NetworkPolicyPort entry = ProtocolPort(protocol);
  entry.mutable_port()->set_type(0);
  entry.mutable_port()->set_int_val(port);
  return entry;
}

k8s::NetworkPolicyPort RangePort(absl::string_view protocol, int32_t port,
                                 int32_t end_port) {
  k8s::NetworkPolicyPort entry = NumberPort(protocol, port);
  entry.set_end_port(end_port);
  return entry;
}

k8s::NetworkPolicyPort NamePort(absl::string_view protocol,
                                absl::string_view name) {
  k8s::NetworkPolicyPort entry = ProtocolPort(protocol);
  entry.mutable_port()->set_type(1);
  entry.mutable_port()->set_str_val(std::string(name));
  return entry;
}

PodBuilder::PodBuilder(absl::string_view ns, absl::string_view name) {
  SetKey(ns, name, *pod_.mutable_metadata());
}

PodBuilder& PodBuilder::On(absl::string_view node) {
  pod_.mutable_spec()->set_node_name(std::string(node));
  return *this;
}

PodBuilder& PodBuilder::Ip(absl::string_view address) {
  pod_.mutable_status()->add_pod_ips()->set_ip(std::string(address));
  return *this;
}

PodBuilder& PodBuilder::OldIp(absl::string_view address) {
  pod_.mutable_status()->set_pod_ip(std::string(address));
  return *this;
}

PodBuilder& PodBuilder::Label(absl::string_view key, absl::string_view value) {
  (*pod_.mutable_metadata()->mutable_labels())[std::string(key)] =
      std::string(value);
  return *this;
}

PodBuilder& PodBuilder::Port(absl::string_view name, int32_t number,
                             absl::string_view protocol) {
  if (pod_.spec().containers().empty()) {
    pod_.mutable_spec()->add_containers()->set_name("main");
  }
  *pod_.mutable_spec()->mutable_containers(0)->add_ports() =
      MakeContainerPort(name, number, protocol);
  return *this;
}

PodBuilder& PodBuilder::InitPort(bool sidecar, absl::string_view name,
                                 int32_t number, absl::string_view protocol) {
  k8s::Container* container = pod_.mutable_spec()->add_init_containers();
  container->set_name(sidecar ? "sidecar" : "init");
  if (sidecar) container->set_restart_policy("Always");
  *container->add_ports() = MakeContainerPort(name, number, protocol);
  return *this;
}

PodBuilder& PodBuilder::Phase(absl::string_view phase) {
  pod_.mutable_status()->set_phase(std::string(phase));
  return *this;
}

PodBuilder& PodBuilder::HostNetwork() {
  pod_.mutable_spec()->set_host_network(true);
  return *this;
}

PodBuilder& PodBuilder::Terminating() {
  pod_.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(
      2000000000);
  return *this;
}

PodBuilder& PodBuilder::Created(int64_t unix_seconds) {
  pod_.mutable_metadata()->mutable_creation_timestamp()->set_seconds(
      unix_seconds);
  return *this;
}

PodBuilder& PodBuilder::Uid(absl::string_view uid) {
  pod_.mutable_metadata()->set_uid(std::string(uid));
  return *this;
}

NodeBuilder::NodeBuilder(absl::string_view name) {
  node_.mutable_metadata()->set_name(std::string(name));
}

NodeBuilder& NodeBuilder::Address(absl::string_view address,
                                  absl::string_view type) {
  k8s::NodeAddress* added = node_.mutable_status()->add_addresses();
  added->set_type(std::string(type));
  added->set_address(std::string(address));
  return *this;
}

NodeBuilder& NodeBuilder::PodCidr(absl::string_view cidr) {
  node_.mutable_spec()->add_pod_cidrs(std::string(cidr));
  return *this;
}

NodeBuilder& NodeBuilder::OldPodCidr(absl::string_view cidr) {
  node_.mutable_spec()->set_pod_cidr(std::string(cidr));
  return *this;
}

NodeBuilder& NodeBuilder::Annotation(absl::string_view key,
                                     absl::string_view value) {
  (*node_.mutable_metadata()->mutable_annotations())[std::string(key)] =
      std::string(value);
  return *this;
}

NodeBuilder& NodeBuilder::Taint(absl::string_view key) {
  k8s::Taint* taint = node_.mutable_spec()->add_taints();
  taint->set_key(std::string(key));
  taint->set_effect("NoSchedule");
  return *this;
}

PolicyBuilder::PolicyBuilder(absl::string_view ns, absl::string_view name) {
  SetKey(ns, name, *policy_.mutable_metadata());
}

PolicyBuilder& PolicyBuilder::Selects(const k8s::LabelSelector& pods) {
  *policy_.mutable_spec()->mutable_pod_selector() = pods;
  return *this;
}

PolicyBuilder& PolicyBuilder::Selects(const LabelList& labels) {
  return Selects(MatchLabels(labels));
}

PolicyBuilder& PolicyBuilder::Types(const std::vector<std::string>& types) {
  for (const std::string& type : types) {
    policy_.mutable_spec()->add_policy_types(type);
  }
  return *this;
}

PolicyBuilder& PolicyBuilder::Ingress(const Peers& from, const Ports& ports) {
  k8s::NetworkPolicyIngressRule* rule = policy_.mutable_spec()->add_ingress();
  for (const k8s::NetworkPolicyPeer& peer : from) *rule->add_from() = peer;
  for (const k8s::NetworkPolicyPort& port : ports) *rule->add_ports() = port;
  return *this;
}

PolicyBuilder& PolicyBuilder::Egress(const Peers& to, const Ports& ports) {
  k8s::NetworkPolicyEgressRule* rule = policy_.mutable_spec()->add_egress();
  for (const k8s::NetworkPolicyPeer& peer : to) *rule->add_to() = peer;
  for (const k8s::NetworkPolicyPort& port : ports) *rule->add_ports() = port;
  return *this;
}

v1::WatchEvent Upsert(const k8s::Namespace& ns) {
  v1::WatchEvent event = EventOf(v1::WatchEvent::UPSERT);
  *event.mutable_namespace_() = ns;
  return event;
}

v1::WatchEvent Upsert(const k8s::Pod& pod) {
  v1::WatchEvent event = EventOf(v1::WatchEvent::UPSERT);
  *event.mutable_pod() = pod;
  return event;
}

v1::WatchEvent Upsert(const k8s::Node& node) {
  v1::WatchEvent event = EventOf(v1::WatchEvent::UPSERT);
  *event.mutable_node() = node;
  return event;
}

v1::WatchEvent Upsert(const k8s::NetworkPolicy& policy) {
  v1::WatchEvent event = EventOf(v1::WatchEvent::UPSERT);
  *event.mutable_network_policy() = policy;
  return event;
}

v1::WatchEvent Delete(const k8s::Namespace& ns) {
  v1::WatchEvent event = EventOf(v1::WatchEvent::DELETE);
  *event.mutable_namespace_()->mutable_metadata() = KeyOnly(ns.metadata());
  return event;
}

v1::WatchEvent Delete(const k8s::Pod& pod) {
  v1::WatchEvent event = EventOf(v1::WatchEvent::DELETE);
  *event.mutable_pod()->mutable_metadata() = KeyOnly(pod.metadata());
  return event;
}

v1::WatchEvent Delete(const k8s::Node& node) {
  v1::WatchEvent event = EventOf(v1::WatchEvent::DELETE);
  *event.mutable_node()->mutable_metadata() = KeyOnly(node.metadata());
  return event;
}

v1::WatchEvent Delete(const k8s::NetworkPolicy& policy) {
  v1::WatchEvent event = EventOf(v1::WatchEvent::DELETE);
  *event.mutable_network_policy()->mutable_metadata() =
      KeyOnly(policy.metadata());
  return event;
}

v1::WatchEvent Listed(v1::WatchEvent::Kind kind) {
  v1::WatchEvent event = EventOf(v1::WatchEvent::LISTED);
  event.set_listed_kind(kind);
  return event;
}

v1::WatchEvent Listing(v1::WatchEvent::Kind kind) {
  v1::WatchEvent event = EventOf(v1::WatchEvent::LISTING);
  event.set_listed_kind(kind);
  return event;
}

}  // namespace netpol
