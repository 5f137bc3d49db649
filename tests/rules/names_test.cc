#include "netpol/rules/names.h"

#include <string>

#include "gtest/gtest.h"

namespace netpol {
namespace {

TEST(NameHashTest, FieldsAreSeparated) {
  EXPECT_NE(NameHash({"a", "bc"}), NameHash({"ab", "c"}));
  EXPECT_NE(NameHash({"abc"}), NameHash({"ab", "c"}));
  EXPECT_NE(NameHash({"a"}), NameHash({"a", ""}));
  EXPECT_NE(NameHash({"", "a"}), NameHash({"a", ""}));
}

TEST(NameHashTest, IsSixteenCharactersOfBase32AndStable) {
  const std::string hash = NameHash({"default", "web"});
  EXPECT_EQ(hash.size(), 16u);
  EXPECT_EQ(hash.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
            std::string::npos);
  EXPECT_EQ(hash, NameHash({"default", "web"}));
}

TEST(CompatibleRuleIdTest, IdsAreThoseOnExistingNodes) {
  EXPECT_EQ(CompatibleRuleId({"INPUT", "-m", "comment", "--comment",
                              "kube-router netpol", "-j", "KUBE-ROUTER-INPUT"}),
            "4IA2OSFRMVNDXBVV");
  EXPECT_EQ(CompatibleRuleId(
                {"KUBE-ROUTER-INPUT", "-p", "tcp", "-m", "comment", "--comment",
                 "allow LOCAL TCP traffic to node ports", "-m", "addrtype",
                 "--dst-type", "LOCAL", "-m", "multiport", "--dports",
                 "30000:32767", "-j", "RETURN"}),
            "LR7XO7NXDBGQJD2M");
}

// kube-router's router and service proxy may go on beside us.
TEST(ChainNameTest, OtherPartsOfKubeRouterKeepTheirs) {
  EXPECT_FALSE(ChainName::IsOurs("KUBE-ROUTER-SERVICES"));
  for (const char* set :
       {"kube-router-pod-subnets", "kube-router-node-ips", "kube-router-svip",
        "kube-router-svip-prt", "inet6:kube-router-local-ips"}) {
    EXPECT_FALSE(SetName::IsOurs(set)) << set;
  }
}

TEST(ChainNameTest, OursAreKnownByPrefix) {
  EXPECT_TRUE(ChainName::IsOurs("KUBE-ROUTER-INPUT"));
  EXPECT_TRUE(ChainName::IsOurs("KUBE-POD-FW-ABC"));
  EXPECT_TRUE(ChainName::IsOurs("KUBE-NWPLCY-COMMON"));
  EXPECT_FALSE(ChainName::IsOurs("KUBE-SERVICES"));
  EXPECT_FALSE(ChainName::IsOurs("KUBE-ROUTER"));
  EXPECT_FALSE(ChainName::IsOurs("XKUBE-ROUTER-INPUT"));
  EXPECT_FALSE(ChainName::IsOurs(""));
}

TEST(SetNameTest, OursAreKnownByPrefixInBothFamilies) {
  EXPECT_TRUE(SetName::IsOurs("KUBE-SRC-ABC"));
  EXPECT_TRUE(SetName::IsOurs("inet6:KUBE-DST-ABC"));
  EXPECT_TRUE(SetName::IsOurs("kube-router-local-pods"));
  EXPECT_TRUE(SetName::IsOurs("inet6:kube-router-pod-cidrs"));
  EXPECT_TRUE(SetName::IsOurs("kube-router-tmp-ABC"));
  EXPECT_FALSE(SetName::IsOurs("inet6:inet6:KUBE-DST-ABC"));
  EXPECT_FALSE(SetName::IsOurs("KUBE-LOOP-BACK"));
  EXPECT_FALSE(SetName::IsOurs("TMP-KUBE-SRC-ABC"));
}

TEST(SetNameTest, FamilyStandsInFront) {
  EXPECT_EQ(SetName(Family::kIPv4, "KUBE-SRC-A").value(), "KUBE-SRC-A");
  EXPECT_EQ(SetName(Family::kIPv6, "KUBE-SRC-A").value(), "inet6:KUBE-SRC-A");
}

TEST(NamesTest, LongestNamesFit) {
  EXPECT_EQ(ChainName(std::string(28, 'x')).value().size(), 28u);
  EXPECT_EQ(SetName(std::string(31, 'x')).value().size(), 31u);
  EXPECT_EQ(SetName(Family::kIPv6, std::string(25, 'x')).value().size(), 31u);
}

TEST(NamesDeathTest, NamesThatTheKernelWouldCutAreOurOwnFault) {
  EXPECT_DEATH(ChainName(std::string(29, 'x')), "");
  EXPECT_DEATH(ChainName(""), "");
  EXPECT_DEATH(SetName(std::string(32, 'x')), "");
  EXPECT_DEATH(SetName(Family::kIPv6, std::string(26, 'x')), "");
}

}  // namespace
}  // namespace netpol
