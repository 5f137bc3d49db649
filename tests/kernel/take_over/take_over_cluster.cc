#include "tests/kernel/take_over/take_over_cluster.h"

#include <netinet/in.h>

#include "netpol/testing/builders.h"
#include "netpol/testing/packet.h"
#include "netpol/testing/reference_evaluator.h"

namespace netpol {
namespace {

IpAddress Ip(absl::string_view text) { return *IpAddress::Parse(text); }

std::vector<IpAddress> Pair(absl::string_view v4, absl::string_view v6) {
  return {Ip(v4), Ip(v6)};
}

k8s::Pod MakePod(const LabOwner& owner, absl::string_view ns,
                 absl::string_view node, const LabelList& labels) {
  PodBuilder pod(ns, owner.name);
  pod.On(node).Phase("Running");
  for (const IpAddress& address : owner.addresses) pod.Ip(address.ToString());
  for (const auto& [key, value] : labels) pod.Label(key, value);
  return pod.Port("dns", 53, "UDP").Build();
}

std::vector<k8s::NetworkPolicy> Policies() {
  const auto clients = PodInNamespacePeer(MatchLabels({{"team", "ops"}}),
                                          MatchLabels({{"role", "client"}}));
  return {
      PolicyBuilder("shop", "web")
          .Selects({{"app", "web"}})
          .Types({"Ingress"})
          .Ingress({clients}, {NumberPort("UDP", 8080), NumberPort("TCP", 8080),
                               NamePort("UDP", "dns")})
          .Build(),
      PolicyBuilder("shop", "web-blocks")
          .Selects({{"app", "web"}})
          .Types({"Ingress"})
          .Ingress({BlockPeer("198.51.100.0/24", {"198.51.100.7/32"}),
                    BlockPeer("2001:db8:1::/64", {"2001:db8:1::7/128"})},
                   {NumberPort("UDP", 8080)})
          .Build(),
      PolicyBuilder("shop", "db")
          .Selects({{"app", "db"}})
          .Types({"Ingress"})
          .Ingress({PodPeer(MatchLabels({{"app", "web"}}))},
                   {RangePort("UDP", 8080, 8090)})
          .Build(),
      PolicyBuilder("shop", "db-out")
          .Selects({{"app", "db"}})
          .Types({"Egress"})
          .Egress({clients}, {NumberPort("UDP", 53)})
          .Build(),
      PolicyBuilder("ops", "elsewhere")
          .Types({"Ingress", "Egress"})
          .Ingress({PodPeer(MatchLabels())})
          .Build(),
  };
}

struct Service {
  uint8_t protocol;
  uint16_t port;
};

}  // namespace

std::vector<std::string> TakenPodCidrs() {
  return {"10.42.0.0/24", "fd00:42::/64"};
}

std::vector<LabOwner> LocalOwners() {
  return {
      {"web-0", Pair("10.42.0.10", "fd00:42::10")},
      {"web-1", Pair("10.42.0.11", "fd00:42::11")},
      {"db-0", Pair("10.42.0.12", "fd00:42::12")},
      {"free-0", Pair("10.42.0.13", "fd00:42::13")},
      {"unknown", Pair("10.42.0.99", "fd00:42::99")},
  };
}

std::vector<LabOwner> RemoteOwners() {
  return {
      {"client", Pair("10.42.1.5", "fd00:42:0:1::5")},
      {"stranger", Pair("10.42.1.6", "fd00:42:0:1::6")},
      {"excepted", Pair("198.51.100.7", "2001:db8:1::7")},
      {"outside", Pair("198.51.100.8", "2001:db8:1::8")},
  };
}

Cluster TakeOverCluster() {
  const std::vector<LabOwner> local = LocalOwners();
  const std::vector<LabOwner> remote = RemoteOwners();
  Cluster cluster;
  cluster.namespaces = {MakeNamespace("shop"),
                        MakeNamespace("ops", {{"team", "ops"}})};
  cluster.pods = {
      MakePod(local[0], "shop", kTakenNode, {{"app", "web"}}),
      MakePod(local[1], "shop", kTakenNode, {{"app", "web"}}),
      MakePod(local[2], "shop", kTakenNode, {{"app", "db"}}),
      MakePod(local[3], "shop", kTakenNode, {{"app", "free"}}),
      MakePod(remote[0], "ops", "node-b", {{"role", "client"}}),
      MakePod(remote[1], "shop", "node-b", {{"role", "stranger"}}),
  };
  cluster.policies = Policies();
  NodeBuilder node(kTakenNode);
  node.Address("172.31.0.1");
  for (const std::string& cidr : TakenPodCidrs()) node.PodCidr(cidr);
  cluster.nodes = {node.Build()};
  return cluster;
}

std::vector<WatchedFlow> TakeOverFlows(bool default_deny) {
  const Cluster cluster = TakeOverCluster();
  NodeView node;
  node.name = kTakenNode;
  node.addresses = {Ip("172.31.0.1"), Ip("fd00:31::1"), Ip("10.42.0.1"),
                    Ip("fd00:42::1"), Ip("10.42.0.0")};
  if (default_deny) {
    for (const std::string& cidr : TakenPodCidrs())
      node.default_deny.push_back(*IpPrefix::Parse(cidr));
  }
  std::vector<LabOwner> owners = LocalOwners();
  const LabOwner unknown = owners.back();
  owners.pop_back();
  for (const LabOwner& owner : RemoteOwners()) owners.push_back(owner);
  owners.push_back({"node", Pair("172.31.0.1", "fd00:31::1")});
  std::vector<WatchedFlow> flows;
  const auto watch = [&](const LabOwner& from, const LabOwner& to,
                         const Service& service) {
    for (const int family : {0, 1}) {
      flows.push_back(Watch(cluster, node,
                            {from.addresses[family], to.addresses[family],
                             service.protocol, service.port}));
    }
  };
  const size_t pods = LocalOwners().size() - 1;
  for (size_t from = 0; from < owners.size(); ++from) {
    for (size_t to = 0; to < owners.size(); ++to) {
      // One end at least is a pod of this node.
      if (from == to || (from >= pods && to >= pods)) continue;
      watch(owners[from], owners[to], {IPPROTO_UDP, 8080});
    }
  }
  const LabOwner& web = owners[0];
  const LabOwner& db = owners[2];
  const LabOwner& client = owners[pods];
  const LabOwner& stranger = owners[pods + 1];
  for (const LabOwner& from : {client, stranger, db}) {
    for (const Service service :
         {Service{IPPROTO_TCP, 8080}, Service{IPPROTO_TCP, 22},
          Service{IPPROTO_UDP, 53}}) {
      watch(from, web, service);
    }
  }
  watch(db, client, {IPPROTO_UDP, 53});
  watch(db, stranger, {IPPROTO_UDP, 53});
  if (default_deny) {
    watch(client, unknown, {IPPROTO_UDP, 8080});
    watch(unknown, client, {IPPROTO_UDP, 8080});
  }
  return flows;
}

}  // namespace netpol
