#include "netpol/daemon/ownership.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/compile/layout.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

RuleOwner Layout() { return {}; }
RuleOwner PodNamed(const std::string& name) {
  return {RuleOwner::Kind::kPod, name};
}
RuleOwner PolicyNamed(const std::string& name) {
  return {RuleOwner::Kind::kPolicy, name};
}

Rule MakeRule(const std::string& comment, Action action = ReturnAction{},
              std::vector<Match> matches = {}) {
  Rule rule;
  rule.comment = comment;
  rule.action = std::move(action);
  rule.matches = std::move(matches);
  return rule;
}

const ChainName kPodChain("KUBE-POD-FW-POD");
const ChainName kOtherPodChain("KUBE-POD-FW-OTHER");
const ChainName kDispatch("KUBE-POD-FW-DISPATCH");
const ChainName kGroup("KUBE-NWPLCY-GROUP");
const ChainName kAllow("KUBE-NWPLCY-ALLOW");
const ChainName kDeny("KUBE-NWPLCY-DENY");
const SetName kPeers("KUBE-SRC-PEERS");
const SetName kLocalPods("kube-router-local-pods");

// Two pods behind a dispatch chain; one runs two policies, of which one is
// empty.
Snapshot TwoPods() {
  Snapshot snapshot;
  auto& chains = snapshot.table(Family::kIPv4).chains;
  chains[ChainName(kForwardChain)] = {
      MakeRule("to local pods", JumpAction{RootChain(Direction::kIngress)},
               {SetMatch{kLocalPods, Side::kDestination}})};
  chains[RootChain(Direction::kIngress)] = {
      MakeRule("common netpol rules", JumpAction{CommonChain()}),
      MakeRule("", GotoAction{kDispatch})};
  chains[kDispatch] = {MakeRule("web/front in", GotoAction{kPodChain}),
                       MakeRule("web/back in", GotoAction{kOtherPodChain})};
  chains[kPodChain] = {MakeRule("web/front policies", JumpAction{kGroup}),
                       MakeRule(""), MakeRule("from local node"),
                       MakeRule("web/front reject", RejectAction{})};
  chains[kOtherPodChain] = {MakeRule("web/deny policy", JumpAction{kDeny}),
                            MakeRule("web/back reject", RejectAction{})};
  chains[kGroup] = {MakeRule("web/allow policy", JumpAction{kAllow}),
                    MakeRule("web/deny policy", JumpAction{kDeny})};
  chains[kAllow] = {MakeRule("web/allow ingress pods", GotoAction{AllowChain()},
                             {SetMatch{kPeers, Side::kSource}})};
  chains[kDeny] = {};
  chains[CommonChain()] = {};
  snapshot.sets[kPeers].spec.name = kPeers;
  snapshot.sets[kLocalPods].spec.name = kLocalPods;
  return snapshot;
}

TEST(OwnersInCommentTest, TagsTellPodsFromPolicies) {
  for (const std::string tag :
       {"in", "out", "itself", "policies", "log-drop", "reject"}) {
    EXPECT_THAT(OwnersInComment("web/front " + tag),
                ElementsAre(PodNamed("web/front")));
  }
  for (const std::string tag : {"policy", "ingress pods", "ingress any",
                                "egress cidr", "egress pods np"}) {
    EXPECT_THAT(OwnersInComment("web/allow " + tag),
                ElementsAre(PolicyNamed("web/allow")));
  }
}

TEST(OwnersInCommentTest, RuleOfSeveralPoliciesBelongsToEach) {
  EXPECT_THAT(OwnersInComment("web/allow,deny,more.x ingress pods np"),
              ElementsAre(PolicyNamed("web/allow"), PolicyNamed("web/deny"),
                          PolicyNamed("web/more.x")));
  EXPECT_THAT(OwnersInComment("web/allow,de...re egress any"),
              ElementsAre(PolicyNamed("web/allow"), PolicyNamed("web/de...re")))
      << "what was cut stays cut";
}

TEST(OwnersInCommentTest, OtherCommentsNameNobody) {
  for (const std::string comment :
       {"", "web/front", "from local node", "accept netpol-ok",
        "web/front something", "a/b/c in", "/front in", "web/ in",
        "ACCEPT/REJECT decision"}) {
    EXPECT_THAT(OwnersInComment(comment), IsEmpty()) << comment;
  }
}

TEST(OwnershipTest, ChainsBelongToThoseThatTheirRulesName) {
  const Ownership ownership(TwoPods());
  EXPECT_THAT(ownership.OfChain(Family::kIPv4, kPodChain),
              ElementsAre(PodNamed("web/front")));
  EXPECT_THAT(ownership.OfChain(Family::kIPv4, kAllow),
              ElementsAre(PolicyNamed("web/allow")));
  EXPECT_THAT(ownership.OfChain(Family::kIPv4, kGroup),
              ElementsAre(PolicyNamed("web/allow"), PolicyNamed("web/deny")));
}

TEST(OwnershipTest, PodChainThatRunsOnePolicyBelongsToThePod) {
  EXPECT_THAT(Ownership(TwoPods()).OfChain(Family::kIPv4, kOtherPodChain),
              ElementsAre(PodNamed("web/back")));
}

TEST(OwnershipTest, EmptyChainBelongsToThoseThatTheJumpsToItName) {
  EXPECT_THAT(Ownership(TwoPods()).OfChain(Family::kIPv4, kDeny),
              ElementsAre(PolicyNamed("web/deny")));
}

// More policies than have chains in a row.
TEST(OwnershipTest, ChainForSeveralPoliciesBelongsToThem) {
  Snapshot snapshot = TwoPods();
  auto& chains = snapshot.table(Family::kIPv4).chains;
  chains[kGroup] = {
      MakeRule("web/allow,deny ingress pods", GotoAction{AllowChain()},
               {SetMatch{kPeers, Side::kSource}}),
      MakeRule("web/more ingress any", GotoAction{AllowChain()})};
  chains.erase(kAllow);
  const Ownership ownership(snapshot);
  EXPECT_THAT(ownership.OfChain(Family::kIPv4, kGroup),
              ElementsAre(PolicyNamed("web/allow"), PolicyNamed("web/deny"),
                          PolicyNamed("web/more")));
  EXPECT_THAT(ownership.OfRule(Family::kIPv4, kGroup, chains[kGroup][0]),
              ElementsAre(PolicyNamed("web/allow"), PolicyNamed("web/deny")));
  EXPECT_THAT(ownership.OfSet(kPeers),
              ElementsAre(PolicyNamed("web/allow"), PolicyNamed("web/deny")));
  // If none of them allows anything, the pods that ask it are all that is said.
  chains[kGroup] = {};
  EXPECT_THAT(Ownership(snapshot).OfChain(Family::kIPv4, kGroup),
              ElementsAre(PodNamed("web/front")));
}

TEST(OwnershipTest, DispatchBelongsToThePodsBehindIt) {
  const Ownership ownership(TwoPods());
  const Snapshot snapshot = TwoPods();
  EXPECT_THAT(ownership.OfChain(Family::kIPv4, kDispatch),
              ElementsAre(PodNamed("web/back"), PodNamed("web/front")));
  // The rule that leads there names nobody itself.
  const ChainName root = RootChain(Direction::kIngress);
  EXPECT_THAT(
      ownership.OfRule(Family::kIPv4, root,
                       snapshot.table(Family::kIPv4).chains.at(root).back()),
      ElementsAre(PodNamed("web/back"), PodNamed("web/front")));
}

TEST(OwnershipTest, DispatchAboveDispatchReachesThePodsToo) {
  Snapshot snapshot = TwoPods();
  const ChainName above("KUBE-POD-FW-ABOVE");
  snapshot.table(Family::kIPv4).chains[above] = {
      MakeRule("", GotoAction{kDispatch})};
  EXPECT_THAT(Ownership(snapshot).OfChain(Family::kIPv4, above),
              ElementsAre(PodNamed("web/back"), PodNamed("web/front")));
}

TEST(OwnershipTest, RuleWithoutANameBelongsToItsChain) {
  const Ownership ownership(TwoPods());
  EXPECT_THAT(
      ownership.OfRule(Family::kIPv4, kPodChain, MakeRule("from local node")),
      ElementsAre(PodNamed("web/front")));
  EXPECT_THAT(
      ownership.OfRule(Family::kIPv4, kPodChain, MakeRule("web/allow policy")),
      ElementsAre(PolicyNamed("web/allow")));
}

TEST(OwnershipTest, SetsBelongToTheRulesThatUseThem) {
  const Ownership ownership(TwoPods());
  EXPECT_THAT(ownership.OfSet(kPeers), ElementsAre(PolicyNamed("web/allow")));
  EXPECT_THAT(ownership.OfSet(kLocalPods), ElementsAre(Layout()));
  EXPECT_THAT(ownership.OfSet(SetName("KUBE-SRC-UNUSED")), IsEmpty());
}

TEST(OwnershipTest, FixedChainsBelongToTheLayout) {
  const Ownership ownership(TwoPods());
  EXPECT_THAT(ownership.OfChain(Family::kIPv4, RootChain(Direction::kIngress)),
              ElementsAre(Layout()));
  EXPECT_THAT(ownership.OfChain(Family::kIPv4, ChainName(kForwardChain)),
              ElementsAre(Layout()));
  // Every one, and the rules without a comment that lead from one to another.
  for (Family family : kFamilies) {
    Snapshot whole;
    for (const Chain& chain : FixedChains({}, family))
      whole.table(family).chains[chain.name] = chain.rules;
    const Ownership owners(whole);
    for (const auto& [name, rules] : whole.table(family).chains) {
      EXPECT_THAT(owners.OfChain(family, name), ElementsAre(Layout())) << name;
      for (const Rule& rule : rules) {
        EXPECT_THAT(owners.OfRule(family, name, rule), ElementsAre(Layout()))
            << rule;
      }
    }
  }
}

TEST(OwnershipTest, ChainThatNothingNamesIsNobodys) {
  Snapshot snapshot;
  const ChainName left("KUBE-NWPLCY-LEFTOVER");
  snapshot.table(Family::kIPv4).chains[left] = {MakeRule("")};
  EXPECT_THAT(Ownership(snapshot).OfChain(Family::kIPv4, left), IsEmpty());
}

TEST(OwnershipTest, FamiliesAreApart) {
  EXPECT_THAT(Ownership(TwoPods()).OfChain(Family::kIPv6, kPodChain),
              IsEmpty());
}

}  // namespace
}  // namespace netpol
