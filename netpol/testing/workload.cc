#include "netpol/testing/workload.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/random.h"

namespace netpol {
namespace {

constexpr int kApplications = 8;

std::string NamespaceName(int number) { return absl::StrCat("ns-", number); }

std::string Application(Random& random) {
  return absl::StrCat("app-", random.Below(kApplications));
}

k8s::Namespace MakeOneNamespace(int number) {
  return MakeNamespace(NamespaceName(number),
                       {{"team", absl::StrCat("team-", number % 10)},
                        {"stage", number % 4 == 0 ? "production" : "test"}});
}

// Node 0 has 10.42.0.0/22 to itself, the others a /24 each above it.
std::string PodAddress(int node, int number_on_node) {
  const int network = node == 0 ? number_on_node / 250 : node + 4;
  return absl::StrCat("10.", 42 + network / 256, ".", network % 256, ".",
                      2 + number_on_node % 250);
}

k8s::Pod MakeOnePod(const WorkloadShape& shape, int number, Random& random) {
  const bool local = number < shape.local_pods;
  const int remote = number - shape.local_pods;
  const int node = local ? 0 : 1 + remote % (shape.nodes - 1);
  const int on_node = local ? number : remote / (shape.nodes - 1);
  const std::string application = Application(random);
  const std::string ns =
      NamespaceName(static_cast<int>(random.Below(shape.namespaces)));
  PodBuilder pod(ns, absl::StrCat(application, "-", number));
  pod.On(absl::StrCat("node-", node))
      .Ip(PodAddress(node, on_node))
      .Label("app", application)
      .Label("tier", random.Chance(30) ? "front" : "back")
      .Label("pod-template-hash", absl::StrCat("h", random.Below(50)))
      .Port("http", random.Chance(80) ? 8080 : 9090)
      .Phase("Running");
  return pod.Build();
}

k8s::NetworkPolicyPeer MakePeer(Random& random) {
  const int kind = random.Between(0, 99);
  if (kind < 50) return PodPeer(MatchLabels({{"app", Application(random)}}));
  if (kind < 75) {
    const std::string team = absl::StrCat("team-", random.Below(10));
    return PodInNamespacePeer(MatchLabels({{"team", team}}),
                              MatchLabels({{"app", Application(random)}}));
  }
  // Few, and chosen by many policies.
  if (kind < 80) return NamespacePeer(MatchLabels({{"stage", "production"}}));
  const auto network = random.Below(200);
  return BlockPeer(
      absl::StrCat("172.", 16 + network % 16, ".0.0/16"),
      {absl::StrCat("172.", 16 + network % 16, ".", network, ".0/24")});
}

k8s::NetworkPolicyPort MakePort(Random& random) {
  if (random.Chance(20)) return NamePort("TCP", "http");
  const bool tcp = random.Chance(85);
  const int number = 1000 + 10 * static_cast<int>(random.Below(100));
  return NumberPort(tcp ? "TCP" : "UDP", number);
}

k8s::NetworkPolicy MakeOnePolicy(const WorkloadShape& shape, int number,
                                 Random& random) {
  PolicyBuilder policy(NamespaceName(number % shape.namespaces),
                       absl::StrCat("policy-", number));
  policy.Selects({{"app", Application(random)}});
  const int kind = random.Between(0, 99);
  const bool ingress = kind < 80;
  const bool egress = kind >= 60;
  std::vector<std::string> types;
  if (ingress) types.push_back("Ingress");
  if (egress) types.push_back("Egress");
  policy.Types(types);
  for (int rule = 0; rule < 2; ++rule) {
    const k8s::NetworkPolicyPeer peer = MakePeer(random);
    const k8s::NetworkPolicyPort port = MakePort(random);
    if (ingress) policy.Ingress({peer}, {port});
    if (egress) policy.Egress({peer}, {port});
  }
  return policy.Build();
}

}  // namespace

WorkloadShape NamedWorkload(absl::string_view name) {
  if (name == "M") return {"M", 50, 5000, 110, 200, 500};
  if (name == "L") return {"L", 500, 100000, 250, 1000, 10000};
  return {"S", 10, 300, 30, 60, 60};
}

Cluster MakeWorkload(const WorkloadShape& shape, uint64_t seed) {
  Random random(seed);
  Cluster cluster;
  for (int i = 0; i < shape.namespaces; ++i) {
    cluster.namespaces.push_back(MakeOneNamespace(i));
  }
  for (int i = 0; i < shape.pods; ++i) {
    cluster.pods.push_back(MakeOnePod(shape, i, random));
  }
  for (int i = 0; i < shape.policies; ++i) {
    cluster.policies.push_back(MakeOnePolicy(shape, i, random));
  }
  return cluster;
}

}  // namespace netpol
