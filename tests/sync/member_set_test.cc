#include "netpol/sync/member_set.h"

#include <netinet/in.h>

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"
#include "netpol/base/ip.h"

namespace netpol {
namespace {

SetMember Net(const char* text) {
  return SetMember::Net(*IpPrefix::Parse(text));
}

SetMember Port(const char* address, uint8_t protocol, uint16_t port) {
  return SetMember::AddressPort(*IpAddress::Parse(address), protocol, port);
}

// Each differs from another in one part only, at the ends of its range.
std::vector<SetMember> OddMembers() {
  return {Net("0.0.0.0/1"),
          Net("128.0.0.0/1"),
          Net("0.0.0.0/32"),
          Net("255.255.255.255/32"),
          Net("255.255.255.254/31"),
          Net("::/1"),
          Net("::/128"),
          Net("::ff00/120"),
          Port("10.0.0.1", IPPROTO_TCP, 80),
          Port("10.0.0.1", IPPROTO_UDP, 80),
          Port("10.0.0.1", 255, 80),
          Port("10.0.0.1", IPPROTO_TCP, 65535),
          Port("255.255.255.255", 255, 65535),
          Port("fd00::1", IPPROTO_TCP, 80)};
}

std::vector<SetMember> Content(const MemberSet& set) {
  std::vector<SetMember> members;
  set.AppendTo(members);
  std::sort(members.begin(), members.end());
  return members;
}

TEST(MemberSetTest, GivesBackWhatWasPutIn) {
  MemberSet set;
  std::vector<SetMember> members = OddMembers();
  for (const SetMember& member : members) {
    EXPECT_FALSE(set.Contains(member)) << member;
    EXPECT_TRUE(set.Insert(member)) << member;
    EXPECT_TRUE(set.Contains(member)) << member;
    EXPECT_FALSE(set.Insert(member)) << member;
  }
  std::sort(members.begin(), members.end());
  EXPECT_EQ(Content(set), members);
  EXPECT_EQ(set.size(), members.size());
}

TEST(MemberSetTest, WhatIsTakenOutLeavesTheOthers) {
  for (const SetMember& gone : OddMembers()) {
    MemberSet set;
    std::vector<SetMember> rest;
    for (const SetMember& member : OddMembers()) {
      set.Insert(member);
      if (member != gone) rest.push_back(member);
    }
    EXPECT_TRUE(set.Erase(gone)) << gone;
    EXPECT_FALSE(set.Erase(gone)) << gone;
    std::sort(rest.begin(), rest.end());
    EXPECT_EQ(Content(set), rest) << gone;
  }
}

TEST(MemberSetTest, IsOfUseAfterItWasEmptied) {
  MemberSet set;
  for (uint32_t round = 0; round < 2; ++round) {
    for (uint32_t i = 0; i < 1000; ++i)
      set.Insert(SetMember::Address(IpAddress(Family::kIPv4, i)));
    EXPECT_EQ(set.size(), 1000u);
    for (uint32_t i = 0; i < 1000; ++i)
      EXPECT_TRUE(set.Erase(SetMember::Address(IpAddress(Family::kIPv4, i))));
    EXPECT_TRUE(set.empty());
  }
}

}  // namespace
}  // namespace netpol
