#include "netpol/rules/set.h"

#include <netinet/in.h>

#include <algorithm>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

IpAddress Ip(absl::string_view text) { return *IpAddress::Parse(text); }

TEST(SetTypeNameTest, NamesAreThoseOfIpset) {
  EXPECT_EQ(SetTypeName(SetType::kHashIp), "hash:ip");
  EXPECT_EQ(SetTypeName(SetType::kHashNet), "hash:net");
  EXPECT_EQ(SetTypeName(SetType::kHashIpPort), "hash:ip,port");
}

TEST(SetMemberTest, TextIsThatOfIpsetList) {
  EXPECT_EQ(SetMember::Address(Ip("10.0.0.1")).ToString(), "10.0.0.1");
  EXPECT_EQ(SetMember::Net(*IpPrefix::Parse("10.0.0.0/8")).ToString(),
            "10.0.0.0/8");
  EXPECT_EQ(SetMember::Net(*IpPrefix::Parse("10.0.0.1/32")).ToString(),
            "10.0.0.1");
  EXPECT_EQ(SetMember::AddressPort(Ip("10.0.0.1"), IPPROTO_TCP, 80).ToString(),
            "10.0.0.1,tcp:80");
  EXPECT_EQ(SetMember::AddressPort(Ip("fd00::1"), IPPROTO_SCTP, 9).ToString(),
            "fd00::1,sctp:9");
}

TEST(SetMemberTest, EqualMembersAreEqualValues) {
  EXPECT_EQ(SetMember::Address(Ip("10.0.0.1")),
            SetMember::Net(*IpPrefix::Parse("10.0.0.1/32")));
  EXPECT_NE(SetMember::AddressPort(Ip("10.0.0.1"), IPPROTO_TCP, 80),
            SetMember::AddressPort(Ip("10.0.0.1"), IPPROTO_UDP, 80));
  EXPECT_NE(SetMember::AddressPort(Ip("10.0.0.1"), IPPROTO_TCP, 80),
            SetMember::AddressPort(Ip("10.0.0.1"), IPPROTO_TCP, 81));
}

TEST(SetMemberTest, OrderIsByAddressProtocolPort) {
  const std::vector<SetMember> sorted = {
      SetMember::AddressPort(Ip("10.0.0.1"), IPPROTO_TCP, 80),
      SetMember::AddressPort(Ip("10.0.0.1"), IPPROTO_TCP, 443),
      SetMember::AddressPort(Ip("10.0.0.1"), IPPROTO_UDP, 53),
      SetMember::AddressPort(Ip("10.0.0.2"), IPPROTO_TCP, 1)};
  std::vector<SetMember> members(sorted.rbegin(), sorted.rend());
  std::sort(members.begin(), members.end());
  EXPECT_EQ(members, sorted);
}

TEST(HashSizeForTest, IsThePowerOfTwoAtOrAboveAndAtLeast64) {
  EXPECT_EQ(HashSizeFor(0), 64u);
  EXPECT_EQ(HashSizeFor(64), 64u);
  EXPECT_EQ(HashSizeFor(65), 128u);
  EXPECT_EQ(HashSizeFor(1024), 1024u);
  EXPECT_EQ(HashSizeFor(100000), 131072u);
}

TEST(MaxElementsForTest, LeavesRoomToGrow) {
  EXPECT_EQ(MaxElementsFor(0), 65536u);
  EXPECT_EQ(MaxElementsFor(65536), 65536u);
  EXPECT_EQ(MaxElementsFor(65537), 262144u);
  EXPECT_EQ(MaxElementsFor(1000000), 2097152u);
}

}  // namespace
}  // namespace netpol
