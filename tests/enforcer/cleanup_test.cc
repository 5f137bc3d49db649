// Clean-up on a real kernel, between the rules and sets of others.
#include "netpol/enforcer/cleanup.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/enforcer/old_node.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class CleanupTest : public OldNodeTest {
 protected:
  v1::CleanupResult CleanUp(absl::Duration lock_timeout = absl::Seconds(10)) {
    CleanupOptions options;
    options.lock_timeout = lock_timeout;
    v1::CleanupResult result;
    const absl::Status ran = ns().Run([&] {
      result = CleanUpKernel(options);
      return absl::OkStatus();
    });
    EXPECT_TRUE(ran.ok()) << ran;
    return result;
  }
  v1::CleanupResult PlanIt() {
    v1::CleanupResult result;
    const absl::Status ran = ns().Run([&] {
      result = PlanCleanup();
      return absl::OkStatus();
    });
    EXPECT_TRUE(ran.ok()) << ran;
    return result;
  }
  void ExpectClean(const v1::CleanupResult& result) {
    EXPECT_TRUE(result.complete()) << result.DebugString();
    EXPECT_THAT(result.problems(), IsEmpty());
  }
};

std::vector<std::string> TablesOf(const v1::CleanupResult& result) {
  std::vector<std::string> names;
  for (const v1::RemovedTable& table : result.tables()) {
    names.push_back(absl::StrCat(table.flavour(), " ", table.family(),
                                 table.whole() ? " whole " : " ",
                                 table.table()));
  }
  return names;
}

std::vector<std::string> TextsOf(const v1::CleanupResult& result) {
  std::vector<std::string> texts;
  for (const v1::Problem& problem : result.problems())
    texts.push_back(problem.text());
  return texts;
}

int SetsIn(const v1::CleanupResult& result) {
  int count = 0;
  for (const v1::RemovedSets& sets : result.sets()) count += sets.names_size();
  return count;
}

TEST_F(CleanupTest, AnEmptyKernelStaysEmpty) {
  const v1::CleanupResult result = CleanUp();
  ExpectClean(result);
  EXPECT_FALSE(result.found_anything());
  EXPECT_FALSE(PlanIt().found_anything());
  EXPECT_EQ(Tool({"cat", "/proc/net/ip_tables_names"}), "");
  EXPECT_EQ(Tool({"cat", "/proc/net/ip6_tables_names"}), "");
  EXPECT_EQ(Tool({"nft", "list", "ruleset"}), "");
}

// One flavour and one layout at a time.
class CleanupOfLayoutTest
    : public CleanupTest,
      public testing::WithParamInterface<std::tuple<Flavour, OldLayout>> {
 protected:
  Flavour flavour() const { return std::get<0>(GetParam()); }
  OldLayout layout() const { return std::get<1>(GetParam()); }
  std::string Name() const { return std::string(FlavourName(flavour())); }
};

INSTANTIATE_TEST_SUITE_P(
    All, CleanupOfLayoutTest,
    testing::Combine(testing::ValuesIn(kFlavours),
                     testing::Values(OldLayout::kV26, OldLayout::kV211)),
    [](const auto& info) {
      return absl::StrCat(
          FlavourName(std::get<0>(info.param)),
          std::get<1>(info.param) == OldLayout::kV26 ? "V26" : "V211");
    });

TEST_P(CleanupOfLayoutTest, OursGoesAndEverythingElseIsTheSameToTheByte) {
  LoadForeign(flavour());
  const std::string before = KernelText();
  LoadKubeRouter(flavour(), layout());
  ASSERT_NE(KernelText(), before);
  const v1::CleanupResult result = CleanUp();
  ExpectClean(result);
  EXPECT_EQ(KernelText(), before);
  EXPECT_THAT(TablesOf(result),
              ElementsAre(absl::StrCat(Name(), " IPv4 filter"),
                          absl::StrCat(Name(), " IPv6 filter")));
  EXPECT_EQ(SetsIn(result), 6);
}

TEST_P(CleanupOfLayoutTest, WhatWentIsCountedAndNamed) {
  LoadForeign(flavour());
  LoadKubeRouter(flavour(), layout());
  const v1::CleanupResult result = CleanUp();
  ASSERT_THAT(result.tables(), SizeIs(2));
  const bool tail = layout() == OldLayout::kV211;
  for (const v1::RemovedTable& table : result.tables()) {
    EXPECT_EQ(table.hooks(), 3u);
    EXPECT_THAT(table.chains(), SizeIs(tail ? 8 : 7));
    EXPECT_EQ(table.rules(), tail ? 20u : 17u);
    EXPECT_THAT(table.chains(), Contains("KUBE-POD-FW-73TH3XCTPN7ZVLZ2"));
  }
  ASSERT_THAT(result.sets(), SizeIs(2));
  EXPECT_THAT(result.sets(0).names(), Contains("TMP-UUUUVVVVWWWWXXXX"));
  EXPECT_THAT(result.sets(1).names(),
              ElementsAre("inet6:KUBE-DST-5PTHGIN7GOKJO7TI",
                          "inet6:kube-router-local-pods"));
}

TEST_P(CleanupOfLayoutTest, OneCommitForEachFamily) {
  LoadForeign(flavour());
  LoadKubeRouter(flavour(), layout());
  EXPECT_EQ(CleanUp().kernel_writes().table_commits(), 2u);
}

TEST_P(CleanupOfLayoutTest, ASecondCleanUpFindsNothingAndWritesNothing) {
  LoadKubeRouter(flavour(), layout());
  ExpectClean(CleanUp());
  const std::string after = KernelText();
  const v1::CleanupResult again = CleanUp();
  ExpectClean(again);
  EXPECT_FALSE(again.found_anything());
  EXPECT_EQ(again.kernel_writes().total(), 0u);
  EXPECT_EQ(KernelText(), after);
}

TEST_P(CleanupOfLayoutTest, ADryRunNamesTheSameAndWritesNothing) {
  LoadForeign(flavour());
  LoadKubeRouter(flavour(), layout());
  const std::string before = KernelText();
  const v1::CleanupResult plan = PlanIt();
  EXPECT_EQ(KernelText(), before);
  EXPECT_TRUE(plan.dry_run());
  EXPECT_EQ(plan.kernel_writes().total(), 0u);
  const v1::CleanupResult result = CleanUp();
  ASSERT_EQ(plan.tables_size(), result.tables_size());
  for (int i = 0; i < plan.tables_size(); ++i) {
    EXPECT_EQ(plan.tables(i).DebugString(), result.tables(i).DebugString());
  }
  EXPECT_EQ(SetsIn(plan), SetsIn(result));
}

// Left by the shell line that people use: chains and sets without hooks.
TEST_P(CleanupOfLayoutTest, WhatAHalfCleanUpLeftGoesToo) {
  LoadForeign(flavour());
  const std::string before = KernelText();
  LoadKubeRouter(flavour(), layout());
  for (const Family family : kFamilies) {
    const std::string tool = Xtables(family, flavour());
    for (const char* chain : {"INPUT", "FORWARD", "OUTPUT"}) {
      const std::string ours = absl::StrCat("KUBE-ROUTER-", chain);
      // Also where somebody had put it in twice.
      Tool({tool, "-A", chain, "-j", ours});
      if (family == Family::kIPv6) continue;
      Tool({tool, "-D", chain, "-j", ours});
      Tool({tool, "-F", ours});
    }
  }
  Tool({"ipset", "destroy", "TMP-UUUUVVVVWWWWXXXX"});
  const v1::CleanupResult result = CleanUp();
  ExpectClean(result);
  EXPECT_EQ(result.tables(1).hooks(), 6u);
  EXPECT_EQ(KernelText(), before);
}

// One flavour at a time.
class CleanupOfFlavourTest : public CleanupTest,
                             public testing::WithParamInterface<Flavour> {};

INSTANTIATE_TEST_SUITE_P(All, CleanupOfFlavourTest,
                         testing::ValuesIn(kFlavours), [](const auto& info) {
                           return std::string(FlavourName(info.param));
                         });

TEST_P(CleanupOfFlavourTest, AChainThatAForeignRuleLeadsToIsEmptiedAndTold) {
  LoadForeign(GetParam());
  LoadKubeRouter(GetParam(), OldLayout::kV211);
  const std::string tool = Xtables(Family::kIPv4, GetParam());
  Tool({tool, "-A", "SITE-RULES", "-s", "192.0.2.9", "-j",
        "KUBE-POD-FW-73TH3XCTPN7ZVLZ2"});
  const v1::CleanupResult result = CleanUp();
  EXPECT_FALSE(result.complete());
  EXPECT_THAT(
      TextsOf(result),
      ElementsAre(AllOf(
          HasSubstr("KUBE-POD-FW-73TH3XCTPN7ZVLZ2"), HasSubstr("SITE-RULES"),
          HasSubstr(FlavourName(GetParam())), HasSubstr("remove that rule"))));
  EXPECT_THAT(Tool({tool, "-S", "KUBE-POD-FW-73TH3XCTPN7ZVLZ2"}),
              Not(HasSubstr("-A ")));
  EXPECT_THAT(FilterText(Family::kIPv4, GetParam()),
              AllOf(Not(HasSubstr(":KUBE-ROUTER")),
                    HasSubstr("-A SITE-RULES -s 192.0.2.9/32 -j KUBE-POD-FW")));
  EXPECT_THAT(SetNames(), SizeIs(4));

  Tool({tool, "-D", "SITE-RULES", "-s", "192.0.2.9", "-j",
        "KUBE-POD-FW-73TH3XCTPN7ZVLZ2"});
  const v1::CleanupResult again = CleanUp();
  ExpectClean(again);
  EXPECT_THAT(again.tables(), SizeIs(1));
  EXPECT_THAT(FilterText(Family::kIPv4, GetParam()),
              Not(HasSubstr(":KUBE-POD-FW")));
}

// Early releases accepted in the built-in chains.
TEST_P(CleanupOfFlavourTest, AnAcceptRuleOfAnOldReleaseGoesAlone) {
  LoadForeign(GetParam());
  const std::string before = KernelText();
  for (const Family family : kFamilies) {
    Tool({Xtables(family, GetParam()), "-I", "FORWARD", "3", "-m", "comment",
          "--comment",
          "rule to explicitly ACCEPT traffic that comply to network policies",
          "-m", "mark", "--mark", "0x20000/0x20000", "-j", "ACCEPT"});
  }
  const v1::CleanupResult result = CleanUp();
  ExpectClean(result);
  ASSERT_THAT(result.tables(), SizeIs(2));
  EXPECT_EQ(result.tables(0).hooks(), 1u);
  EXPECT_THAT(result.tables(0).chains(), IsEmpty());
  EXPECT_EQ(KernelText(), before);
}

// An old chain may hold what its makers never put there.
TEST_P(CleanupOfFlavourTest, WhatOthersPutIntoOurChainsGoesWithThem) {
  LoadForeign(GetParam());
  const std::string before = KernelText();
  LoadKubeRouter(GetParam(), OldLayout::kV211);
  Tool({Xtables(Family::kIPv4, GetParam()), "-A", "KUBE-ROUTER-INPUT", "-m",
        "statistic", "--mode", "random", "--probability", "0.5", "-j",
        "SITE-RULES"});
  if (GetParam() == Flavour::kNft) {
    Tool({"nft", "add", "rule", "ip", "filter", "KUBE-ROUTER-INPUT", "tcp",
          "dport", "{", "22,", "23", "}", "accept"});
  }
  ExpectClean(CleanUp());
  EXPECT_EQ(KernelText(), before);
}

TEST_P(CleanupOfFlavourTest, ASetInAForeignListOfSetsIsTold) {
  LoadKubeRouter(GetParam(), OldLayout::kV211);
  Tool({"ipset", "restore"},
       "create site-list list:set\nadd site-list KUBE-SRC-IIIIJJJJKKKKLLLL\n");
  const v1::CleanupResult result = CleanUp();
  EXPECT_THAT(TextsOf(result),
              ElementsAre(AllOf(HasSubstr("set KUBE-SRC-IIIIJJJJKKKKLLLL"),
                                HasSubstr("list of sets"))));
  Tool({"ipset", "destroy", "site-list"});
  ExpectClean(CleanUp());
}

TEST_P(CleanupOfFlavourTest, ASetThatAForeignRuleUsesIsTold) {
  LoadForeign(GetParam());
  LoadKubeRouter(GetParam(), OldLayout::kV211);
  Tool({Xtables(Family::kIPv4, GetParam()), "-A", "FORWARD", "-m", "set",
        "--match-set", "kube-router-local-pods", "src", "-j", "DROP"});
  const v1::CleanupResult result = CleanUp();
  EXPECT_FALSE(result.complete());
  EXPECT_THAT(
      TextsOf(result),
      ElementsAre(AllOf(HasSubstr("set kube-router-local-pods"),
                        HasSubstr("still in use"), HasSubstr("remove"))));
  EXPECT_EQ(SetsIn(result), 5);
  Tool({Xtables(Family::kIPv4, GetParam()), "-D", "FORWARD", "-m", "set",
        "--match-set", "kube-router-local-pods", "src", "-j", "DROP"});
  ExpectClean(CleanUp());
}

TEST_F(CleanupTest, BothFlavoursAreCleanedInOneGo) {
  for (const Flavour flavour : kFlavours) LoadForeign(flavour);
  LoadNativeNft();
  const std::string before = KernelText();
  LoadKubeRouter(Flavour::kLegacy, OldLayout::kV26);
  LoadKubeRouter(Flavour::kNft, OldLayout::kV211);
  LoadKubeRouterNftTables();
  const v1::CleanupResult result = CleanUp();
  ExpectClean(result);
  EXPECT_EQ(KernelText(), before);
  EXPECT_THAT(
      TablesOf(result),
      ElementsAre("legacy IPv4 filter", "legacy IPv6 filter", "nft IPv4 filter",
                  "nft IPv6 filter", "nft IPv4 whole kube-router-filter-ipv4",
                  "nft IPv6 whole kube-router-filter-ipv6"));
  EXPECT_EQ(result.kernel_writes().table_commits(), 6u);
}

// Somebody holds the lock of the legacy tables and does not let go.
TEST_F(CleanupTest, AFlavourThatFailsDoesNotStopTheOther) {
  LoadForeign(Flavour::kNft);
  LoadKubeRouter(Flavour::kLegacy, OldLayout::kV211);
  LoadKubeRouter(Flavour::kNft, OldLayout::kV211);
  const std::string legacy = FilterText(Family::kIPv4, Flavour::kLegacy);
  const int file =
      open(XtablesLockPath().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(file, 0);
  ASSERT_EQ(flock(file, LOCK_EX), 0);
  const v1::CleanupResult result = CleanUp(absl::Milliseconds(20));
  close(file);
  EXPECT_FALSE(result.complete());
  EXPECT_THAT(TextsOf(result),
              Contains(AllOf(HasSubstr("legacy IPv4 table filter is as it was"),
                             HasSubstr("clean up again"))));
  EXPECT_THAT(TablesOf(result),
              ElementsAre("nft IPv4 filter", "nft IPv6 filter"));
  EXPECT_EQ(FilterText(Family::kIPv4, Flavour::kLegacy), legacy);
  EXPECT_THAT(FilterText(Family::kIPv4, Flavour::kNft),
              Not(HasSubstr(":KUBE-ROUTER")));
  // Free where only rules that went used it.
  EXPECT_THAT(SetNames(), Not(Contains("TMP-UUUUVVVVWWWWXXXX")));
  EXPECT_THAT(TextsOf(result),
              Contains(HasSubstr("set kube-router-local-pods")));
  ExpectClean(CleanUp());
}

// Though there is nothing left to do about it.
TEST_F(CleanupTest, AChainThatOthersHoldIsToldEachTime) {
  for (const char* flavour : {"legacy", "nft"}) {
    const std::string tool = absl::StrCat("iptables-", flavour);
    Tool({tool, "-N", "KUBE-POD-FW-HELD"});
    Tool({tool, "-N", "SITE"});
    Tool({tool, "-A", "SITE", "-j", "KUBE-POD-FW-HELD"});
  }
  for (int time = 0; time < 2; ++time) {
    const v1::CleanupResult result = CleanUp();
    EXPECT_FALSE(result.complete());
    ASSERT_EQ(result.tables_size(), 2);
    for (const v1::RemovedTable& table : result.tables()) {
      EXPECT_EQ(table.chains_size(), 0) << "none of it went";
      ASSERT_EQ(table.kept_size(), 1);
      EXPECT_EQ(table.kept(0).referrer(), "SITE");
    }
  }
}

// A jump by a native verdict map is no rule that iptables could show.
TEST_F(CleanupTest, AChainThatANativeMapLeadsToIsKept) {
  LoadForeign(Flavour::kNft);
  LoadKubeRouter(Flavour::kNft, OldLayout::kV211);
  Tool({"nft", "-f", "-"},
       "add rule ip filter SITE-RULES tcp dport vmap { 22 : jump "
       "KUBE-POD-FW-73TH3XCTPN7ZVLZ2 }\n");
  const v1::CleanupResult result = CleanUp();
  EXPECT_FALSE(result.complete());
  EXPECT_THAT(TextsOf(result),
              Contains(HasSubstr("KUBE-POD-FW-73TH3XCTPN7ZVLZ2")));
  EXPECT_THAT(Tool({"nft", "list", "chain", "ip", "filter", "SITE-RULES"}),
              HasSubstr("vmap"));
}

}  // namespace
}  // namespace netpol
