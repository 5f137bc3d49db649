#include "bench/data_path/crowded_node.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netpol/testing/builders.h"

namespace netpol {
namespace {

constexpr int kCrowdNamespaces = 10;
constexpr int kPodsOfPeer = 5;
constexpr int kPort = 8080;
// Sorts behind those of the crowd.
constexpr char kMeasured[] = "measured";
constexpr char kClients[] = "clients";

IpAddress Address(int third, int fourth) {
  return {Family::kIPv4, absl::uint128(10u << 24 | 42u << 16 |
                                       static_cast<unsigned>(third) << 8 |
                                       static_cast<unsigned>(fourth))};
}

// Local pods are all in the node's own /24.
IpAddress LocalAddress(int index) { return Address(0, index + 2); }

// A pod of another node.
IpAddress PeerAddress(int peer, int index) {
  return Address(peer + 1, index + 1);
}

std::string Number(int number) { return absl::StrFormat("%03d", number); }

std::string CrowdNamespace(int index) {
  return absl::StrCat("crowd-", index % kCrowdNamespaces);
}

k8s::Pod LocalPod(const std::string& ns, const std::string& name, int index) {
  return PodBuilder(ns, name)
      .On(kCrowdedNode)
      .Ip(LocalAddress(index).ToString())
      .Label("app", "server")
      .Phase("Running")
      .Build();
}

void AppendPeers(int peer, Cluster& cluster) {
  for (int i = 0; i < kPodsOfPeer; ++i) {
    cluster.pods.push_back(
        PodBuilder(kClients, absl::StrCat("peer-", Number(peer), "-", i))
            .On("node-1")
            .Ip(PeerAddress(peer, i).ToString())
            .Label("peer", Number(peer))
            .Phase("Running")
            .Build());
  }
}

void AppendPolicies(const std::string& ns, int policies, Cluster& cluster) {
  for (int i = 0; i < policies; ++i) {
    cluster.policies.push_back(
        PolicyBuilder(ns, absl::StrCat("policy-", Number(i)))
            .Selects({{"app", "server"}})
            .Types({"Ingress"})
            .Ingress({PodInNamespacePeer(MatchLabels({{"name", kClients}}),
                                         MatchLabels({{"peer", Number(i)}}))},
                     {NumberPort("UDP", kPort)})
            .Build());
  }
}

}  // namespace

CrowdedNode MakeCrowdedNode(int pods, int policies) {
  CrowdedNode node;
  Cluster& cluster = node.cluster;
  for (int i = 0; i < kCrowdNamespaces; ++i) {
    cluster.namespaces.push_back(MakeNamespace(CrowdNamespace(i)));
    AppendPolicies(CrowdNamespace(i), policies, cluster);
  }
  for (const char* ns : {kClients, kMeasured})
    cluster.namespaces.push_back(MakeNamespace(ns, {{"name", ns}}));
  AppendPolicies(kMeasured, policies, cluster);
  const int peers = std::max(policies, 1);
  for (int i = 0; i < peers; ++i) AppendPeers(i, cluster);
  for (int i = 0; i + 1 < pods; ++i) {
    cluster.pods.push_back(
        LocalPod(CrowdNamespace(i), absl::StrCat("pod-", Number(i)), i));
  }
  cluster.pods.push_back(LocalPod(kMeasured, "pod", pods - 1));
  node.flow = {PeerAddress(peers - 1, 0), LocalAddress(pods - 1), kPort};
  return node;
}

}  // namespace netpol
