#include "netpol/explain/policy_verdict.h"

#include <netinet/in.h>

#include <string>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/explain/told_cluster.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kWeb[] = "10.0.0.1";  // shop/web, this node
constexpr char kDb[] = "10.0.0.2";   // shop/db, this node
constexpr char kFar[] = "10.0.1.1";  // shop/far, another node
constexpr char kOutside[] = "192.0.2.1";
constexpr char kNode[] = "172.16.0.1";

class PolicyVerdictTest : public testing::Test {
 protected:
  PolicyVerdictTest() {
    cluster_.Add(
        PodBuilder("shop", "web").On("node-a").Ip(kWeb).Label("app", "web"));
    cluster_.Add(PodBuilder("shop", "db")
                     .On("node-a")
                     .Ip(kDb)
                     .Label("app", "db")
                     .Port("sql", 5432));
    cluster_.Add(
        PodBuilder("shop", "far").On("node-b").Ip(kFar).Label("app", "far"));
  }

  static PathQuestion Ask(absl::string_view from, absl::string_view to,
                          int port) {
    PathQuestion question;
    question.source = *IpAddress::Parse(from);
    question.destination = *IpAddress::Parse(to);
    if (port != 0) question.port = static_cast<uint16_t>(port);
    question.source_is_node = from == kNode;
    question.destination_is_node = to == kNode;
    return question;
  }

  PathVerdict Judge(const PathQuestion& question) {
    return JudgePath(cluster_.state(), cluster_.layout(), question);
  }
  PathVerdict Judge(absl::string_view from, absl::string_view to, int port) {
    return Judge(Ask(from, to, port));
  }

  // shop/db-in: db takes TCP 5432 and 8000 to 8010 from app=web.
  void IsolateDb() {
    cluster_.Add(
        PolicyBuilder("shop", "db-in")
            .Selects({{"app", "db"}})
            .Ingress({PodPeer(MatchLabels({{"app", "web"}}))},
                     {NumberPort("TCP", 5432), RangePort("TCP", 8000, 8010)}));
  }

  ToldCluster cluster_;
};

TEST_F(PolicyVerdictTest, PodsThatNoPolicySelectsAreNotIsolated) {
  const PathVerdict verdict = Judge(kWeb, kDb, 80);
  EXPECT_EQ(verdict.egress.cause, SideCause::kNotIsolated);
  EXPECT_EQ(verdict.ingress.cause, SideCause::kNotIsolated);
  EXPECT_EQ(verdict.egress.pod, (ObjectKey{"shop", "web"}));
  EXPECT_TRUE(verdict.egress.enforced_here);
  EXPECT_TRUE(verdict.allowed().all());
}

TEST_F(PolicyVerdictTest, AllowanceNamesPolicyRulePeerAndPort) {
  IsolateDb();
  const PathVerdict verdict = Judge(kWeb, kDb, 8003);
  EXPECT_EQ(verdict.egress.cause, SideCause::kNotIsolated);
  EXPECT_EQ(verdict.ingress.cause, SideCause::kAllowedByRule);
  ASSERT_EQ(verdict.ingress.policies.size(), 1u);
  const PolicyFinding& policy = verdict.ingress.policies.front();
  EXPECT_EQ(policy.policy, (ObjectKey{"shop", "db-in"}));
  ASSERT_EQ(policy.rules.size(), 1u);
  EXPECT_EQ(policy.rules[0].index, 0);
  EXPECT_TRUE(policy.rules[0].peer_matches);
  EXPECT_EQ(policy.rules[0].peer, "podSelector app=web");
  EXPECT_EQ(policy.rules[0].port, "TCP 8000-8010");
}

TEST_F(PolicyVerdictTest, DenialSaysWhatOfEachRuleDoesNotFit) {
  IsolateDb();
  const PathVerdict by_peer = Judge(kFar, kDb, 5432);
  EXPECT_EQ(by_peer.ingress.cause, SideCause::kNoRuleMatches);
  EXPECT_FALSE(by_peer.ingress.policies[0].rules[0].peer_matches);
  EXPECT_EQ(by_peer.ingress.policies[0].rules[0].port, "TCP 5432");
  EXPECT_TRUE(by_peer.ingress.policies[0].rules[0].ports.Contains(5432));
  EXPECT_TRUE(by_peer.ingress.allowed.empty());

  const PathVerdict by_port = Judge(kWeb, kDb, 80);
  EXPECT_EQ(by_port.ingress.cause, SideCause::kNoRuleMatches);
  EXPECT_TRUE(by_port.ingress.policies[0].rules[0].peer_matches);
  EXPECT_FALSE(by_port.ingress.policies[0].rules[0].ports.Contains(80));
  EXPECT_EQ(by_port.ingress.policies[0].rules[0].port,
            "TCP 5432, TCP 8000-8010");
}

TEST_F(PolicyVerdictTest, WithoutPortEveryPortMustBeAllowed) {
  IsolateDb();
  PathQuestion question = Ask(kWeb, kDb, 0);
  EXPECT_EQ(Judge(question).allowed().ToString(), "5432, 8000-8010");
  EXPECT_FALSE(Answers(Judge(question).allowed(), question));
  cluster_.Add(PolicyBuilder("shop", "db-tcp")
                   .Selects({{"app", "db"}})
                   .Ingress({}, {ProtocolPort("TCP")}));
  EXPECT_TRUE(Answers(Judge(question).allowed(), question));
  question.protocol = IPPROTO_UDP;
  EXPECT_TRUE(Judge(question).allowed().empty());
}

TEST_F(PolicyVerdictTest, RulesKeepTheIndexOfTheSpecWhereOneIsBroken) {
  cluster_.Add(PolicyBuilder("shop", "db-in")
                   .Selects({{"app", "db"}})
                   .Ingress({k8s::NetworkPolicyPeer()})
                   .Ingress({PodPeer(MatchLabels({{"app", "web"}}))}));
  const PathVerdict verdict = Judge(kWeb, kDb, 1);
  const PolicyFinding& policy = verdict.ingress.policies.front();
  ASSERT_EQ(policy.rules.size(), 2u);
  EXPECT_FALSE(policy.rules[0].peer_matches);
  EXPECT_THAT(policy.rules[0].peer, HasSubstr("nobody"));
  EXPECT_EQ(policy.rules[1].index, 1);
  EXPECT_TRUE(policy.rules[1].peer_matches);
  EXPECT_THAT(policy.problems, ElementsAre(HasSubstr("spec.ingress[0]")));
}

TEST_F(PolicyVerdictTest, PolicyWithoutRulesIsolatesAndSaysSo) {
  cluster_.Add(PolicyBuilder("shop", "deny").Types({"Egress"}));
  const PathVerdict verdict = Judge(kWeb, kDb, 80);
  EXPECT_EQ(verdict.egress.cause, SideCause::kNoRuleMatches);
  ASSERT_EQ(verdict.egress.policies.size(), 1u);
  EXPECT_THAT(verdict.egress.policies[0].rules, IsEmpty());
  EXPECT_EQ(verdict.ingress.cause, SideCause::kNotIsolated);
  EXPECT_TRUE(verdict.allowed().empty());
}

TEST_F(PolicyVerdictTest, OtherNodesSideIsJudgedButNotEnforcedHere) {
  cluster_.Add(PolicyBuilder("shop", "far-out")
                   .Selects({{"app", "far"}})
                   .Types({"Egress"}));
  const PathVerdict verdict = Judge(kFar, kDb, 80);
  EXPECT_FALSE(verdict.egress.enforced_here);
  EXPECT_EQ(verdict.egress.cause, SideCause::kNoRuleMatches);
  EXPECT_TRUE(verdict.allowed().empty());
  EXPECT_TRUE(verdict.allowed_here().all());
}

TEST_F(PolicyVerdictTest, OutsideIsNoPodAndMatchesBlocksOnly) {
  cluster_.Add(PolicyBuilder("shop", "db-in")
                   .Selects({{"app", "db"}})
                   .Ingress({NamespacePeer(MatchLabels()),
                             BlockPeer("192.0.2.0/24", {"192.0.2.128/25"})}));
  const PathVerdict verdict = Judge(kOutside, kDb, 80);
  EXPECT_EQ(verdict.egress.cause, SideCause::kNotAPod);
  EXPECT_FALSE(verdict.egress.pod);
  EXPECT_EQ(verdict.ingress.policies[0].rules[0].peer,
            "ipBlock 192.0.2.0/24 except 192.0.2.128/25");
  EXPECT_TRUE(Judge("192.0.2.200", kDb, 80).allowed().empty());
}

TEST_F(PolicyVerdictTest, PodReachesItselfAndTheNodeReachesItsPods) {
  cluster_.Add(PolicyBuilder("shop", "deny").Types({"Ingress", "Egress"}));
  const PathVerdict itself = Judge(kDb, kDb, 80);
  EXPECT_EQ(itself.egress.cause, SideCause::kItself);
  EXPECT_EQ(itself.ingress.cause, SideCause::kItself);
  EXPECT_EQ(Judge(kNode, kDb, 80).ingress.cause, SideCause::kOwnNode);
  // Not so another node's pod, nor the way back.
  EXPECT_EQ(Judge(kNode, kFar, 80).ingress.cause, SideCause::kNoRuleMatches);
  EXPECT_EQ(Judge(kDb, kNode, 80).egress.cause, SideCause::kNoRuleMatches);
}

TEST_F(PolicyVerdictTest, ServiceAddressesOfThisNodeAreNotJudged) {
  cluster_.Add(PolicyBuilder("shop", "deny").Types({"Egress"}));
  EXPECT_EQ(Judge(kDb, kNode, 30000).egress.cause, SideCause::kServiceAddress);
  EXPECT_EQ(Judge(kDb, kNode, 32768).egress.cause, SideCause::kNoRuleMatches);
  EXPECT_EQ(Judge(kDb, kNode, 0).egress.allowed.ToString(), "30000-32767");
  // Elsewhere a port of that range is a port as any other.
  EXPECT_EQ(Judge(kDb, kOutside, 30000).egress.cause,
            SideCause::kNoRuleMatches);

  LayoutOptions layout = cluster_.layout();
  layout.cluster_ip_ranges = {*IpPrefix::Parse("10.96.0.0/12")};
  PathQuestion question = Ask(kDb, "10.96.0.10", 53);
  EXPECT_EQ(JudgePath(cluster_.state(), layout, question).egress.cause,
            SideCause::kNoRuleMatches);
  question.destination_is_node = true;
  EXPECT_EQ(JudgePath(cluster_.state(), layout, question).egress.cause,
            SideCause::kServiceAddress);
}

TEST_F(PolicyVerdictTest, EchoRequestsPassUnlessIcmpIsForPolicies) {
  cluster_.Add(PolicyBuilder("shop", "deny").Types({"Ingress"}));
  PathQuestion question = Ask(kWeb, kDb, 0);
  question.protocol = IPPROTO_ICMP;
  EXPECT_EQ(Judge(question).ingress.cause, SideCause::kIcmpPasses);
  LayoutOptions layout = cluster_.layout();
  layout.icmp = IcmpMode::kPolicy;
  EXPECT_EQ(JudgePath(cluster_.state(), layout, question).ingress.cause,
            SideCause::kNoRuleMatches);
  cluster_.Add(PolicyBuilder("shop", "tcp").Ingress({}, {ProtocolPort("TCP")}));
  EXPECT_TRUE(JudgePath(cluster_.state(), layout, question).allowed().empty());
  cluster_.Add(PolicyBuilder("shop", "all").Ingress());
  EXPECT_TRUE(JudgePath(cluster_.state(), layout, question).allowed().all());
}

TEST_F(PolicyVerdictTest, FamilyThatIsNotEnforcedIsOpen) {
  cluster_.Add(PolicyBuilder("shop", "deny"));
  LayoutOptions layout = cluster_.layout();
  layout.families = {Family::kIPv6};
  EXPECT_EQ(
      JudgePath(cluster_.state(), layout, Ask(kWeb, kDb, 80)).ingress.cause,
      SideCause::kFamilyNotEnforced);
}

TEST_F(PolicyVerdictTest, NamedPortIsTheDestinationsOwn) {
  cluster_.Add(PolicyBuilder("shop", "db-in")
                   .Selects(MatchLabels())
                   .Ingress({}, {NamePort("TCP", "sql")}));
  EXPECT_EQ(Judge(kFar, kDb, 0).ingress.allowed.ToString(), "5432");
  EXPECT_EQ(Judge(kFar, kDb, 5432).ingress.policies[0].rules[0].port,
            "TCP port \"sql\"");
  EXPECT_TRUE(Judge(kFar, kWeb, 0).ingress.allowed.empty());
}

TEST_F(PolicyVerdictTest, PeerAndNamedPortMustBeOfOneOwnerOfTheAddress) {
  cluster_.Add(PodBuilder("shop", "old")
                   .On("node-b")
                   .Ip(kFar)
                   .Label("app", "old")
                   .Port("api", 9000));
  cluster_.Add(PolicyBuilder("shop", "web-out")
                   .Selects({{"app", "web"}})
                   .Types({"Egress"})
                   .Egress({PodPeer(MatchLabels({{"app", "far"}}))},
                           {NamePort("TCP", "api")}));
  EXPECT_TRUE(Judge(kWeb, kFar, 9000).egress.allowed.empty());
  cluster_.Add(PolicyBuilder("shop", "web-out")
                   .Selects({{"app", "web"}})
                   .Types({"Egress"})
                   .Egress({PodPeer(MatchLabels({{"app", "old"}}))},
                           {NamePort("TCP", "api")}));
  EXPECT_EQ(Judge(kWeb, kFar, 9000).egress.allowed.ToString(), "9000");
}

TEST_F(PolicyVerdictTest, NodesOwnAddressIsNoPodsThoughOneClaimsIt) {
  cluster_.Add(PodBuilder("shop", "claims").On("node-a").Ip(kNode));
  cluster_.Add(PolicyBuilder("shop", "deny").Types({"Ingress", "Egress"}));
  EXPECT_EQ(Judge(kNode, kDb, 80).egress.cause, SideCause::kNotAPod);
  EXPECT_EQ(Judge(kDb, kNode, 80).ingress.cause, SideCause::kNotAPod);
}

TEST_F(PolicyVerdictTest, SharedAddressIsToldOf) {
  cluster_.Add(PodBuilder("shop", "new")
                   .On("node-a")
                   .Ip(kDb)
                   .Created(100)
                   .Label("app", "new"));
  IsolateDb();
  const PathVerdict verdict = Judge(kFar, kDb, 80);
  EXPECT_EQ(verdict.ingress.pod, (ObjectKey{"shop", "new"}));
  EXPECT_EQ(verdict.ingress.cause, SideCause::kNotIsolated);
  EXPECT_THAT(verdict.ingress.notes,
              ElementsAre("10.0.0.2 is also the address of shop/db; the "
                          "policies of shop/new apply"));
}

}  // namespace
}  // namespace netpol
