#include "tests/kernel/walk/ruleset_difference.h"

#include "gtest/gtest.h"
#include "netpol/base/ip.h"

namespace netpol {
namespace {

Snapshot Small() {
  Snapshot snapshot;
  ObservedSet& set = snapshot.sets[SetName("KUBE-SRC-A")];
  set.spec.name = SetName("KUBE-SRC-A");
  set.members = {SetMember::Address(*IpAddress::Parse("10.0.0.1"))};
  Rule accept;
  accept.action = AcceptAction{};
  Rule drop;
  drop.action = DropAction{};
  snapshot.table(Family::kIPv6).chains[ChainName("KUBE-NWPLCY-A")] = {accept,
                                                                      drop};
  snapshot.table(Family::kIPv6).hooks_in_place = true;
  return snapshot;
}

std::vector<Rule>& RulesOf(Snapshot& snapshot) {
  return snapshot.table(Family::kIPv6).chains[ChainName("KUBE-NWPLCY-A")];
}

ObservedSet& SetOf(Snapshot& snapshot) {
  return snapshot.sets[SetName("KUBE-SRC-A")];
}

TEST(RulesetDifferenceTest, ThereIsNoneBetweenEquals) {
  EXPECT_EQ(RulesetDifference(Small(), Small()), "");
}

TEST(RulesetDifferenceTest, TheRoomInASetIsNotLookedAt) {
  Snapshot other = Small();
  SetOf(other).spec.max_elements = 7;
  EXPECT_EQ(RulesetDifference(other, Small()), "");
}

TEST(RulesetDifferenceTest, MembersAreNamed) {
  Snapshot other = Small();
  SetOf(other).members = {SetMember::Address(*IpAddress::Parse("10.0.0.2"))};
  EXPECT_EQ(RulesetDifference(other, Small()),
            "+set KUBE-SRC-A member 10.0.0.2\n"
            "-set KUBE-SRC-A member 10.0.0.1\n");
}

TEST(RulesetDifferenceTest, TypesAndForeignContentCount) {
  Snapshot other = Small();
  SetOf(other).spec.type = SetType::kHashNet;
  EXPECT_NE(RulesetDifference(other, Small()), "");
  other = Small();
  SetOf(other).foreign_content = true;
  EXPECT_NE(RulesetDifference(other, Small()), "");
}

TEST(RulesetDifferenceTest, TheOrderOfRulesCounts) {
  Snapshot other = Small();
  std::swap(RulesOf(other)[0], RulesOf(other)[1]);
  EXPECT_EQ(RulesetDifference(other, Small()),
            "+IPv6 chain KUBE-NWPLCY-A 0: -j DROP\n"
            "+IPv6 chain KUBE-NWPLCY-A 1: -j ACCEPT\n"
            "-IPv6 chain KUBE-NWPLCY-A 0: -j ACCEPT\n"
            "-IPv6 chain KUBE-NWPLCY-A 1: -j DROP\n");
}

TEST(RulesetDifferenceTest, WhatOnlyOneSideHasIsSigned) {
  Snapshot empty;
  empty.table(Family::kIPv6).hooks_in_place = true;
  EXPECT_EQ(RulesetDifference(empty, Small()),
            "-set KUBE-SRC-A hash:ip IPv4\n"
            "-set KUBE-SRC-A member 10.0.0.1\n"
            "-IPv6 chain KUBE-NWPLCY-A\n"
            "-IPv6 chain KUBE-NWPLCY-A 0: -j ACCEPT\n"
            "-IPv6 chain KUBE-NWPLCY-A 1: -j DROP\n");
  const std::string more = RulesetDifference(Small(), empty);
  EXPECT_EQ(more.find('-'), more.find("-SRC")) << more;
}

TEST(RulesetDifferenceTest, MissingHooksAreNamed) {
  Snapshot other = Small();
  other.table(Family::kIPv6).hooks_in_place = false;
  EXPECT_EQ(RulesetDifference(other, Small()), "-IPv6 hooks\n");
}

}  // namespace
}  // namespace netpol
