#include "netpol/compile/compiler.h"

#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/compile/layout.h"
#include "netpol/testing/builders.h"
#include "tests/compile/compiled_node.h"
#include "tests/compile/ruleset_model.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr Family kV4 = Family::kIPv4;
constexpr Family kV6 = Family::kIPv6;
constexpr Direction kIn = Direction::kIngress;
constexpr Direction kOut = Direction::kEgress;

PodBuilder LocalPod(absl::string_view name, int number) {
  return PodBuilder("red", name)
      .On(kNode)
      .Ip(absl::StrCat("10.42.0.", number))
      .Ip(absl::StrCat("fd00:42::", number))
      .Label("app", name);
}

PolicyBuilder DenyIngress(absl::string_view name) {
  return PolicyBuilder("red", name).Types({"Ingress"});
}

k8s::NetworkPolicyPeer App(absl::string_view app) {
  return PodPeer(MatchLabels({{"app", std::string(app)}}));
}

class CompilerTest : public testing::Test {
 protected:
  bool HasChain(Family family, const ChainName& name) const {
    return node_.model().chains(family).count(name) > 0;
  }
  std::vector<std::string> Rules(Family family, const ChainName& name) const {
    return node_.model().Rules(family, name);
  }
  // Sets but those of the local pods.
  std::vector<SetName> PeerSets() const {
    std::vector<SetName> names;
    for (const auto& [name, set] : node_.model().sets()) {
      if (name != LocalPodsSet(kV4) && name != LocalPodsSet(kV6))
        names.push_back(name);
    }
    return names;
  }
  static std::string Empty() {
    CompiledNode node;
    node.Compile();
    return node.model().ToString();
  }

  CompiledNode node_;
};

// ---- What exists.

TEST_F(CompilerTest, EmptyClusterHasTheFixedChainsAndTheRoots) {
  node_.Compile();
  for (Family family : kFamilies) {
    EXPECT_THAT(node_.model().chains(family), SizeIs(10));
    for (Direction direction : kDirections)
      EXPECT_TRUE(HasChain(family, RootChain(direction)));
    EXPECT_EQ(node_.model().sets().at(LocalPodsSet(family)).effect,
              SetEffect::kJudges);
  }
  EXPECT_THAT(PeerSets(), IsEmpty());
  EXPECT_EQ(node_.model().Flaws(), "");
}

TEST_F(CompilerTest, PodThatNoPolicySelectsHasNoChain) {
  node_.Add(DenyIngress("p").Selects(LabelList{{"app", "db"}}));
  node_.Add(LocalPod("web", 5));
  node_.Compile();
  EXPECT_FALSE(HasChain(kV4, PodChain({"red", "web"}, kIn, kV4)));
  EXPECT_FALSE(HasChain(kV4, PolicyChain({"red", "p"}, kIn, kV4)));
  EXPECT_THAT(node_.model().chains(kV4), SizeIs(10));
  // Its packets are looked at all the same: the common rules hold for it.
  EXPECT_THAT(node_.model().Members(LocalPodsSet(kV4)),
              ElementsAre("10.42.0.5"));
  EXPECT_THAT(node_.model().Members(LocalPodsSet(kV6)),
              ElementsAre("fd00:42::5"));
}

TEST_F(CompilerTest, RemotePodHasNoChainAndNoPolicyIsWrittenForIt) {
  node_.Add(DenyIngress("p").Ingress({App("db")}));
  node_.Add(LocalPod("web", 5).On("node-b"));
  node_.Compile();
  EXPECT_EQ(node_.model().ToString(), Empty());
}

TEST_F(CompilerTest, PolicyWithoutRulesIsolates) {
  node_.Add(DenyIngress("p"));
  node_.Add(LocalPod("web", 5));
  node_.Compile();
  for (Family family : kFamilies) {
    EXPECT_TRUE(HasChain(family, PodChain({"red", "web"}, kIn, family)));
    EXPECT_TRUE(HasChain(family, PolicyChain({"red", "p"}, kIn, family)));
    EXPECT_THAT(Rules(family, PolicyChain({"red", "p"}, kIn, family)),
                IsEmpty());
  }
  EXPECT_EQ(node_.model().Flaws(), "");
}

TEST_F(CompilerTest, DirectionThatNoPolicyIsolatesCostsNothing) {
  node_.Add(DenyIngress("p"));
  node_.Add(LocalPod("web", 5));
  node_.Compile();
  EXPECT_FALSE(HasChain(kV4, PodChain({"red", "web"}, kOut, kV4)));
  EXPECT_FALSE(HasChain(kV4, PolicyChain({"red", "p"}, kOut, kV4)));
  EXPECT_EQ(Rules(kV4, RootChain(kOut)).size(), RootChainHead({}).size());
}

TEST_F(CompilerTest, DisabledFamilyCostsNothing) {
  LayoutOptions options;
  options.families = {kV6};
  CompiledNode node(options);
  node.Add(DenyIngress("p").Ingress({App("db"), BlockPeer("10.0.0.0/8")}));
  node.Add(LocalPod("web", 5));
  node.Compile();
  EXPECT_THAT(node.model().chains(kV4), IsEmpty());
  EXPECT_EQ(node.model().sets().count(LocalPodsSet(kV4)), 0u);
  EXPECT_EQ(node.model().chains(kV6).count(PodChain({"red", "web"}, kIn, kV6)),
            1u);
  EXPECT_EQ(node.model().Flaws(), "");
}

TEST_F(CompilerTest, IngressAndEgressShareNoChainButTheCommonOnes) {
  node_.Add(PolicyBuilder("red", "both")
                .Types({"Ingress", "Egress"})
                .Ingress({App("web")})
                .Egress({App("web")}));
  node_.Add(PolicyBuilder("red", "more").Types({"Ingress", "Egress"}));
  for (int i = 0; i < 20; ++i) node_.Add(LocalPod(absl::StrCat("p", i), 5 + i));
  node_.Compile();
  for (Family family : kFamilies) {
    const std::set<ChainName> in =
        node_.model().Reachable(family, RootChain(kIn));
    std::vector<ChainName> shared;
    for (const ChainName& name :
         node_.model().Reachable(family, RootChain(kOut))) {
      if (in.count(name) > 0) shared.push_back(name);
    }
    EXPECT_THAT(shared, UnorderedElementsAre(CommonChain(), AllowChain()));
  }
}

TEST_F(CompilerTest, NothingIsLeftAfterEverythingIsDeleted) {
  node_.Add(PolicyBuilder("red", "a")
                .Types({"Ingress", "Egress"})
                .Ingress({App("db"), BlockPeer("10.0.0.0/8")},
                         {NamePort("TCP", "http"), NumberPort("TCP", 80)})
                .Egress({App("db")}, {NamePort("UDP", "dns")}));
  node_.Add(DenyIngress("b"));
  for (int i = 0; i < 12; ++i) node_.Add(LocalPod(absl::StrCat("p", i), 5 + i));
  node_.Compile();
  EXPECT_THAT(PeerSets(), testing::Not(IsEmpty()));
  node_.Remove(PolicyBuilder("red", "a"));
  node_.Remove(DenyIngress("b"));
  for (int i = 0; i < 12; ++i) node_.Remove(LocalPod(absl::StrCat("p", i), 0));
  node_.Compile();
  EXPECT_EQ(node_.model().ToString(), Empty());
}

// ---- Pod chains.

TEST_F(CompilerTest, PodChainRefusesWhatNothingAllowed) {
  node_.Add(DenyIngress("p"));
  node_.Add(LocalPod("web", 5));
  node_.Compile();
  const std::vector<std::string> rules =
      Rules(kV4, PodChain({"red", "web"}, kIn, kV4));
  ASSERT_THAT(rules, SizeIs(5));
  EXPECT_EQ(rules[0], "-m comment --comment \"red/p policy\" -j " +
                          PolicyChain({"red", "p"}, kIn, kV4).value());
  EXPECT_EQ(rules[1], "-m mark --mark 0x10000/0x10000 -j RETURN");
  EXPECT_THAT(rules[2], HasSubstr("-s 10.42.0.5/32"));
  EXPECT_THAT(rules[2], HasSubstr("-j RETURN"));
  EXPECT_THAT(rules[3], HasSubstr("\"red/web log-drop\""));
  EXPECT_THAT(rules[3], HasSubstr("-j NFLOG"));
  EXPECT_THAT(rules[3], HasSubstr("--nflog-group 100"));
  EXPECT_EQ(rules[4],
            "-m comment --comment \"red/web reject\" -j REJECT --reject-with "
            "icmp-port-unreachable");
}

TEST_F(CompilerTest, EgressOfAPodToItsOwnNodeIsJudged) {
  node_.Add(PolicyBuilder("red", "p").Types({"Egress"}));
  node_.Add(LocalPod("web", 5));
  node_.Compile();
  const std::vector<std::string> rules =
      Rules(kV6, PodChain({"red", "web"}, kOut, kV6));
  EXPECT_THAT(rules, testing::Each(testing::Not(HasSubstr("--dst-type"))));
  EXPECT_THAT(rules, testing::Contains(HasSubstr("-d fd00:42::5/128")));
  ASSERT_THAT(rules, testing::Not(IsEmpty()));
  EXPECT_THAT(rules.back(), HasSubstr("icmp6-port-unreachable"));
}

TEST_F(CompilerTest, WhatTheNodeSendsIsNoEgressOfAPodThatClaimsItsAddress) {
  node_.Add(PolicyBuilder("red", "p").Types({"Egress"}));
  node_.Add(LocalPod("web", 5));
  node_.Compile();
  const std::vector<std::string> rules =
      Rules(kV4, PodChain({"red", "web"}, kOut, kV4));
  ASSERT_THAT(rules, SizeIs(6));
  EXPECT_EQ(rules[3],
            "-m addrtype --src-type LOCAL -m comment --comment \"from local "
            "node\" -j RETURN");
}

TEST_F(CompilerTest, PodsOfTheSamePoliciesShareTheWayThroughThem) {
  node_.Add(DenyIngress("a").Ingress({App("x")}));
  node_.Add(DenyIngress("b").Ingress({App("y")}));
  node_.Add(LocalPod("p", 5));
  node_.Add(LocalPod("q", 6));
  node_.Compile();
  const ChainName group = GroupChain({{"red", "a"}, {"red", "b"}}, kIn, kV4);
  for (const char* pod : {"p", "q"}) {
    EXPECT_THAT(Rules(kV4, PodChain({"red", pod}, kIn, kV4))[0],
                testing::EndsWith("-j " + group.value()));
  }
  EXPECT_THAT(Rules(kV4, group),
              ElementsAre("-m comment --comment \"red/a policy\" -j " +
                              PolicyChain({"red", "a"}, kIn, kV4).value(),
                          "-m comment --comment \"red/b policy\" -j " +
                              PolicyChain({"red", "b"}, kIn, kV4).value()));
}

TEST_F(CompilerTest, YoungerPodOfASharedAddressIsTheSubject) {
  node_.Add(DenyIngress("p"));
  node_.Add(LocalPod("old", 5).Created(100));
  node_.Add(LocalPod("young", 5).Created(200));
  node_.Compile();
  EXPECT_TRUE(HasChain(kV4, PodChain({"red", "young"}, kIn, kV4)));
  EXPECT_FALSE(HasChain(kV4, PodChain({"red", "old"}, kIn, kV4)));
  node_.Remove(LocalPod("young", 5));
  node_.Compile();
  EXPECT_FALSE(HasChain(kV4, PodChain({"red", "young"}, kIn, kV4)));
  EXPECT_TRUE(HasChain(kV4, PodChain({"red", "old"}, kIn, kV4)));
  EXPECT_EQ(node_.model().Flaws(), "");
}

TEST_F(CompilerTest, PodThatMovesAwayLeavesNothing) {
  node_.Add(DenyIngress("p"));
  node_.Add(LocalPod("web", 5));
  node_.Compile();
  node_.Add(LocalPod("web", 5).On("node-b"));
  node_.Compile();
  EXPECT_EQ(node_.model().ToString(), Empty());
}

// ---- Sets.

TEST_F(CompilerTest, EqualPeersShareOneSet) {
  k8s::LabelSelector in_order = MatchExpression("app", "In", {"x", "y"});
  k8s::LabelSelector reversed = MatchExpression("app", "In", {"y", "x", "y"});
  node_.Add(PolicyBuilder("red", "a")
                .Types({"Ingress", "Egress"})
                .Ingress({PodPeer(in_order)}, {NumberPort("TCP", 80)})
                .Ingress({PodPeer(reversed)}, {NumberPort("UDP", 53)})
                .Egress({PodPeer(in_order)}));
  node_.Add(DenyIngress("b").Ingress({PodPeer(reversed)}));
  node_.Add(LocalPod("web", 5));
  node_.Add(LocalPod("x", 6).On("node-b"));
  node_.Compile();
  ASSERT_THAT(PeerSets(), SizeIs(2)) << "one for each family";
  EXPECT_THAT(node_.model().Members(PeerSets()[0]), ElementsAre("10.42.0.6"));
  EXPECT_THAT(node_.model().Members(PeerSets()[1]), ElementsAre("fd00:42::6"));
  // It stays as long as one policy uses it.
  node_.Remove(PolicyBuilder("red", "a"));
  node_.Compile();
  EXPECT_THAT(PeerSets(), SizeIs(2));
  node_.Remove(DenyIngress("b"));
  node_.Compile();
  EXPECT_THAT(PeerSets(), IsEmpty());
}

TEST_F(CompilerTest, EqualBlocksShareOneSetHoweverTheyAreWritten) {
  node_.Add(DenyIngress("a").Ingress({BlockPeer("10.0.0.0/8")}));
  node_.Add(DenyIngress("b").Ingress(
      {BlockPeer("10.0.0.0/9"), BlockPeer("10.128.0.0/9")}));
  node_.Add(LocalPod("web", 5));
  node_.Compile();
  ASSERT_THAT(PeerSets(), SizeIs(1));
  EXPECT_EQ(node_.model().sets().at(PeerSets()[0]).type, SetType::kHashNet);
  EXPECT_THAT(node_.model().Members(PeerSets()[0]), ElementsAre("10.0.0.0/8"));
}

TEST_F(CompilerTest, WholeAddressSpaceIsTwoHalves) {
  node_.Add(
      DenyIngress("a").Ingress({BlockPeer("0.0.0.0/0"), BlockPeer("::/0")}));
  node_.Add(LocalPod("web", 5));
  node_.Compile();
  ASSERT_THAT(PeerSets(), SizeIs(2));
  EXPECT_THAT(node_.model().Members(PeerSets()[0]),
              ElementsAre("0.0.0.0/1", "128.0.0.0/1"));
  EXPECT_THAT(node_.model().Members(PeerSets()[1]),
              ElementsAre("::/1", "8000::/1"));
}

// ---- What a change costs.

TEST_F(CompilerTest, SecondTimeThereIsNothingToTell) {
  node_.Add(DenyIngress("p").Ingress({App("db")}));
  node_.Add(LocalPod("web", 5));
  node_.Compile();
  EXPECT_EQ(Describe(node_.Compile()), "");
}

TEST_F(CompilerTest, RemotePeerTouchesMembersOnly) {
  node_.Add(DenyIngress("p").Ingress({App("db")}));
  node_.Add(LocalPod("web", 5));
  node_.Compile();
  node_.Add(LocalPod("db", 9).On("node-b"));
  const RulesetChange change = node_.Compile();
  EXPECT_THAT(change.sets, IsEmpty());
  for (const RulesetChange::Table& table : change.tables) {
    EXPECT_THAT(table.chains, IsEmpty());
    EXPECT_THAT(table.gone_chains, IsEmpty());
  }
  EXPECT_THAT(change.members, SizeIs(2));
}

TEST_F(CompilerTest, NewRulesOfAPolicyTouchItsChainOnly) {
  node_.Add(DenyIngress("p").Ingress({}, {NumberPort("TCP", 80)}));
  node_.Add(LocalPod("web", 5));
  node_.Compile();
  node_.Add(DenyIngress("p").Ingress({}, {NumberPort("TCP", 81)}));
  for (const RulesetChange::Table& table : node_.Compile().tables) {
    ASSERT_THAT(table.chains, SizeIs(1));
    EXPECT_THAT(table.gone_chains, IsEmpty());
  }
  EXPECT_THAT(Rules(kV4, PolicyChain({"red", "p"}, kIn, kV4)),
              ElementsAre(HasSubstr("--dport 81")));
}

TEST_F(CompilerTest, PolicyThatIsDeletedAndMadeAnewInOneBatchIsTheNewOne) {
  node_.Add(DenyIngress("p").Ingress({App("x")}));
  node_.Add(LocalPod("web", 5));
  node_.Compile();
  node_.Remove(DenyIngress("p"));
  node_.Add(DenyIngress("p").Ingress({BlockPeer("192.0.2.0/24")}));
  node_.Compile();
  EXPECT_EQ(node_.model().Flaws(), "");
  EXPECT_THAT(PeerSets(), SizeIs(1));
  EXPECT_THAT(node_.model().Members(PeerSets()[0]),
              ElementsAre("192.0.2.0/24"));
}

}  // namespace
}  // namespace netpol
