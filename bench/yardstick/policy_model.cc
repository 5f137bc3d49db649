#include "bench/yardstick/policy_model.h"

#include <algorithm>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

using Pods = std::vector<const CachedPod*>;
using WirePeers = google::protobuf::RepeatedPtrField<k8s::NetworkPolicyPeer>;
using WirePorts = google::protobuf::RepeatedPtrField<k8s::NetworkPolicyPort>;

void AddPeer(const ObjectCache& cache, absl::string_view ns,
             const k8s::NetworkPolicyPeer& peer, RuleModel& rule) {
  // Without one of the two selectors, the default instance matches everything.
  const WireSelector pods(peer.pod_selector());
  if (peer.has_namespace_selector()) {
    cache.ListPodsOfNamespaces(WireSelector(peer.namespace_selector()), pods,
                               rule.peers);
  } else if (peer.has_pod_selector()) {
    cache.ListPods(ns, pods, rule.peers);
  } else if (peer.has_ip_block()) {
    rule.blocks.push_back(&peer.ip_block());
  }
}

void AddNamedPort(const Pods& pods, const std::string& name,
                  const std::string& protocol, RuleModel& rule) {
  absl::btree_map<int32_t, Pods> by_number;
  for (const CachedPod* pod : pods) {
    for (const CachedPort& port : pod->ports) {
      if (port.name == name && port.protocol == protocol) {
        by_number[port.number].push_back(pod);
      }
    }
  }
  for (auto& [number, found] : by_number) {
    rule.named_ports.push_back({protocol, number, std::move(found)});
  }
}

void AddPorts(const WirePorts& ports, const Pods& named_in, RuleModel& rule) {
  rule.all_ports = ports.empty();
  for (const k8s::NetworkPolicyPort& port : ports) {
    // The API server fills in an absent protocol.
    const std::string protocol = port.has_protocol() ? port.protocol() : "TCP";
    if (port.port().type() == 1) {
      AddNamedPort(named_in, port.port().str_val(), protocol, rule);
      continue;
    }
    std::string numbers;
    if (port.has_port()) {
      numbers = absl::StrCat(port.port().int_val());
      if (port.has_end_port() && port.end_port() >= port.port().int_val()) {
        absl::StrAppend(&numbers, ":", port.end_port());
      }
    }
    rule.ports.push_back({protocol, std::move(numbers)});
  }
}

RuleModel PeersOf(const ObjectCache& cache, absl::string_view ns,
                  const WirePeers& peers) {
  RuleModel rule;
  rule.all_peers = peers.empty();
  for (const k8s::NetworkPolicyPeer& peer : peers) {
    AddPeer(cache, ns, peer, rule);
  }
  return rule;
}

bool HasType(const k8s::NetworkPolicySpec& spec, absl::string_view type) {
  return std::find(spec.policy_types().begin(), spec.policy_types().end(),
                   type) != spec.policy_types().end();
}

void AddIngress(const ObjectCache& cache, const k8s::NetworkPolicySpec& spec,
                const Pods& targets, PolicyModel& policy) {
  for (const k8s::NetworkPolicyIngressRule& wire : spec.ingress()) {
    RuleModel rule = PeersOf(cache, policy.ns, wire.from());
    AddPorts(wire.ports(), targets, rule);
    policy.ingress_rules.push_back(std::move(rule));
  }
}

void AddEgress(const ObjectCache& cache, const k8s::NetworkPolicySpec& spec,
               PolicyModel& policy) {
  for (const k8s::NetworkPolicyEgressRule& wire : spec.egress()) {
    RuleModel rule = PeersOf(cache, policy.ns, wire.to());
    // Names mean what they mean in the destinations; to everybody, what they
    // mean in the policy's own namespace.
    Pods own;
    if (rule.all_peers) {
      cache.ListPods(policy.ns,
                     WireSelector(k8s::LabelSelector::default_instance()), own);
    }
    AddPorts(wire.ports(), rule.all_peers ? own : rule.peers, rule);
    policy.egress_rules.push_back(std::move(rule));
  }
}

}  // namespace

std::vector<PolicyModel> BuildPolicyModels(const ObjectCache& cache) {
  std::vector<PolicyModel> models;
  models.reserve(cache.policies().size());
  for (const auto& [key, wire] : cache.policies()) {
    PolicyModel& policy = models.emplace_back();
    policy.ns = key.first;
    policy.name = key.second;
    policy.egress = HasType(wire.spec(), "Egress");
    policy.ingress = HasType(wire.spec(), "Ingress") || !policy.egress;
    Pods targets;
    cache.ListPods(policy.ns, WireSelector(wire.spec().pod_selector()),
                   targets);
    for (const CachedPod* pod : targets) policy.targets.emplace(pod->ip, pod);
    if (policy.ingress) AddIngress(cache, wire.spec(), targets, policy);
    if (policy.egress) AddEgress(cache, wire.spec(), policy);
  }
  return models;
}

}  // namespace netpol
