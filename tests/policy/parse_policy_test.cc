#include <netinet/in.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/policy/parse.h"
#include "netpol/testing/builders.h"

namespace netpol {
namespace {

Labels LabelsOf(std::vector<Labels::Entry> entries) {
  return Labels(std::move(entries));
}

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const Labels kWeb = LabelsOf({{"app", "web"}});
const Labels kDb = LabelsOf({{"app", "db"}});

NetworkPolicy Parsed(const k8s::NetworkPolicy& wire) {
  absl::StatusOr<NetworkPolicy> policy = ParseNetworkPolicy(wire);
  EXPECT_TRUE(policy.ok()) << policy.status();
  return policy.ok() ? *policy : NetworkPolicy();
}

PolicyBuilder Policy() { return PolicyBuilder("red", "p"); }

// ---- Subject and types.

TEST(ParsePolicyTest, WithoutNameOrNamespaceIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      ParseNetworkPolicy(PolicyBuilder("red", "").Build()).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      ParseNetworkPolicy(PolicyBuilder("", "p").Build()).status()));
}

TEST(ParsePolicyTest, MissingSelectorSelectsTheWholeNamespace) {
  k8s::NetworkPolicy wire = Policy().Build();
  wire.mutable_spec()->clear_pod_selector();
  const NetworkPolicy policy = Parsed(wire);
  EXPECT_EQ(policy.key, (ObjectKey{"red", "p"}));
  EXPECT_TRUE(policy.subject.Matches(Labels()));
  EXPECT_THAT(policy.problems, IsEmpty());
}

TEST(ParsePolicyTest, WithoutTypesIngressIsIsolated) {
  const NetworkPolicy policy = Parsed(Policy().Ingress().Build());
  EXPECT_TRUE(policy.isolates_ingress);
  EXPECT_FALSE(policy.isolates_egress);
}

TEST(ParsePolicyTest, WithoutTypesAnEgressRuleIsolatesEgressToo) {
  const NetworkPolicy policy = Parsed(Policy().Egress().Build());
  EXPECT_TRUE(policy.isolates_ingress);
  EXPECT_TRUE(policy.isolates_egress);
}

TEST(ParsePolicyTest, TypesThatAreGivenCountAlone) {
  const NetworkPolicy egress = Parsed(Policy().Types({"Egress"}).Build());
  EXPECT_FALSE(egress.isolates_ingress);
  EXPECT_TRUE(egress.isolates_egress);
  const NetworkPolicy ingress =
      Parsed(Policy().Types({"Ingress", "Ingress"}).Egress().Build());
  EXPECT_TRUE(ingress.isolates_ingress);
  EXPECT_FALSE(ingress.isolates_egress);
  EXPECT_THAT(ingress.problems, IsEmpty());
}

TEST(ParsePolicyTest, UnknownTypeIsToldAndTheKnownOneCounts) {
  const NetworkPolicy policy =
      Parsed(Policy().Types({"Ingress", "Sideways"}).Build());
  EXPECT_TRUE(policy.isolates_ingress);
  EXPECT_FALSE(policy.isolates_egress);
  EXPECT_THAT(policy.problems, Contains(HasSubstr("Sideways")));
}

TEST(ParsePolicyTest, BrokenSubjectIsolatesWhatTheRestSelectsAndAllowsNothing) {
  k8s::LabelSelector selector = MatchLabels({{"app", "web"}});
  *selector.add_match_expressions() =
      MatchExpression("tier", "LooksLike", {"x"}).match_expressions(0);
  const NetworkPolicy policy = Parsed(Policy()
                                          .Selects(selector)
                                          .Types({"Ingress", "Egress"})
                                          .Ingress()
                                          .Egress()
                                          .Build());
  EXPECT_TRUE(policy.isolates_ingress);
  EXPECT_TRUE(policy.isolates_egress);
  EXPECT_TRUE(policy.subject.Matches(kWeb));
  EXPECT_FALSE(policy.subject.Matches(kDb));
  EXPECT_THAT(policy.ingress, IsEmpty());
  EXPECT_THAT(policy.egress, IsEmpty());
  EXPECT_THAT(policy.problems, Contains(HasSubstr("LooksLike")));
}

TEST(ParsePolicyTest, OperatorsNeedTheirValuesAndNoOthers) {
  for (const auto& selector :
       {MatchExpression("app", "In"), MatchExpression("app", "NotIn"),
        MatchExpression("app", "Exists", {"web"}),
        MatchExpression("app", "DoesNotExist", {"web"}),
        MatchExpression("app", "in", {"web"}), MatchExpression("app", "")}) {
    const NetworkPolicy policy =
        Parsed(Policy().Ingress({PodPeer(selector)}).Build());
    ASSERT_THAT(policy.ingress, SizeIs(1)) << selector.DebugString();
    EXPECT_FALSE(policy.ingress[0].any_peer);
    EXPECT_THAT(policy.ingress[0].pods, IsEmpty()) << selector.DebugString();
    EXPECT_THAT(policy.problems,
                Contains(HasSubstr("spec.ingress[0].from[0].podSelector")));
  }
}

TEST(ParsePolicyTest, LabelsAndExpressionsOfASelectorAllCount) {
  k8s::LabelSelector selector = MatchLabels({{"app", "web"}});
  *selector.add_match_expressions() =
      MatchExpression("tier", "NotIn", {"old"}).match_expressions(0);
  const NetworkPolicy policy = Parsed(Policy().Selects(selector).Build());
  EXPECT_TRUE(policy.subject.Matches(kWeb));
  EXPECT_FALSE(
      policy.subject.Matches(LabelsOf({{"app", "web"}, {"tier", "old"}})));
  EXPECT_FALSE(policy.subject.Matches(kDb));
}

// ---- Peers.

PolicyRule OnlyIngressRule(const NetworkPolicy& policy) {
  EXPECT_THAT(policy.ingress, SizeIs(1));
  return policy.ingress.empty() ? PolicyRule() : policy.ingress[0];
}

TEST(ParsePeerTest, EmptyRuleIsAnybodyAtAnyPort) {
  const PolicyRule rule = OnlyIngressRule(Parsed(Policy().Ingress().Build()));
  EXPECT_TRUE(rule.any_peer);
  EXPECT_TRUE(rule.any_port);
}

TEST(ParsePeerTest, PodSelectorMeansTheOwnNamespace) {
  const PolicyRule rule = OnlyIngressRule(Parsed(
      Policy().Ingress({PodPeer(MatchLabels({{"app", "web"}}))}).Build()));
  EXPECT_FALSE(rule.any_peer);
  ASSERT_THAT(rule.pods, SizeIs(1));
  EXPECT_TRUE(rule.pods[0].MatchesNamespace("red", Labels()));
  EXPECT_FALSE(rule.pods[0].MatchesNamespace("blue", Labels()));
  EXPECT_TRUE(rule.pods[0].pods.Matches(kWeb));
  EXPECT_FALSE(rule.pods[0].pods.Matches(kDb));
}

TEST(ParsePeerTest, EmptyPodSelectorIsEveryPodOfTheOwnNamespace) {
  const PolicyRule rule =
      OnlyIngressRule(Parsed(Policy().Ingress({PodPeer({})}).Build()));
  ASSERT_THAT(rule.pods, SizeIs(1));
  EXPECT_FALSE(rule.pods[0].MatchesNamespace("blue", Labels()));
  EXPECT_TRUE(rule.pods[0].pods.Matches(Labels()));
}

TEST(ParsePeerTest, NamespaceSelectorMeansAllTheirPods) {
  const PolicyRule rule = OnlyIngressRule(Parsed(
      Policy().Ingress({NamespacePeer(MatchLabels({{"team", "a"}}))}).Build()));
  ASSERT_THAT(rule.pods, SizeIs(1));
  EXPECT_TRUE(rule.pods[0].MatchesNamespace("blue", LabelsOf({{"team", "a"}})));
  // The own one only if it matches, too.
  EXPECT_FALSE(rule.pods[0].MatchesNamespace("red", Labels()));
  EXPECT_TRUE(rule.pods[0].pods.Matches(Labels()));
}

TEST(ParsePeerTest, EmptyNamespaceSelectorIsEveryNamespace) {
  const PolicyRule rule =
      OnlyIngressRule(Parsed(Policy().Ingress({NamespacePeer({})}).Build()));
  ASSERT_THAT(rule.pods, SizeIs(1));
  EXPECT_TRUE(rule.pods[0].MatchesNamespace("blue", Labels()));
  EXPECT_FALSE(rule.any_peer) << "outside addresses are no pods";
}

TEST(ParsePeerTest, BothSelectorsMustHold) {
  const PolicyRule rule = OnlyIngressRule(
      Parsed(Policy()
                 .Ingress({PodInNamespacePeer(MatchLabels({{"team", "a"}}),
                                              MatchLabels({{"app", "web"}}))})
                 .Build()));
  ASSERT_THAT(rule.pods, SizeIs(1));
  EXPECT_TRUE(rule.pods[0].MatchesNamespace("blue", LabelsOf({{"team", "a"}})));
  EXPECT_FALSE(rule.pods[0].MatchesNamespace("blue", Labels()));
  EXPECT_FALSE(rule.pods[0].pods.Matches(kDb));
}

TEST(ParsePeerTest, BlockIsTakenWithHostBitsMasked) {
  const NetworkPolicy policy =
      Parsed(Policy()
                 .Ingress({BlockPeer("192.168.0.5/16", {"192.168.009.1/24"})})
                 .Build());
  const PolicyRule rule = OnlyIngressRule(policy);
  ASSERT_THAT(rule.blocks, SizeIs(1));
  EXPECT_EQ(rule.blocks[0], (IpBlock{*IpPrefix::Parse("192.168.0.0/16"),
                                     {*IpPrefix::Parse("192.168.9.0/24")}}));
  EXPECT_THAT(policy.problems, IsEmpty());
}

TEST(ParsePeerTest, BrokenPeerMatchesNothingAndIsNamed) {
  k8s::NetworkPolicyPeer both = BlockPeer("10.0.0.0/8");
  *both.mutable_pod_selector() = MatchLabels();
  for (const auto& peer :
       {k8s::NetworkPolicyPeer(), both, BlockPeer("10.0.0.0"),
        BlockPeer("10.0.0.0/33"), BlockPeer(""),
        BlockPeer("10.0.0.0/8", {"10.0.0.0/8", "nonsense"})}) {
    const NetworkPolicy policy = Parsed(Policy().Ingress({peer}).Build());
    const PolicyRule rule = OnlyIngressRule(policy);
    EXPECT_FALSE(rule.any_peer) << peer.DebugString();
    EXPECT_THAT(rule.pods, IsEmpty()) << peer.DebugString();
    EXPECT_THAT(rule.blocks, IsEmpty()) << peer.DebugString();
    EXPECT_THAT(policy.problems,
                Contains(HasSubstr("spec.ingress[0].from[0]")));
  }
}

TEST(ParsePeerTest, BrokenPeerCostsNoOther) {
  const NetworkPolicy policy =
      Parsed(Policy()
                 .Egress({k8s::NetworkPolicyPeer(), BlockPeer("10.0.0.0/8")})
                 .Egress()
                 .Build());
  ASSERT_THAT(policy.egress, SizeIs(2));
  EXPECT_THAT(policy.egress[0].blocks, SizeIs(1));
  EXPECT_TRUE(policy.egress[1].any_peer);
  EXPECT_THAT(policy.problems, Contains(HasSubstr("spec.egress[0].to[0]")));
}

// ---- Ports.

PolicyRule RuleWithPorts(const PolicyBuilder::Ports& ports) {
  return OnlyIngressRule(Parsed(Policy().Ingress({}, ports).Build()));
}

TEST(ParsePortTest, EmptyEntryIsEveryTcpPort) {
  const PolicyRule rule = RuleWithPorts({k8s::NetworkPolicyPort()});
  EXPECT_FALSE(rule.any_port);
  ASSERT_THAT(rule.ports, SizeIs(1));
  EXPECT_EQ(rule.ports[0].protocol, IPPROTO_TCP);
  EXPECT_TRUE(rule.ports[0].every_port());
}

TEST(ParsePortTest, NumbersRangesAndNames) {
  const PolicyRule rule =
      RuleWithPorts({NumberPort("", 80), RangePort("UDP", 8000, 8010),
                     NamePort("SCTP", "http"), NumberPort("TCP", 65535),
                     RangePort("TCP", 1, 1), ProtocolPort("UDP")});
  EXPECT_EQ(rule.ports, (std::vector<PolicyPort>{
                            {IPPROTO_TCP, 80, 80, ""},
                            {IPPROTO_UDP, 8000, 8010, ""},
                            {IPPROTO_SCTP, 0, 0, "http"},
                            {IPPROTO_TCP, 65535, 65535, ""},
                            {IPPROTO_TCP, 1, 1, ""},
                            {IPPROTO_UDP, 0, 0, ""},
                        }));
  EXPECT_FALSE(rule.ports[2].every_port());
}

TEST(ParsePortTest, BrokenPortMatchesNothingAndIsNamed) {
  k8s::NetworkPolicyPort end_without_port = ProtocolPort("TCP");
  end_without_port.set_end_port(90);
  k8s::NetworkPolicyPort end_with_name = NamePort("TCP", "http");
  end_with_name.set_end_port(90);
  for (const auto& port :
       {NumberPort("ICMP", 80), NumberPort("tcp", 80), NumberPort("TCP", 0),
        NumberPort("TCP", 65536), NumberPort("TCP", -1),
        RangePort("TCP", 80, 79), RangePort("TCP", 80, 65536),
        NamePort("TCP", ""), end_without_port, end_with_name}) {
    const NetworkPolicy policy = Parsed(Policy().Ingress({}, {port}).Build());
    const PolicyRule rule = OnlyIngressRule(policy);
    EXPECT_FALSE(rule.any_port) << port.DebugString();
    EXPECT_THAT(rule.ports, IsEmpty()) << port.DebugString();
    EXPECT_THAT(policy.problems,
                Contains(HasSubstr("spec.ingress[0].ports[0]")))
        << port.DebugString();
  }
}

TEST(ParsePortTest, BrokenPortCostsNoOther) {
  const PolicyRule rule =
      RuleWithPorts({NumberPort("TCP", 0), NumberPort("TCP", 80)});
  EXPECT_EQ(rule.ports, (std::vector<PolicyPort>{{IPPROTO_TCP, 80, 80, ""}}));
}

}  // namespace
}  // namespace netpol
