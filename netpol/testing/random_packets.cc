#include "netpol/testing/random_packets.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "netpol/testing/random_objects.h"

namespace netpol {
namespace {

using Addresses = std::vector<IpAddress>;

void AddText(const std::string& text, Addresses& addresses) {
  const absl::StatusOr<IpAddress> parsed = IpAddress::Parse(text);
  if (parsed.ok()) addresses.push_back(*parsed);
}

void AddPool(const std::vector<AddressPair>& pool, Addresses& addresses) {
  for (const AddressPair& pair : pool) {
    AddText(pair.v4, addresses);
    AddText(pair.v6, addresses);
  }
}

// First and last address of a block, and their neighbours outside.
void AddEdges(const std::string& cidr, std::set<IpAddress>& edges) {
  const absl::StatusOr<IpPrefix> prefix = IpPrefix::Parse(cidr);
  if (!prefix.ok() || prefix->length == 0) return;
  const IpAddress first = prefix->First();
  const IpAddress last = prefix->Last();
  const absl::uint128 all =
      PrefixMask(prefix->family(), AddressBits(prefix->family()));
  edges.insert(first);
  edges.insert(last);
  edges.insert({first.family, (first.bits() - 1) & all});
  edges.insert({last.family, (last.bits() + 1) & all});
}

template <typename Peers>
void AddEdgesOf(const Peers& peers, std::set<IpAddress>& edges) {
  for (const k8s::NetworkPolicyPeer& peer : peers) {
    AddEdges(peer.ip_block().cidr(), edges);
    for (const std::string& except : peer.ip_block().except()) {
      AddEdges(except, edges);
    }
  }
}

Addresses BlockEdges(const Cluster& cluster) {
  std::set<IpAddress> edges;
  for (const k8s::NetworkPolicy& policy : cluster.policies) {
    for (const auto& rule : policy.spec().ingress()) {
      AddEdgesOf(rule.from(), edges);
    }
    for (const auto& rule : policy.spec().egress())
      AddEdgesOf(rule.to(), edges);
  }
  return Addresses(edges.begin(), edges.end());
}

template <typename Entries>
void AddPortsOf(const Entries& entries, std::vector<int64_t>& ports) {
  for (const k8s::NetworkPolicyPort& entry : entries) {
    if (entry.port().has_int_val()) ports.push_back(entry.port().int_val());
    if (entry.has_end_port()) ports.push_back(entry.end_port());
  }
}

// Ports of policies, each as often as it occurs, and those that pods may name.
std::vector<int64_t> InterestingPorts(const Cluster& cluster) {
  std::vector<int64_t> ports(RandomPortNumbers().begin(),
                             RandomPortNumbers().end());
  for (const k8s::NetworkPolicy& policy : cluster.policies) {
    for (const auto& rule : policy.spec().ingress()) {
      AddPortsOf(rule.ports(), ports);
    }
    for (const auto& rule : policy.spec().egress()) {
      AddPortsOf(rule.ports(), ports);
    }
  }
  return ports;
}

void AddAddressesOf(const k8s::Pod& pod, Addresses& addresses) {
  AddText(pod.status().pod_ip(), addresses);
  for (const k8s::PodIP& ip : pod.status().pod_ips()) {
    AddText(ip.ip(), addresses);
  }
}

void AddPodsOf(const std::string& ns, const Cluster& cluster,
               Addresses& addresses) {
  for (const k8s::Pod& pod : cluster.pods) {
    if (pod.metadata().namespace_() == ns) AddAddressesOf(pod, addresses);
  }
}

void AddPortsOf(const k8s::Pod& pod, std::vector<int64_t>& ports) {
  for (const k8s::Container& container : pod.spec().containers()) {
    for (const k8s::ContainerPort& port : container.ports()) {
      ports.push_back(port.container_port());
    }
  }
}

// What the cluster says of the object that `pod` names, perhaps no longer.
void AddPodOf(const k8s::Pod& pod, const Cluster& cluster, PacketFocus& focus) {
  for (const k8s::Pod& old : cluster.pods) {
    if (old.metadata().name() != pod.metadata().name() ||
        old.metadata().namespace_() != pod.metadata().namespace_()) {
      continue;
    }
    AddAddressesOf(old, focus.addresses);
    AddPortsOf(old, focus.ports);
  }
}

// One of `ports` or a neighbour.
uint16_t RandomPort(Random& random, const std::vector<int64_t>& ports) {
  int64_t port = random.Pick(ports);
  if (random.Chance(30)) port += random.Chance(50) ? 1 : -1;
  return static_cast<uint16_t>(std::clamp<int64_t>(port, 1, 65535));
}

Addresses OfFamily(Family family, const Addresses& all) {
  Addresses some;
  for (const IpAddress& address : all) {
    if (address.family == family) some.push_back(address);
  }
  return some;
}

}  // namespace

PacketFocus FocusOn(const std::vector<v1::WatchEvent>& events,
                    const Cluster& before, const Cluster& after) {
  PacketFocus focus;
  for (const v1::WatchEvent& event : events) {
    for (const Cluster* cluster : {&before, &after}) {
      if (event.has_pod()) {
        AddPodOf(event.pod(), *cluster, focus);
      } else if (event.has_namespace_()) {
        AddPodsOf(event.namespace_().metadata().name(), *cluster,
                  focus.addresses);
      } else if (event.has_network_policy()) {
        AddPodsOf(event.network_policy().metadata().namespace_(), *cluster,
                  focus.addresses);
      }
    }
    for (const auto& rule : event.network_policy().spec().ingress()) {
      AddPortsOf(rule.ports(), focus.ports);
    }
    for (const auto& rule : event.network_policy().spec().egress()) {
      AddPortsOf(rule.ports(), focus.ports);
    }
  }
  return focus;
}

std::vector<Packet> RandomPackets(Random& random, const Cluster& cluster,
                                  const RandomClusterOptions& options,
                                  int count, const PacketFocus& focus) {
  static const auto* const kProtocols = new std::vector<uint8_t>{
      IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
  Addresses local;
  AddPool(options.local_pods, local);
  Addresses named = local;
  AddPool(options.remote_pods, named);
  AddPool(options.outside, named);
  AddPool(options.node_addresses, named);
  const Addresses edges =
      options.packets_at_block_edges ? BlockEdges(cluster) : Addresses();
  const std::vector<int64_t> ports = InterestingPorts(cluster);

  std::vector<Packet> packets;
  while (packets.size() < static_cast<size_t>(count)) {
    IpAddress near = random.Pick(random.Chance(90) ? local : named);
    if (!focus.addresses.empty() && random.Chance(60)) {
      near = random.Pick(focus.addresses);
    }
    const Addresses others = OfFamily(near.family, named);
    const Addresses other_edges = OfFamily(near.family, edges);
    IpAddress far = random.Pick(others);
    // Of two that are not here neither is judged.
    const Addresses here = OfFamily(near.family, local);
    if (!here.empty() &&
        std::find(local.begin(), local.end(), near) == local.end()) {
      far = random.Pick(here);
    } else if (!other_edges.empty() && random.Chance(20)) {
      far = random.Pick(other_edges);
    }
    if (random.Chance(2)) far = near;
    Packet packet{near, far};
    if (random.Chance(50)) packet = Packet{far, near};
    packet.protocol = random.Pick(*kProtocols);
    const bool focused = !focus.ports.empty() && random.Chance(40);
    packet.destination_port = RandomPort(random, focused ? focus.ports : ports);
    packets.push_back(packet);
  }
  return packets;
}

}  // namespace netpol
