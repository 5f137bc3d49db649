// Clean-up of what older releases left in the kernel, between the sets and
// rules of others.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cases/node_and_neighbours/neighbour_node.h"
#include "tests/kernel/lab/lab_flavour.h"

namespace netpol {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// The packets of foreign rules were counted before we came.
std::string WithCounters(const std::string& rules) {
  return absl::StrReplaceAll(
      rules,
      {{"\n-A SITE-RULES", "\n[7:420] -A SITE-RULES"},
       {"\n-A INPUT -j SITE-RULES", "\n[9:540] -A INPUT -j SITE-RULES"}});
}

class OlderLayoutTest : public NeighbourNodeTest {
 protected:
  void LoadRules() {
    Tool({LabTool("iptables-restore"), "-c"},
         WithCounters(FixtureText("C081/before.iptables-save")));
  }
  void LoadRulesAndSets() {
    Tool({"ipset", "restore"}, FixtureText("C081/before.ipset-save"));
    LoadRules();
  }
  // `netpolctl cleanup`, which must end well.
  std::string CleanUp(std::vector<std::string> more = {}) {
    std::vector<std::string> argv = {
        "netpol/daemon/netpolctl", "cleanup",
        absl::StrCat("--run-lock=", testing::TempDir(), "/run.lock")};
    argv.insert(argv.end(), more.begin(), more.end());
    return Tool(argv);
  }
  std::vector<std::string> SetNames() {
    return LinesWith(Tool({"ipset", "list", "-name"}), "");
  }
};

TEST_F(OlderLayoutTest, NothingOfOursIsLeftAndForeignThingsAreAsTheyWere) {
  LoadRulesAndSets();
  EXPECT_THAT(CleanUp(), HasSubstr("removed: IPv4: 3 sets\n"));
  EXPECT_EQ(FilterTable(),
            "*filter\n"
            ":INPUT ACCEPT\n"
            ":FORWARD ACCEPT\n"
            ":OUTPUT ACCEPT\n"
            ":KUBE-FORWARD -\n"
            ":SITE-RULES -\n"
            "-A INPUT -j SITE-RULES\n"
            "-A FORWARD -j KUBE-FORWARD\n"
            "-A SITE-RULES -s 192.0.2.66/32 -j DROP\n"
            "COMMIT\n");
  const std::string kernel = KernelText();
  EXPECT_THAT(kernel, HasSubstr("[7:420] -A SITE-RULES"));
  EXPECT_THAT(kernel, HasSubstr("[9:540] -A INPUT -j SITE-RULES"));
  EXPECT_THAT(SetNames(), testing::ElementsAre("site-blocklist"));
  EXPECT_THAT(kernel, HasSubstr("add site-blocklist 192.0.2.64/26\n"));
}

TEST_F(OlderLayoutTest, ASecondCleanUpChangesNothing) {
  LoadRulesAndSets();
  CleanUp();
  const std::string after = KernelText();
  EXPECT_THAT(CleanUp({"--output=json"}),
              HasSubstr("\"foundAnything\": false"));
  EXPECT_EQ(KernelText(), after);
}

TEST_F(OlderLayoutTest, TheOtherFamilyIsCleanedAsWell) {
  Tool({LabTool("ip6tables-restore")},
       "*filter\n"
       ":KUBE-ROUTER-INPUT -\n"
       ":SITE-RULES -\n"
       "-A INPUT -j KUBE-ROUTER-INPUT\n"
       "-A INPUT -j SITE-RULES\n"
       "-A OUTPUT -m comment --comment \"rule to explicitly ACCEPT traffic "
       "that comply to network policies\" -m mark --mark 0x20000/0x20000 "
       "-j ACCEPT\n"
       "COMMIT\n");
  CleanUp();
  EXPECT_EQ(FilterTable(Family::kIPv6),
            "*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n"
            ":SITE-RULES -\n-A INPUT -j SITE-RULES\nCOMMIT\n");
}

TEST_F(OlderLayoutTest, SetsThatAreMissingAlreadyAreNotMissed) {
  // A rule with a set cannot be loaded without it.
  LoadRulesAndSets();
  Tool({LabTool("iptables"), "-F", "KUBE-NWPLCY-AAAABBBBCCCCDDDD"});
  for (const std::string& set : SetNames()) Tool({"ipset", "destroy", set});
  CleanUp();
  EXPECT_THAT(FilterTable(), Not(HasSubstr("KUBE-ROUTER")));
  EXPECT_THAT(SetNames(), IsEmpty());
}

TEST_F(OlderLayoutTest, DryRunNamesAllAndWritesNothing) {
  LoadRulesAndSets();
  const std::string before = KernelText();
  Program program;
  program.argv = {"netpol/daemon/netpolctl", "cleanup", "--dry-run"};
  const absl::StatusOr<ProgramResult> result = lab().ExecOnNode(program);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 2) << result->err;
  EXPECT_THAT(result->out, HasSubstr("TMP-UUUUVVVVWWWWXXXX"));
  EXPECT_THAT(result->out, HasSubstr("KUBE-SRC-IIIIJJJJKKKKLLLL"));
  EXPECT_EQ(KernelText(), before);
}

// Others may write our words, use our mark, or name a set alike.
TEST_F(OlderLayoutTest, WhatOnlyLooksLikeOursStays) {
  const std::string foreign =
      "-A INPUT -m comment --comment \"see KUBE-ROUTER accept, old place\" "
      "-m mark --mark 0x20000/0x20000 -j ACCEPT\n"
      "-A INPUT -s 192.0.2.0/24 -m comment --comment \"KUBE-ROUTER accept\" "
      "-m mark --mark 0x20000/0x20000 -j ACCEPT\n"
      "-A INPUT -m comment --comment \"KUBE-ROUTER accept\" -m mark --mark "
      "0x20000 -j ACCEPT\n"
      "-A INPUT -m comment --comment \"KUBE-ROUTER accept\" -m mark ! --mark "
      "0x20000/0x20000 -j ACCEPT\n"
      "-A INPUT -m comment --comment \"KUBE-ROUTER accept\" -m mark --mark "
      "0x20000/0x20000 -j DROP\n"
      "-A INPUT -m mark --mark 0x20000/0x20000 -j ACCEPT\n"
      "-A FORWARD -m comment --comment \"KUBE-ROUTER jump\" -j SITE-RULES\n"
      "-A SITE-RULES -m comment --comment \"KUBE-ROUTER accept\" -m mark "
      "--mark 0x20000/0x20000 -j ACCEPT\n";
  Tool({LabTool("iptables-restore")},
       absl::StrCat("*filter\n:SITE-RULES -\n", foreign, "COMMIT\n"));
  Tool({"ipset", "restore"},
       "create TMP-UUUUVVVVWWWWXXX hash:ip\n"
       "create TMP-UUUUVVVVWWWWXXXXY hash:ip\n"
       "create TMP-uuuuvvvvwwwwxxxx hash:ip\n"
       "create TMP-UUUUVVVVWWWWXXX1 hash:ip\n"
       "create MY-TMP-UUUUVVVVWWWWXXXX hash:ip\n"
       "create TMP-AAAABBBBCCCCDDDD bitmap:port range 1-100\n");
  const std::string before = KernelText();
  EXPECT_THAT(CleanUp({"--output=json"}),
              HasSubstr("\"foundAnything\": false"));
  EXPECT_EQ(KernelText(), before);
}

TEST_F(OlderLayoutTest, ATemporarySetThatAForeignRuleUsesIsReported) {
  Tool({"ipset", "create", "TMP-UUUUVVVVWWWWXXXX", "hash:ip"});
  Tool({LabTool("iptables"), "-A", "INPUT", "-m", "set", "--match-set",
        "TMP-UUUUVVVVWWWWXXXX", "src", "-j", "DROP"});
  Program program;
  program.argv = {"netpol/daemon/netpolctl", "cleanup",
                  absl::StrCat("--run-lock=", testing::TempDir(), "/run.lock")};
  const absl::StatusOr<ProgramResult> result = lab().ExecOnNode(program);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 1);
  EXPECT_THAT(result->err, HasSubstr("TMP-UUUUVVVVWWWWXXXX: still in use"));
}

// A kube-router that still runs may be in the middle of its load.
TEST_F(OlderLayoutTest, EnforcingLeavesTemporarySetsAndAcceptRulesAlone) {
  LoadRulesAndSets();
  EnforceCase("C089");
  EXPECT_THAT(SetNames(), testing::Contains("TMP-UUUUVVVVWWWWXXXX"));
  EXPECT_THAT(FilterTable(), HasSubstr("KUBE-ROUTER accept, old place"));
  EXPECT_THAT(FilterTable(), Not(HasSubstr("KUBE-NWPLCY-AAAABBBBCCCCDDDD")));
}

}  // namespace
}  // namespace netpol
