// Which pods count, whose verdict it is, and the traffic that is never judged.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/reference_evaluator.h"

namespace netpol {
namespace {

IpAddress Ip(absl::string_view text) { return *IpAddress::Parse(text); }

NodeView NodeA() {
  return {.name = "node-a",
          .addresses = {Ip("172.16.0.1"), Ip("10.42.0.1"), Ip("fd00:16::1")}};
}

constexpr char kPod[] = "10.42.0.5";
constexpr char kOther[] = "10.42.1.5";
constexpr char kOutside[] = "192.0.2.1";

Verdict Judge(const Cluster& cluster, absl::string_view source,
              absl::string_view destination) {
  return Evaluate(cluster, NodeA(),
                  {Ip(source), Ip(destination), IPPROTO_TCP, 80});
}

k8s::NetworkPolicy DenyAll(absl::string_view ns) {
  return PolicyBuilder(ns, "deny").Types({"Ingress", "Egress"}).Build();
}

PodBuilder Local(absl::string_view name = "web") {
  return PodBuilder("shop", name).On("node-a");
}

// --- As subject. -------------------------------------------------------------

struct SubjectCase {
  std::string what;
  k8s::Pod pod;
  bool judged;  // Whether a policy that denies all stops its packets here.
};

TEST(ReferenceEvaluatorPodTest, OnlyRunningLocalPodsAreJudged) {
  const std::vector<SubjectCase> cases = {
      {"running", Local().Ip(kPod).Phase("Running").Build(), true},
      {"pending with an address", Local().Ip(kPod).Phase("Pending").Build(),
       true},
      {"no phase", Local().Ip(kPod).Build(), true},
      {"podIP of an old server", Local().OldIp(kPod).Build(), true},
      {"podIPs win over podIP", Local().Ip("10.42.0.9").OldIp(kPod).Build(),
       false},
      {"podIP beside podIPs that cannot be read",
       Local().Ip("10.42.0.999").OldIp(kPod).Build(), true},
      {"second of podIPs", Local().Ip("fd00:42::5").Ip(kPod).Build(), true},
      {"terminating", Local().Ip(kPod).Terminating().Build(), true},
      {"succeeded", Local().Ip(kPod).Phase("Succeeded").Build(), false},
      {"failed", Local().Ip(kPod).Phase("Failed").Build(), false},
      {"terminating and failed",
       Local().Ip(kPod).Terminating().Phase("Failed").Build(), false},
      {"on the host network", Local().Ip(kPod).HostNetwork().Build(), false},
      {"without address", Local().Build(), false},
      {"address that cannot be read", Local().Ip("10.42.0").Build(), false},
      {"on another node",
       PodBuilder("shop", "web").On("node-b").Ip(kPod).Build(), false},
      {"on no node yet", PodBuilder("shop", "web").Ip(kPod).Build(), false},
  };
  for (const SubjectCase& test : cases) {
    const Cluster cluster{{}, {test.pod}, {DenyAll("shop")}};
    EXPECT_EQ(Judge(cluster, kOutside, kPod).allowed, !test.judged)
        << "to it: " << test.what;
    EXPECT_EQ(Judge(cluster, kPod, kOutside).allowed, !test.judged)
        << "from it: " << test.what;
  }
}

TEST(ReferenceEvaluatorPodTest, BothEndsOnThisNodeMustAllow) {
  Cluster cluster;
  cluster.pods = {Local("a").Ip(kPod).Label("app", "a").Build(),
                  Local("b").Ip("10.42.0.6").Label("app", "b").Build()};
  EXPECT_TRUE(Judge(cluster, kPod, "10.42.0.6").allowed);
  cluster.policies = {PolicyBuilder("shop", "out")
                          .Selects({{"app", "a"}})
                          .Types({"Egress"})
                          .Build()};
  EXPECT_FALSE(Judge(cluster, kPod, "10.42.0.6").allowed);
  EXPECT_TRUE(Judge(cluster, "10.42.0.6", kPod).allowed);
  cluster.policies = {PolicyBuilder("shop", "in")
                          .Selects({{"app", "b"}})
                          .Types({"Ingress"})
                          .Build()};
  EXPECT_FALSE(Judge(cluster, kPod, "10.42.0.6").allowed);
}

TEST(ReferenceEvaluatorPodTest, RemoteEndIsLeftToItsNode) {
  Cluster cluster;
  cluster.pods = {Local().Ip(kPod).Build(),
                  PodBuilder("bank", "b").On("node-b").Ip(kOther).Build()};
  cluster.policies = {DenyAll("bank")};
  EXPECT_TRUE(Judge(cluster, kPod, kOther).allowed);
  EXPECT_TRUE(Judge(cluster, kOther, kPod).allowed);
}

TEST(ReferenceEvaluatorPodTest, TrafficOfNoPodIsLetThrough) {
  const Cluster cluster{{}, {Local().Ip(kPod).Build()}, {DenyAll("shop")}};
  EXPECT_TRUE(Judge(cluster, kOutside, kOther).allowed);
}

// --- Never judged. -----------------------------------------------------------

TEST(ReferenceEvaluatorPodTest, OwnNodeReachesItsPodsFromAnyAddress) {
  const Cluster cluster{
      {}, {Local().Ip(kPod).Ip("fd00:42::5").Build()}, {DenyAll("shop")}};
  EXPECT_TRUE(Judge(cluster, "172.16.0.1", kPod).allowed);
  EXPECT_TRUE(Judge(cluster, "10.42.0.1", kPod).allowed);
  EXPECT_TRUE(Judge(cluster, "fd00:16::1", "fd00:42::5").allowed);
  EXPECT_FALSE(Judge(cluster, "172.16.0.2", kPod).allowed);
}

TEST(ReferenceEvaluatorPodTest, WayToOwnNodeIsEgress) {
  Cluster cluster{{}, {Local().Ip(kPod).Build()}, {DenyAll("shop")}};
  EXPECT_FALSE(Judge(cluster, kPod, "172.16.0.1").allowed);
  cluster.policies = {PolicyBuilder("shop", "node")
                          .Types({"Egress"})
                          .Egress({BlockPeer("172.16.0.1/32")})
                          .Build()};
  EXPECT_TRUE(Judge(cluster, kPod, "172.16.0.1").allowed);
}

TEST(ReferenceEvaluatorPodTest, PodReachesItself) {
  const Cluster cluster{{}, {Local().Ip(kPod).Build()}, {DenyAll("shop")}};
  EXPECT_TRUE(Judge(cluster, kPod, kPod).allowed);
}

TEST(ReferenceEvaluatorPodTest, FamiliesAreJudgedByTheirOwnAddresses) {
  Cluster cluster{{}, {Local().Ip(kPod).Ip("fd00:42::5").Build()}, {}};
  cluster.policies = {
      PolicyBuilder("shop", "four").Ingress({BlockPeer("0.0.0.0/0")}).Build()};
  EXPECT_TRUE(Judge(cluster, kOutside, kPod).allowed);
  EXPECT_FALSE(Judge(cluster, "2001:db8::1", "fd00:42::5").allowed);
  EXPECT_FALSE(Judge(cluster, kOutside, "fd00:42::5").allowed);
}

TEST(ReferenceEvaluatorPodTest, FamilyThatIsNotEnforcedIsLetThrough) {
  const Cluster cluster{
      {}, {Local().Ip(kPod).Ip("fd00:42::5").Build()}, {DenyAll("shop")}};
  NodeView node = NodeA();
  node.families = {Family::kIPv4};
  const Packet six{Ip("2001:db8::1"), Ip("fd00:42::5"), IPPROTO_TCP, 80};
  const Packet four{Ip(kOutside), Ip(kPod), IPPROTO_TCP, 80};
  EXPECT_TRUE(Evaluate(cluster, node, six).allowed);
  EXPECT_FALSE(Evaluate(cluster, node, four).allowed);
}

// --- As peer. ----------------------------------------------------------------

struct PeerPodCase {
  std::string what;
  k8s::Pod pod;
  bool matched;
};

TEST(ReferenceEvaluatorPodTest, OnlyRunningPodsArePeers) {
  const auto peer = [] { return PodBuilder("shop", "peer").Ip(kOther); };
  const std::vector<PeerPodCase> cases = {
      {"remote", peer().On("node-b").Build(), true},
      {"local", peer().On("node-a").Build(), true},
      {"terminating", peer().Terminating().Build(), true},
      {"succeeded", peer().Phase("Succeeded").Build(), false},
      {"failed", peer().Phase("Failed").Build(), false},
      {"on the host network", peer().HostNetwork().Build(), false},
      {"without address", PodBuilder("shop", "peer").Build(), false},
  };
  const k8s::NetworkPolicyPeer all = NamespacePeer(MatchLabels());
  for (const PeerPodCase& test : cases) {
    Cluster cluster{{}, {test.pod}, {}};
    cluster.pods.push_back(Local("subject").Label("app", "s").Ip(kPod).Build());
    cluster.policies = {PolicyBuilder("shop", "p")
                            .Selects({{"app", "s"}})
                            .Ingress({all})
                            .Egress({all})
                            .Build()};
    EXPECT_EQ(Judge(cluster, kOther, kPod).allowed, test.matched) << test.what;
    EXPECT_EQ(Judge(cluster, kPod, kOther).allowed, test.matched) << test.what;
  }
}

// --- One address, two pods. --------------------------------------------------

TEST(ReferenceEvaluatorPodTest, AnyOwnerOfAnAddressSufficesAsPeer) {
  Cluster cluster;
  cluster.pods = {
      Local().Ip(kPod).Label("app", "s").Build(),
      PodBuilder("shop", "x").On("node-b").Ip(kOther).Created(1).Build(),
      PodBuilder("shop", "y")
          .On("node-b")
          .Ip(kOther)
          .Created(9)
          .Label("app", "y")
          .Build()};
  const auto policy_from = [](const k8s::LabelSelector& pods) {
    return PolicyBuilder("shop", "p")
        .Selects({{"app", "s"}})
        .Ingress({PodPeer(pods)})
        .Build();
  };
  cluster.policies = {policy_from(MatchLabels({{"app", "y"}}))};
  EXPECT_TRUE(Judge(cluster, kOther, kPod).allowed);
  cluster.policies = {policy_from(MatchExpression("app", "DoesNotExist"))};
  EXPECT_TRUE(Judge(cluster, kOther, kPod).allowed);
  cluster.policies = {policy_from(MatchLabels({{"app", "z"}}))};
  EXPECT_FALSE(Judge(cluster, kOther, kPod).allowed);
}

struct OwnerCase {
  std::string what;
  k8s::Pod open;    // In a namespace without policies.
  k8s::Pod closed;  // In a namespace that denies all.
  bool closed_owns;
};

TEST(ReferenceEvaluatorPodTest, YoungerLocalPodOwnsItsAddress) {
  const auto open = [] {
    return PodBuilder("open", "m").On("node-a").Ip(kPod);
  };
  const auto closed = [](absl::string_view name) {
    return PodBuilder("shop", name).On("node-a").Ip(kPod);
  };
  const std::vector<OwnerCase> cases = {
      {"younger", open().Created(1).Build(), closed("a").Created(2).Build(),
       true},
      {"older", open().Created(2).Build(), closed("a").Created(1).Build(),
       false},
      {"age unknown is oldest", open().Created(1).Build(), closed("a").Build(),
       false},
      {"as old, larger namespace", open().Build(), closed("a").Build(), true},
      {"age before the name", open().Created(2).Build(),
       closed("a").Created(1).Build(), false},
      {"younger but finished", open().Created(1).Build(),
       closed("a").Created(2).Phase("Succeeded").Build(), false},
      {"younger but remote", open().Created(1).Build(),
       closed("a").Created(2).On("node-b").Build(), false},
      {"younger one is remote", open().Created(3).On("node-b").Build(),
       closed("a").Created(2).Build(), true},
  };
  for (const OwnerCase& test : cases) {
    const Cluster one{{}, {test.open, test.closed}, {DenyAll("shop")}};
    const Cluster two{{}, {test.closed, test.open}, {DenyAll("shop")}};
    EXPECT_EQ(Judge(one, kOutside, kPod).allowed, !test.closed_owns)
        << test.what;
    EXPECT_EQ(Judge(two, kOutside, kPod).allowed, !test.closed_owns)
        << test.what << ", in the other order";
  }
}

}  // namespace
}  // namespace netpol
