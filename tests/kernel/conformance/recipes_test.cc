// Policies as people write them, mixed from everything.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/kernel/conformance/conformance_suite.h"
#include "tests/kernel/conformance/matrix_expectation.h"

namespace netpol {
namespace {

k8s::NetworkPolicyPeer Ns(const std::string& name) {
  return NamespacePeer(MatchLabels({{"ns", name}}));
}

k8s::NetworkPolicyPeer Of(const std::string& ns, const std::string& pod) {
  return PodInNamespacePeer(MatchLabels({{"ns", ns}}),
                            MatchLabels({{"pod", pod}}));
}

k8s::NetworkPolicyPeer Pod(const std::string& pod) {
  return PodPeer(MatchLabels({{"pod", pod}}));
}

PolicyBuilder In(const char* ns, const char* name = "in") {
  return PolicyBuilder(ns, name).Types({"Ingress"});
}

PolicyBuilder Out(const char* ns, const char* name = "out") {
  return PolicyBuilder(ns, name).Types({"Egress"});
}

PolicyBuilder Both(const char* ns, const char* name = "both") {
  return PolicyBuilder(ns, name).Types({"Ingress", "Egress"});
}

const LabelList kA = {{"pod", "a"}};
const LabelList kB = {{"pod", "b"}};
const LabelList kC = {{"pod", "c"}};

std::vector<ConformanceCase> IngressRecipes() {
  return {
      OneStep("DenyAllToAnApplication", "nobody reaches x/a",
              {In("x").Selects(kA)}, {DenyIn("x/a")}, 96),
      OneStep("LimitToAnApplication", "only b of the same namespace reaches it",
              {In("x").Selects(kA).Ingress({Pod("b")})},
              {DenyIn("x/a"), AllowIn("x/a", "x/b")}, 84),
      OneStep("DefaultDenyThenAllowOne", "a namespace shut, one pod open",
              {In("x", "default"), In("x", "open").Selects(kA).Ingress()},
              {DenyIn("x/b x/c")}, 2 * 96),
      OneStep("DenyFromOtherNamespaces", "a namespace that keeps to itself",
              {In("x").Ingress({PodPeer({})})},
              {DenyIn("x/*"), AllowIn("x/*", "x/*")}, 18 * 12),
      OneStep("AllowFromAllNamespaces", "all pods, but nobody from outside",
              {In("x").Ingress({NamespacePeer({})})},
              {DenyIn("x/*", "outside")}, 0),
      OneStep("AllowFromOneNamespace", "a namespace by its label",
              {In("x").Selects(kA).Ingress({Ns("y")})},
              {DenyIn("x/a"), AllowIn("x/a", "y/*")}, 60),
      OneStep("AllowFromPodsOfANamespace", "some pods of it",
              {In("x").Selects(kA).Ingress({Of("y", "b")})},
              {DenyIn("x/a"), AllowIn("x/a", "y/b")}, 84),
      OneStep("AllowFromOutsideOnly", "a front end that no pod may use",
              {In("x").Selects(kA).Ingress(
                  {BlockPeer("0.0.0.0/0", {"10.42.0.0/16"}),
                   BlockPeer("::/0", {"fd00:42::/64"})},
                  {NumberPort("TCP", 80)})},
              {DenyIn("x/a"), AllowIn("x/a", "outside", "TCP 80")}, 96),
      OneStep("AllowMonitoringPort", "everybody's metrics to one pod",
              {In("x").Ingress({PodPeer({})}),
               In("x", "metrics")
                   .Ingress({Of("z", "c")}, {NamePort("TCP", "serve-81-tcp")})},
              {DenyIn("x/*"), AllowIn("x/*", "x/*"),
               AllowIn("x/*", "z/c", "TCP 81")},
              18 * 12 - 3 * 2),
      OneStep("SeveralSelectors", "two kinds of pods of two kinds of spaces",
              {In("x").Selects(kA).Ingress({PodInNamespacePeer(
                  MatchExpression("ns", "NotIn", {"x"}),
                  MatchExpression("pod", "In", {"b", "c"}))})},
              {DenyIn("x/a"), AllowIn("x/a", "y/b y/c z/b z/c")}, 48),
  };
}

std::vector<ConformanceCase> EgressRecipes() {
  const std::vector<k8s::NetworkPolicyPort> dns = {NumberPort("UDP", 81),
                                                   NumberPort("TCP", 81)};
  return {
      OneStep("NoWayOut", "a pod that may send nothing", {Out("x").Selects(kA)},
              {DenyOut("x/a")}, 96),
      OneStep("NamesOnly", "a namespace that may only ask for names",
              {Out("x").Egress({Of("z", "c")}, dns)},
              {DenyOut("x/*"), AllowOut("x/*", "z/c", "UDP TCP 81")},
              24 * 12 - 3 * 4),
      OneStep("NamesAnywhere", "the same of anybody",
              {Out("x").Egress({}, dns)},
              {DenyOut("x/*"), AllowOut("x/*", "*", "UDP TCP 81")}, 24 * 8),
      OneStep("WithinTheCluster", "nothing leaves for the outside",
              {Out("x").Egress({NamespacePeer({})})},
              {DenyOut("x/*", "node outside")}, 0),
      OneStep("OutsideOnly", "a pod for the outside alone",
              {Out("x").Selects(kA).Egress(
                  {BlockPeer("0.0.0.0/0", {"10.0.0.0/8", "172.16.0.0/12"}),
                   BlockPeer("::/0", {"fc00::/7"})})},
              {DenyOut("x/a"), AllowOut("x/a", "outside")}, 96),
      OneStep("NotTheNode", "everything but the node's own address",
              {Out("x").Egress({BlockPeer("0.0.0.0/0", {"172.31.0.1/32"}),
                                BlockPeer("::/0", {"fd00:31::1/128"})})},
              {DenyOut("x/*", "node")}, 0),
      OneStep("OneServiceOfAnotherNamespace", "one pod, one port by name",
              {Out("x").Selects(kA).Egress({Of("y", "b")},
                                           {NamePort("TCP", "serve-80-tcp")})},
              {DenyOut("x/a"), AllowOut("x/a", "y/b", "TCP 80")}, 94),
  };
}

std::vector<ConformanceCase> MixedRecipes() {
  const auto tcp = [](int port) {
    return std::vector<k8s::NetworkPolicyPort>{NumberPort("TCP", port)};
  };
  return {
      OneStep(
          "ThreeTiers", "front a, middle b, store c of one namespace",
          {Both("x", "default"), In("x", "front").Selects(kA).Ingress(),
           Out("x", "front-out").Selects(kA).Egress({Pod("b")}, tcp(80)),
           In("x", "middle").Selects(kB).Ingress({Pod("a")}, tcp(80)),
           Out("x", "middle-out").Selects(kB).Egress({Pod("c")}, tcp(81)),
           In("x", "store").Selects(kC).Ingress({Pod("b")}, tcp(81))},
          {DenyIn("x/b x/c"), DenyOut("x/*"), AllowOut("x/a", "x/b", "TCP 80"),
           AllowIn("x/b", "x/a", "TCP 80"), AllowOut("x/b", "x/c", "TCP 81"),
           AllowIn("x/c", "x/b", "TCP 81")},
          // All 24 from x and 12 from others to x/b and x/c, but for two.
          (24 + 12) * 12 - 2 - 2),
      OneStep("TenantsApart", "three namespaces that do not know each other",
              {Both("x").Ingress({PodPeer({})}).Egress({PodPeer({})}),
               Both("y").Ingress({PodPeer({})}).Egress({PodPeer({})}),
               Both("z").Ingress({PodPeer({})}).Egress({PodPeer({})})},
              {DenyIn("*/*"), DenyOut("*/*"), AllowIn("x/*", "x/*"),
               AllowOut("x/*", "x/*"), AllowIn("y/*", "y/*"),
               AllowOut("y/*", "y/*"), AllowIn("z/*", "z/*"),
               AllowOut("z/*", "z/*")},
              54 * 12),
      OneStep("TenantsWithASharedService", "and one pod that all may ask",
              {Both("x").Ingress({PodPeer({})}).Egress({PodPeer({})}),
               Both("y").Ingress({PodPeer({})}).Egress({PodPeer({})}),
               PolicyBuilder("x", "shared")
                   .Types({"Egress"})
                   .Egress({Of("z", "a")}, tcp(80)),
               PolicyBuilder("y", "shared")
                   .Types({"Egress"})
                   .Egress({Of("z", "a")}, tcp(80)),
               In("z").Selects(kA).Ingress({NamespacePeer({})}, tcp(80))},
              {DenyIn("x/* y/*"), DenyOut("x/* y/*"), AllowIn("x/*", "x/*"),
               AllowOut("x/*", "x/*"), AllowIn("y/*", "y/*"),
               AllowOut("y/*", "y/*"), AllowOut("x/* y/*", "z/a", "TCP 80"),
               DenyIn("z/a"), AllowIn("z/a", "*/*", "TCP 80")},
              // Between tenants 54 of 72 pairs, in z two more that end at z/a;
              // of those that end at z/a eight are open for two packets.
              (54 + 2) * 12 - 8 * 2),
      OneStep("EverythingInOnePolicy", "all kinds of peers and ports at once",
              {Both("x")
                   .Selects(kA)
                   .Ingress(
                       {Ns("y"), Pod("b"), BlockPeer("192.0.2.0/24")},
                       {NumberPort("TCP", 80), NamePort("UDP", "serve-81-udp")})
                   .Ingress({Of("z", "c")})
                   .Egress({BlockPeer("fd00:42::/120", {"fd00:42::30/124"})},
                           {RangePort("SCTP", 80, 90)})
                   .Egress({Ns("z")}, {ProtocolPort("UDP")})},
              {DenyIn("x/a"), AllowIn("x/a", "y/* x/b", "TCP 80"),
               AllowIn("x/a", "y/* x/b", "UDP 81"),
               AllowIn("x/a", "outside", "IPv4 TCP 80"),
               AllowIn("x/a", "outside", "IPv4 UDP 81"), AllowIn("x/a", "z/c"),
               DenyOut("x/a"), AllowOut("x/a", "x/* y/*", "IPv6 SCTP"),
               AllowOut("x/a", "z/*", "UDP")},
              96 - 4 * 4 - 12 + 96 - 5 * 2 - 3 * 4),
      OneStep("GrowingHoles", "a shut cluster with holes of every kind",
              {In("x", "deny"), In("y", "deny"), In("z", "deny"),
               In("x", "b").Selects(kB).Ingress({Ns("y")}, tcp(80)),
               In("y", "any").Ingress({}, {ProtocolPort("UDP")}),
               In("z", "c").Selects(kC).Ingress({BlockPeer("10.42.0.16/28")})},
              {DenyIn("*/*"), AllowIn("x/b", "y/*", "TCP 80"),
               AllowIn("y/*", "*", "UDP"), AllowIn("z/c", "x/*", "IPv4")},
              72 * 12 - 3 * 2 - 24 * 4 - 3 * 6),
  };
}

class RecipesTest : public ConformanceSuite {};

TEST_P(RecipesTest, EveryPacketMeetsItsVerdict) { Run(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Ingress, RecipesTest,
                         testing::ValuesIn(IngressRecipes()), CaseName);
INSTANTIATE_TEST_SUITE_P(Egress, RecipesTest,
                         testing::ValuesIn(EgressRecipes()), CaseName);
INSTANTIATE_TEST_SUITE_P(Mixed, RecipesTest, testing::ValuesIn(MixedRecipes()),
                         CaseName);

}  // namespace
}  // namespace netpol
