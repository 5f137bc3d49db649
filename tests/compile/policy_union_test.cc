#include "netpol/compile/policy_union.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/compile/layout.h"
#include "netpol/policy/parse.h"
#include "netpol/testing/builders.h"
#include "tests/compile/compiled_node.h"
#include "tests/compile/ruleset_model.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr Family kV4 = Family::kIPv4;
constexpr Direction kIn = Direction::kIngress;

PolicyBuilder Allow(absl::string_view name) {
  return PolicyBuilder("red", name).Types({"Ingress"});
}

k8s::NetworkPolicyPeer App(absl::string_view app) {
  return PodPeer(MatchLabels({{"app", std::string(app)}}));
}

std::vector<SourcedRule> UnionOf(const std::vector<PolicyBuilder>& builders,
                                 Direction direction = kIn) {
  std::vector<NetworkPolicy> policies;
  for (const PolicyBuilder& builder : builders)
    policies.push_back(*ParseNetworkPolicy(builder.Build()));
  std::vector<const NetworkPolicy*> pointers;
  for (const NetworkPolicy& policy : policies) pointers.push_back(&policy);
  return UnionOfRules(pointers, direction);
}

TEST(PolicyUnionTest, RulesOfTheSamePortsAreOneWithThePeersOfAll) {
  const auto rules =
      UnionOf({Allow("a").Ingress({App("x")}, {NumberPort("TCP", 80)}),
               Allow("b").Ingress({App("y"), BlockPeer("10.0.0.0/8")},
                                  {NumberPort("TCP", 80)}),
               Allow("c").Ingress({App("z")}, {NumberPort("TCP", 81)})});
  ASSERT_THAT(rules, SizeIs(2));
  EXPECT_EQ(rules[0].source, "red/a,b");
  EXPECT_THAT(rules[0].rule.pods, SizeIs(2));
  EXPECT_THAT(rules[0].rule.blocks, SizeIs(1));
  EXPECT_EQ(rules[1].source, "red/c");
  EXPECT_THAT(rules[1].rule.pods, SizeIs(1));
}

TEST(PolicyUnionTest, TheOrderOfPortsDoesNotMatter) {
  EXPECT_THAT(
      UnionOf({Allow("a").Ingress(
                   {App("x")}, {NumberPort("TCP", 80), NumberPort("UDP", 53)}),
               Allow("b").Ingress({App("y")}, {NumberPort("UDP", 53),
                                               NumberPort("TCP", 80)})}),
      SizeIs(1));
}

TEST(PolicyUnionTest, OtherPortsAreAnotherRule) {
  EXPECT_THAT(
      UnionOf({Allow("a").Ingress({App("x")}, {NumberPort("TCP", 80)}),
               Allow("b").Ingress({App("x")}, {NumberPort("UDP", 80)}),
               Allow("c").Ingress({App("x")}, {NamePort("TCP", "http")}),
               Allow("d").Ingress({App("x")}, {})}),
      SizeIs(4));
}

TEST(PolicyUnionTest, APortThatCannotBeReadDoesNotBecomeEveryPort) {
  const auto rules =
      UnionOf({Allow("a").Ingress({App("x")}, {NumberPort("ODD", 80)}),
               Allow("b").Ingress({App("y")}, {})});
  ASSERT_THAT(rules, SizeIs(2));
  for (const SourcedRule& rule : rules) {
    EXPECT_EQ(rule.rule.any_port, rule.source == "red/b");
    EXPECT_THAT(rule.rule.pods, SizeIs(1));
  }
}

TEST(PolicyUnionTest, AnybodyStaysAnybody) {
  const auto rules =
      UnionOf({Allow("a").Ingress({App("x")}, {NumberPort("TCP", 80)}),
               Allow("b").Ingress({}, {NumberPort("TCP", 80)})});
  ASSERT_THAT(rules, SizeIs(1));
  EXPECT_TRUE(rules[0].rule.any_peer);
}

TEST(PolicyUnionTest, TheOtherDirectionDoesNotCount) {
  const PolicyBuilder both = PolicyBuilder("red", "a")
                                 .Types({"Ingress", "Egress"})
                                 .Ingress({App("x")})
                                 .Egress({App("y")})
                                 .Egress({App("z")}, {NumberPort("TCP", 80)});
  EXPECT_THAT(UnionOf({both}, kIn), SizeIs(1));
  EXPECT_THAT(UnionOf({both}, Direction::kEgress), SizeIs(2));
}

// ---- as a chain

class UnitedGroupTest : public testing::Test {
 protected:
  UnitedGroupTest() {
    node_.Add(PodBuilder("red", "p").On(kNode).Ip("10.42.0.5"));
    for (int i = 0; i < 5; ++i) node_.Add(Policy(i));
    node_.Compile();
  }

  // Allows app-i.
  static PolicyBuilder Policy(int i, int port = 80) {
    return Allow(Name(i)).Ingress({App(absl::StrCat("app-", i))},
                                  {NumberPort("TCP", port)});
  }
  static std::string Name(int i) { return absl::StrCat("policy-", i); }
  static std::vector<ObjectKey> Keys(int count) {
    std::vector<ObjectKey> keys;
    for (int i = 0; i < count; ++i) keys.push_back({"red", Name(i)});
    return keys;
  }
  std::vector<std::string> Group(int count) const {
    return node_.model().Rules(kV4, GroupChain(Keys(count), kIn, kV4));
  }
  bool HasChainOf(int i) const {
    return node_.model().chains(kV4).count(
               PolicyChain({"red", Name(i)}, kIn, kV4)) > 0;
  }

  CompiledNode node_;
};

TEST_F(UnitedGroupTest, ManyPoliciesHaveOneChainWithOneRuleForEachPort) {
  EXPECT_THAT(Group(5),
              ElementsAre(AllOf(HasSubstr("--dport 80"), HasSubstr("-g "),
                                HasSubstr("red/policy-0,policy-1"))));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(HasChainOf(i)) << i;
  EXPECT_EQ(node_.model().Flaws(), "");
}

TEST_F(UnitedGroupTest, ChainsAreToldOnceInARoundHoweverManyPoliciesChanged) {
  for (int count : {3, 5}) {
    CompiledNode node;
    node.Add(PodBuilder("red", "p").On(kNode).Ip("10.42.0.5"));
    for (int i = 0; i < count; ++i) node.Add(Policy(i));
    const auto told = [&] {
      RulesetChange change = node.Compile();
      std::vector<std::string> names;
      for (const Chain& chain : change.table(kV4).chains)
        names.push_back(chain.name.value());
      std::sort(names.begin(), names.end());
      return names;
    };
    std::vector<std::string> names = told();
    EXPECT_EQ(std::unique(names.begin(), names.end()), names.end()) << count;
    for (int i = 0; i < count; ++i) node.Add(Policy(i, 81));
    names = told();
    EXPECT_EQ(names.size(), count == 5 ? 1u : 3u);
    EXPECT_EQ(std::unique(names.begin(), names.end()), names.end()) << count;
  }
}

TEST_F(UnitedGroupTest, AChangeOfOnePolicyChangesTheChain) {
  node_.Add(Policy(3, 81));
  node_.Compile();
  EXPECT_THAT(Group(5),
              ElementsAre(AllOf(HasSubstr("--dport 80"), Not(HasSubstr("y-3"))),
                          HasSubstr("--dport 81")));
  EXPECT_EQ(node_.model().Flaws(), "");
}

TEST_F(UnitedGroupTest, FewPoliciesHaveChainsOfTheirOwn) {
  node_.Remove(Policy(4));
  node_.Compile();
  EXPECT_THAT(Group(5), IsEmpty());
  EXPECT_THAT(Group(4), SizeIs(4));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(HasChainOf(i)) << i;
  EXPECT_EQ(node_.model().Flaws(), "");
  node_.Add(Policy(4));
  node_.Compile();
  EXPECT_THAT(Group(4), IsEmpty());
  EXPECT_THAT(Group(5), SizeIs(1));
  EXPECT_FALSE(HasChainOf(0));
  EXPECT_EQ(node_.model().Flaws(), "");
}

TEST_F(UnitedGroupTest, NothingStaysWhenThePodGoes) {
  node_.Remove(PodBuilder("red", "p").On(kNode).Ip("10.42.0.5"));
  node_.Compile();
  EXPECT_THAT(Group(5), IsEmpty());
  EXPECT_EQ(node_.model().sets().size(), 2u) << "the local pods' sets";
  EXPECT_EQ(node_.model().Flaws(), "");
}

}  // namespace
}  // namespace netpol
