#include "netpol/policy/cidr_union.h"

#include <bitset>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "netpol/testing/random.h"

namespace netpol {
namespace {

IpPrefix Net(absl::string_view text) { return *IpPrefix::Parse(text); }

std::string Text(const std::vector<IpPrefix>& prefixes) {
  return absl::StrJoin(prefixes, " ",
                       [](std::string* out, const IpPrefix& prefix) {
                         absl::StrAppend(out, prefix.ToString());
                       });
}

std::string Union(const std::vector<IpBlock>& blocks,
                  Family family = Family::kIPv4) {
  return Text(UnionOfBlocks(blocks, family));
}

// ---- A world of 64 addresses, looked at one by one.

constexpr int kSize = 64;
using Addresses = std::bitset<kSize>;

IpPrefix World(Family family) {
  return Net(family == Family::kIPv4 ? "10.0.0.192/26" : "fd00::ffc0/122");
}

IpAddress AddressAt(Family family, int index) {
  return {family, World(family).First().bits() + index};
}

std::vector<IpPrefix> PrefixesOfWorld(Family family) {
  std::vector<IpPrefix> prefixes;
  const int width = AddressBits(family);
  for (int host_bits = 0; host_bits <= 6; ++host_bits) {
    for (int index = 0; index < kSize; index += 1 << host_bits) {
      prefixes.push_back(
          IpPrefix::Of(AddressAt(family, index), width - host_bits));
    }
  }
  return prefixes;
}

Addresses HeldByAny(const std::vector<IpBlock>& blocks, Family family) {
  Addresses held;
  for (int i = 0; i < kSize; ++i) {
    const IpAddress address = AddressAt(family, i);
    for (const IpBlock& block : blocks) {
      bool holds = block.cidr.Contains(address);
      for (const IpPrefix& except : block.except) {
        if (except.Contains(address)) holds = false;
      }
      if (holds) held.set(i);
    }
  }
  return held;
}

// The fewest prefixes, by halving whatever is not wholly held.
void AppendFewest(const Addresses& held, Family family, int first,
                  int host_bits, std::vector<IpPrefix>& prefixes) {
  const int size = 1 << host_bits;
  int count = 0;
  for (int i = first; i < first + size; ++i) count += held.test(i) ? 1 : 0;
  if (count == 0) return;
  if (count == size) {
    prefixes.push_back(IpPrefix::Of(AddressAt(family, first),
                                    AddressBits(family) - host_bits));
    return;
  }
  AppendFewest(held, family, first, host_bits - 1, prefixes);
  AppendFewest(held, family, first + size / 2, host_bits - 1, prefixes);
}

std::string Expected(const std::vector<IpBlock>& blocks, Family family) {
  std::vector<IpPrefix> prefixes;
  AppendFewest(HeldByAny(blocks, family), family, 0, 6, prefixes);
  return Text(prefixes);
}

class CidrUnionWorldTest : public testing::TestWithParam<Family> {};

TEST_P(CidrUnionWorldTest, EveryBlockWithEveryExceptIsExact) {
  const Family family = GetParam();
  for (const IpPrefix& cidr : PrefixesOfWorld(family)) {
    for (const IpPrefix& except : PrefixesOfWorld(family)) {
      const std::vector<IpBlock> blocks = {{cidr, {except}}};
      ASSERT_EQ(Union(blocks, family), Expected(blocks, family))
          << cidr << " except " << except;
    }
  }
}

TEST_P(CidrUnionWorldTest, EveryTwoBlocksAreExact) {
  const Family family = GetParam();
  const std::vector<IpPrefix> prefixes = PrefixesOfWorld(family);
  for (const IpPrefix& first : prefixes) {
    for (const IpPrefix& second : prefixes) {
      if (second < first) continue;
      const std::vector<IpBlock> blocks = {{first, {}}, {second, {}}};
      ASSERT_EQ(Union(blocks, family), Expected(blocks, family))
          << first << " and " << second;
    }
  }
}

TEST_P(CidrUnionWorldTest, ManyBlocksWithManyExceptsAreExact) {
  const Family family = GetParam();
  const std::vector<IpPrefix> prefixes = PrefixesOfWorld(family);
  Random random(7);
  for (int round = 0; round < 5000; ++round) {
    std::vector<IpBlock> blocks(random.Between(0, 4));
    for (IpBlock& block : blocks) {
      block.cidr = random.Pick(prefixes);
      const int excepts = random.Between(0, 4);
      for (int i = 0; i < excepts; ++i)
        block.except.push_back(random.Pick(prefixes));
    }
    ASSERT_EQ(Union(blocks, family), Expected(blocks, family))
        << "round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, CidrUnionWorldTest,
                         testing::Values(Family::kIPv4, Family::kIPv6),
                         [](const testing::TestParamInfo<Family>& info) {
                           return std::string(FamilyName(info.param));
                         });

// ---- The rest of the address space.

TEST(CidrUnionTest, NoBlockIsNoPrefix) { EXPECT_EQ(Union({}), ""); }

TEST(CidrUnionTest, HalvesOfEverythingAreEverything) {
  EXPECT_EQ(Union({{Net("128.0.0.0/1"), {}}, {Net("0.0.0.0/1"), {}}}),
            "0.0.0.0/0");
  EXPECT_EQ(Union({{Net("::/1"), {}}, {Net("8000::/1"), {}}}, Family::kIPv6),
            "::/0");
}

TEST(CidrUnionTest, EverythingExceptTheFirstAndLastAddress) {
  const std::vector<IpPrefix> rest = UnionOfBlocks(
      {{{Net("0.0.0.0/0"), {Net("0.0.0.0/32"), Net("255.255.255.255/32")}}}},
      Family::kIPv4);
  // One prefix for each bit that tells a half apart, on both sides.
  EXPECT_EQ(rest.size(), 62u);
  EXPECT_EQ(rest.front(), Net("0.0.0.1/32"));
  EXPECT_EQ(rest.back(), Net("255.255.255.254/32"));
}

TEST(CidrUnionTest, WholeIPv6ExceptItsLastAddress) {
  const std::vector<IpPrefix> rest = UnionOfBlocks(
      {{{Net("::/0"), {Net("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128")}}}},
      Family::kIPv6);
  ASSERT_EQ(rest.size(), 128u);
  EXPECT_EQ(rest.front(), Net("::/1"));
  EXPECT_EQ(rest.back(), Net("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/128"));
}

TEST(CidrUnionTest, WholeIPv6WithoutAHalfIsTheOther) {
  EXPECT_EQ(Union({{Net("::/0"), {Net("8000::/1")}}}, Family::kIPv6), "::/1");
  EXPECT_EQ(Union({{Net("::/0"), {Net("::/1")}}}, Family::kIPv6), "8000::/1");
}

TEST(CidrUnionTest, LastAddressesTouchNothingBeyondTheEnd) {
  EXPECT_EQ(Union({{Net("255.255.255.255/32"), {}}, {Net("0.0.0.0/32"), {}}}),
            "0.0.0.0/32 255.255.255.255/32");
  EXPECT_EQ(Union({{Net("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"), {}},
                   {Net("::/128"), {}}},
                  Family::kIPv6),
            "::/128 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
}

TEST(CidrUnionTest, ExceptOfTheWholeBlockLeavesNothing) {
  EXPECT_EQ(Union({{Net("10.0.0.0/8"), {Net("10.0.0.0/8")}}}), "");
  EXPECT_EQ(Union({{Net("10.0.0.0/8"), {Net("0.0.0.0/0")}}}), "");
  EXPECT_EQ(Union({{Net("::/0"), {Net("::/0")}}}, Family::kIPv6), "");
}

TEST(CidrUnionTest, ExceptOutsideTheBlockTakesNothing) {
  EXPECT_EQ(Union({{Net("10.0.0.0/8"), {Net("11.0.0.0/8"), Net("9.0.0.0/8")}}}),
            "10.0.0.0/8");
}

TEST(CidrUnionTest, ExceptNarrowsItsOwnBlockOnly) {
  EXPECT_EQ(Union({{Net("10.0.0.0/8"), {Net("10.1.0.0/16")}},
                   {Net("10.1.2.0/24"), {}}})
                    .find("10.1.2.0/24") != std::string::npos,
            true);
  EXPECT_EQ(Union({{Net("10.0.0.0/8"), {Net("10.1.0.0/16")}},
                   {Net("10.0.0.0/8"), {}}}),
            "10.0.0.0/8");
}

TEST(CidrUnionTest, TouchingBlocksOfDifferentParentsStayApart) {
  EXPECT_EQ(Union({{Net("10.0.1.0/24"), {}}, {Net("10.0.2.0/24"), {}}}),
            "10.0.1.0/24 10.0.2.0/24");
  EXPECT_EQ(Union({{Net("10.0.2.0/24"), {}}, {Net("10.0.3.0/24"), {}}}),
            "10.0.2.0/23");
}

TEST(CidrUnionTest, OtherFamilyAddsNothing) {
  const std::vector<IpBlock> blocks = {{Net("10.0.0.0/8"), {Net("::/0")}},
                                       {Net("fd00::/8"), {Net("0.0.0.0/0")}}};
  EXPECT_EQ(Union(blocks, Family::kIPv4), "10.0.0.0/8");
  EXPECT_EQ(Union(blocks, Family::kIPv6), "fd00::/8");
}

TEST(CidrUnionTest, OrderOfBlocksDoesNotMatter) {
  const IpBlock a{Net("10.0.0.0/8"), {Net("10.4.0.0/14")}};
  const IpBlock b{Net("10.5.0.0/16"), {}};
  const IpBlock c{Net("192.0.2.0/24"), {Net("192.0.2.5/32")}};
  EXPECT_EQ(Union({a, b, c}), Union({c, b, a}));
  EXPECT_EQ(Union({a, a, b, b}), Union({b, a}));
}

}  // namespace
}  // namespace netpol
