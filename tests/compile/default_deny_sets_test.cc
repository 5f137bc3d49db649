// The sets of the default deny, as they follow the node's object.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/compile/layout.h"
#include "netpol/testing/builders.h"
#include "tests/compile/compiled_node.h"
#include "tests/compile/ruleset_model.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Family kV4 = Family::kIPv4;
constexpr Family kV6 = Family::kIPv6;

LayoutOptions DefaultDeny() {
  LayoutOptions options = DualStack();
  options.default_deny = true;
  return options;
}

TEST(CompilerDefaultDenyTest, TheSetsHoldThePodCidrsOfThisNodesObject) {
  CompiledNode node(DefaultDeny());
  node.Compile();
  for (Family family : kFamilies) {
    ASSERT_EQ(node.model().sets().count(PodCidrsSet(family)), 1u);
    EXPECT_EQ(node.model().sets().at(PodCidrsSet(family)).effect,
              SetEffect::kRefuses);
    EXPECT_EQ(node.model().sets().at(PodCidrsSet(family)).type,
              SetType::kHashNet);
    EXPECT_THAT(node.model().Members(PodCidrsSet(family)), IsEmpty());
  }
  node.Add(NodeBuilder("node-b").PodCidr("10.42.9.0/24"));
  node.Add(NodeBuilder(kNode)
               .PodCidr("10.42.0.0/24")
               .PodCidr("fd00:42::/64")
               .PodCidr("10.42.0.128/25"));
  node.Compile();
  EXPECT_THAT(node.model().Members(PodCidrsSet(kV4)),
              ElementsAre("10.42.0.0/24"));
  EXPECT_THAT(node.model().Members(PodCidrsSet(kV6)),
              ElementsAre("fd00:42::/64"));
  EXPECT_EQ(node.model().Flaws(), "");
}

TEST(CompilerDefaultDenyTest, AChangeOfTheCidrsIsTheChangedMembersAlone) {
  CompiledNode node(DefaultDeny());
  node.Add(NodeBuilder(kNode).PodCidr("10.42.0.0/24").PodCidr("10.44.0.0/24"));
  node.Compile();
  node.Add(NodeBuilder(kNode).PodCidr("10.44.0.0/24").PodCidr("10.45.0.0/24"));
  const RulesetChange change = node.Compile();
  EXPECT_THAT(change.members, SizeIs(2));
  EXPECT_THAT(change.sets, IsEmpty());
  EXPECT_THAT(change.tables[0].chains, IsEmpty());
  EXPECT_THAT(node.model().Members(PodCidrsSet(kV4)),
              ElementsAre("10.44.0.0/24", "10.45.0.0/24"));
  node.Remove(NodeBuilder(kNode));
  node.Compile();
  EXPECT_THAT(node.model().Members(PodCidrsSet(kV4)), IsEmpty());
}

TEST(CompilerDefaultDenyTest, TheWholeFamilyFitsIntoASet) {
  CompiledNode node(DefaultDeny());
  node.Add(NodeBuilder(kNode).PodCidr("0.0.0.0/0").PodCidr("::/0"));
  node.Compile();
  EXPECT_THAT(node.model().Members(PodCidrsSet(kV4)),
              ElementsAre("0.0.0.0/1", "128.0.0.0/1"));
  EXPECT_THAT(node.model().Members(PodCidrsSet(kV6)),
              ElementsAre("::/1", "8000::/1"));
}

TEST(CompilerDefaultDenyTest, WithoutItANodeObjectChangesNothing) {
  CompiledNode node;
  node.Compile();
  const std::string before = node.model().ToString();
  node.Add(NodeBuilder(kNode).PodCidr("10.42.0.0/24").Address("10.0.0.1"));
  node.Compile();
  EXPECT_EQ(node.model().ToString(), before);
}

}  // namespace
}  // namespace netpol
