#include "netpol/sync/plan.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

SetSpec Spec(const char* name) {
  SetSpec spec;
  spec.name = SetName(name);
  return spec;
}
SetMember Member(const char* address) {
  return SetMember::Address(*IpAddress::Parse(address));
}
Rule Commented(const char* comment) {
  Rule rule;
  rule.comment = comment;
  return rule;
}

TEST(PlanTest, EveryPartMakesAPlanNotEmpty) {
  EXPECT_TRUE(Plan().empty());
  for (auto part :
       {&Plan::create_sets, &Plan::replace_sets, &Plan::add_before,
        &Plan::remove_before, &Plan::add_after, &Plan::remove_after}) {
    Plan plan;
    (plan.*part).push_back({Spec("KUBE-SRC-A"), {}});
    EXPECT_FALSE(plan.empty());
  }
  Plan destroys;
  destroys.destroy_sets.push_back(SetName("KUBE-SRC-A"));
  EXPECT_FALSE(destroys.empty());
  Plan hooks;
  hooks.tables.push_back({Family::kIPv4, {}, HookChange::kEnsure});
  EXPECT_FALSE(hooks.empty());
}

TEST(PlanTest, TableBecomesWhatStaysAndWhatGoes) {
  PlannedTable table;
  table.family = Family::kIPv6;
  table.hooks = HookChange::kRemove;
  table.chains.push_back(
      {ChainName("KUBE-POD-FW-A"), false, true, {}, {Commented("new")}});
  table.chains.push_back(
      {ChainName("KUBE-POD-FW-B"), true, false, {Commented("old")}, {}});
  const TableChange change = table.ToChange();
  EXPECT_EQ(change.family, Family::kIPv6);
  EXPECT_EQ(change.hooks, HookChange::kRemove);
  EXPECT_THAT(change.write, ElementsAre(Chain{ChainName("KUBE-POD-FW-A"),
                                              {Commented("new")}}));
  EXPECT_THAT(change.remove, ElementsAre(ChainName("KUBE-POD-FW-B")));
}

TEST(PlanTest, ChainThatStaysEmptyIsWritten) {
  PlannedTable table;
  table.chains.push_back({ChainName("KUBE-NWPLCY-A"), false, true, {}, {}});
  EXPECT_THAT(table.ToChange().write, testing::SizeIs(1));
  EXPECT_THAT(table.ToChange().remove, IsEmpty());
}

TEST(PlanTest, EmptyPlanIsNoText) { EXPECT_EQ(Plan().ToString(), ""); }

TEST(PlanTest, TextHasALineForEachThingInTheOrderOfTheBatch) {
  Plan plan;
  plan.create_sets.push_back({Spec("KUBE-SRC-NEW"), {Member("10.0.0.1")}});
  plan.add_before.push_back({Spec("KUBE-SRC-A"), {Member("10.0.0.2")}});
  plan.remove_after.push_back({Spec("KUBE-SRC-A"), {Member("10.0.0.3")}});
  plan.destroy_sets.push_back(SetName("KUBE-SRC-OLD"));
  PlannedTable table;
  table.hooks = HookChange::kEnsure;
  table.chains.push_back({ChainName("KUBE-POD-FW-A"),
                          true,
                          true,
                          {Commented("same"), Commented("old")},
                          {Commented("same"), Commented("new")}});
  plan.tables.push_back(table);
  EXPECT_EQ(plan.ToString(),
            "+ set KUBE-SRC-NEW hash:ip IPv4\n"
            "+ member KUBE-SRC-NEW 10.0.0.1\n"
            "+ member KUBE-SRC-A 10.0.0.2\n"
            "  chain IPv4 KUBE-POD-FW-A\n"
            "- rule IPv4 -A KUBE-POD-FW-A -m comment --comment old -j RETURN\n"
            "+ rule IPv4 -A KUBE-POD-FW-A -m comment --comment new -j RETURN\n"
            "+ hooks IPv4 INPUT, FORWARD, OUTPUT\n"
            "- member KUBE-SRC-A 10.0.0.3\n"
            "- set KUBE-SRC-OLD\n");
}

TEST(PlanTest, ChainsThatComeAndGoAreMarked) {
  Plan plan;
  PlannedTable table;
  table.family = Family::kIPv6;
  table.chains.push_back(
      {ChainName("KUBE-POD-FW-A"), false, true, {}, {Commented("x")}});
  table.chains.push_back(
      {ChainName("KUBE-POD-FW-B"), true, false, {Commented("y")}, {}});
  plan.tables.push_back(table);
  const std::string text = plan.ToString();
  EXPECT_THAT(text, HasSubstr("+ chain IPv6 KUBE-POD-FW-A\n"));
  EXPECT_THAT(text, HasSubstr("- chain IPv6 KUBE-POD-FW-B\n"));
  EXPECT_THAT(text, HasSubstr("- rule IPv6 -A KUBE-POD-FW-B "));
}

}  // namespace
}  // namespace netpol
