#include "netpol/base/ip.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

IpAddress Ip(absl::string_view text) { return *IpAddress::Parse(text); }
IpPrefix Net(absl::string_view text) { return *IpPrefix::Parse(text); }

TEST(IpAddressTest, BitsStandAtTheLowEndInHostOrder) {
  EXPECT_EQ(Ip("10.0.0.1").bits(), absl::uint128(0x0a000001));
  EXPECT_EQ(Ip("fd00::2").bits(), absl::MakeUint128(0xfd00000000000000, 2));
}

TEST(IpAddressTest, TextComesBackInItsShortestForm) {
  EXPECT_EQ(Ip("192.168.0.255").ToString(), "192.168.0.255");
  EXPECT_EQ(Ip("FD00:0:0:0:0:0:0:1").ToString(), "fd00::1");
  EXPECT_EQ(Ip("::").ToString(), "::");
}

TEST(IpAddressTest, MappedAddressIsIPv4) {
  EXPECT_EQ(Ip("::ffff:10.0.0.1"), Ip("10.0.0.1"));
  EXPECT_EQ(Ip("::ffff:0a00:0001").family, Family::kIPv4);
  EXPECT_EQ(Ip("::10.0.0.1").family, Family::kIPv6);
}

TEST(IpAddressTest, LeadingZerosAreDecimal) {
  EXPECT_EQ(Ip("010.008.0.01"), Ip("10.8.0.1"));
}

TEST(IpAddressTest, WhatIsNoAddressIsRefused) {
  for (absl::string_view text :
       {"", "10.0.0", "10.0.0.0.1", "10.0.0.256", "10.0.0.-1", "10.0.0.+1",
        "10.0.0.1 ", " 10.0.0.1", "10.0.0.1:80", "fe80::1%eth0", "[::1]",
        "1::2::3", "10.0..1", "0x0a.0.0.1", "10.0.0.1/32", "localhost"}) {
    const auto parsed = IpAddress::Parse(text);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument)
        << text;
  }
}

TEST(IpAddressTest, OrderIsByFamilyThenValue) {
  std::vector<IpAddress> addresses = {Ip("::1"), Ip("10.0.0.2"), Ip("9.0.0.9"),
                                      Ip("::")};
  std::sort(addresses.begin(), addresses.end());
  EXPECT_EQ(addresses, (std::vector<IpAddress>{Ip("9.0.0.9"), Ip("10.0.0.2"),
                                               Ip("::"), Ip("::1")}));
}

TEST(PrefixMaskTest, LeadingBitsAreSet) {
  EXPECT_EQ(PrefixMask(Family::kIPv4, 0), absl::uint128(0));
  EXPECT_EQ(PrefixMask(Family::kIPv4, 1), absl::uint128(0x80000000));
  EXPECT_EQ(PrefixMask(Family::kIPv4, 24), absl::uint128(0xffffff00));
  EXPECT_EQ(PrefixMask(Family::kIPv4, 32), absl::uint128(0xffffffff));
  EXPECT_EQ(PrefixMask(Family::kIPv6, 0), absl::uint128(0));
  EXPECT_EQ(PrefixMask(Family::kIPv6, 65),
            absl::MakeUint128(~uint64_t{0}, uint64_t{1} << 63));
  EXPECT_EQ(PrefixMask(Family::kIPv6, 128), absl::Uint128Max());
}

TEST(IpPrefixTest, HostBitsAreMasked) {
  EXPECT_EQ(Net("192.168.0.5/24"), Net("192.168.0.0/24"));
  EXPECT_EQ(Net("fd00::1/8").ToString(), "fd00::/8");
  EXPECT_EQ(IpPrefix::Of(Ip("10.1.2.3"), 8).ToString(), "10.0.0.0/8");
}

TEST(IpPrefixTest, MappedPrefixIsIPv4) {
  EXPECT_EQ(Net("::ffff:10.0.0.0/104"), Net("10.0.0.0/8"));
  EXPECT_EQ(Net("::ffff:10.0.0.1/128"), Net("10.0.0.1/32"));
  // Shorter than the mapping itself: an IPv6 block that IPv4 cannot say.
  EXPECT_FALSE(IpPrefix::Parse("::ffff:10.0.0.0/95").ok());
}

TEST(IpPrefixTest, LengthMustBeThereAndFit) {
  for (absl::string_view text :
       {"10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8",
        "10.0.0.0/8/8", "10.0.0.0/ 8", "10.0.0.0/255.0.0.0", "::/129",
        "10.0.0/8", "/8", "10.0.0.0/99999999999"}) {
    const auto parsed = IpPrefix::Parse(text);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument)
        << text;
  }
}

TEST(IpPrefixTest, ZeroLengthHoldsItsWholeFamilyOnly) {
  EXPECT_TRUE(Net("0.0.0.0/0").Contains(Ip("255.255.255.255")));
  EXPECT_FALSE(Net("0.0.0.0/0").Contains(Ip("::1")));
  EXPECT_TRUE(Net("::/0").Contains(Ip("ffff::1")));
  EXPECT_EQ(Net("10.0.0.0/0"), Net("0.0.0.0/0"));
}

TEST(IpPrefixTest, ContainsFromFirstToLast) {
  const IpPrefix block = Net("10.0.0.64/26");
  EXPECT_EQ(block.First(), Ip("10.0.0.64"));
  EXPECT_EQ(block.Last(), Ip("10.0.0.127"));
  EXPECT_TRUE(block.Contains(block.First()));
  EXPECT_TRUE(block.Contains(block.Last()));
  EXPECT_FALSE(block.Contains(Ip("10.0.0.63")));
  EXPECT_FALSE(block.Contains(Ip("10.0.0.128")));
}

TEST(IpPrefixTest, LastOfTheExtremes) {
  EXPECT_EQ(Net("0.0.0.0/0").Last(), Ip("255.255.255.255"));
  EXPECT_EQ(Net("10.0.0.1/32").Last(), Ip("10.0.0.1"));
  EXPECT_EQ(Net("::/0").Last().bits(), absl::Uint128Max());
  EXPECT_EQ(Net("fd00::/64").Last(), Ip("fd00::ffff:ffff:ffff:ffff"));
}

TEST(IpPrefixTest, PrefixHoldsItselfAndSmallerOnes) {
  EXPECT_TRUE(Net("10.0.0.0/8").Contains(Net("10.0.0.0/8")));
  EXPECT_TRUE(Net("10.0.0.0/8").Contains(Net("10.9.0.0/16")));
  EXPECT_FALSE(Net("10.0.0.0/8").Contains(Net("10.0.0.0/7")));
  EXPECT_FALSE(Net("10.0.0.0/8").Contains(Net("11.0.0.0/16")));
}

TEST(IpPrefixTest, HostPrefixIsTheAddressAlone) {
  EXPECT_EQ(IpPrefix::Host(Ip("10.0.0.1")), Net("10.0.0.1/32"));
  EXPECT_EQ(IpPrefix::Host(Ip("fd00::1")), Net("fd00::1/128"));
  EXPECT_TRUE(IpPrefix::Host(Ip("::")).IsHost());
  EXPECT_FALSE(Net("fd00::/32").IsHost());
}

TEST(IpPrefixTest, OrderIsByAddressThenLength) {
  EXPECT_LT(Net("10.0.0.0/8"), Net("10.0.0.0/16"));
  EXPECT_LT(Net("10.0.0.0/16"), Net("10.1.0.0/16"));
  EXPECT_LT(Net("255.0.0.0/8"), Net("::/0"));
}

}  // namespace
}  // namespace netpol
