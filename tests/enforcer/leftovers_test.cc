// What is removed beside the tables that we enforce in, and what is not.
#include "netpol/enforcer/leftovers.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/dataplane/legacy/xtables_lock.h"
#include "netpol/enforcer/table_removal.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/node_process.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr char kRules[] =
    "*filter\n"
    ":KUBE-ROUTER-FORWARD - [0:0]\n"
    ":KUBE-POD-FW-OLD - [0:0]\n"
    ":SITE - [0:0]\n"
    "-A FORWARD -m comment --comment \"kube-router netpol - "
    "TEMCG2JMHZYE7H7T\" -j KUBE-ROUTER-FORWARD\n"
    "-A FORWARD -m comment --comment \"not KUBE-ROUTER\" -j SITE\n"
    "-A KUBE-ROUTER-FORWARD -j KUBE-POD-FW-OLD\n"
    "-A KUBE-POD-FW-OLD -j DROP\n"
    "COMMIT\n";

class LeftoversTest : public LabFixture {
 protected:
  void SetUp() override {
    LabFixture::SetUp();
    if (IsSkipped()) return;
    auto ns = NetNs::Create();
    ASSERT_TRUE(ns.ok()) << ns.status();
    ns_.emplace(*std::move(ns));
  }

  std::string Tool(const std::vector<std::string>& argv,
                   const std::string& input = "") {
    const auto result = RunProgram(*ns_, Program{argv, input, {}});
    EXPECT_TRUE(result.ok()) << result.status();
    if (!result.ok()) return "";
    EXPECT_EQ(result->exit_code, 0) << argv[0] << ": " << result->err;
    return result->out;
  }

  std::vector<std::string> Sweep(Flavour flavour,
                                 const std::vector<Family>& families) {
    SweepReport report;
    const absl::Status ran = ns_->Run([&]() -> absl::Status {
      report = SweepLeftovers(flavour, families, absl::Seconds(1));
      return report.status;
    });
    EXPECT_TRUE(ran.ok()) << ran;
    return report.done;
  }

  size_t OurChains(Flavour flavour, Family family) {
    size_t chains = 99;
    const absl::Status ran = ns_->Run([&]() -> absl::Status {
      const auto found = FindOurTable(flavour, family);
      if (found.ok()) chains = found->chains.size();
      return found.status();
    });
    EXPECT_TRUE(ran.ok()) << ran;
    return chains;
  }

  absl::optional<NetNs> ns_;
};

TEST_F(LeftoversTest, TheOtherFlavourIsSweptAndOursStays) {
  for (const char* tool : {"iptables-legacy-restore", "iptables-nft-restore",
                           "ip6tables-legacy-restore"}) {
    Tool({tool}, kRules);
  }
  EXPECT_THAT(
      Sweep(Flavour::kNft, {Family::kIPv4, Family::kIPv6}),
      ElementsAre(HasSubstr("legacy IPv4 table filter: 2 chains with 2 rules, "
                            "1 jump"),
                  HasSubstr("legacy IPv6 table filter")));
  EXPECT_EQ(OurChains(Flavour::kLegacy, Family::kIPv4), 0u);
  EXPECT_EQ(OurChains(Flavour::kLegacy, Family::kIPv6), 0u);
  EXPECT_EQ(OurChains(Flavour::kNft, Family::kIPv4), 2u);
  EXPECT_THAT(Tool({"iptables-legacy-save"}),
              HasSubstr("-A FORWARD -m comment --comment \"not KUBE-ROUTER\" "
                        "-j SITE\n"));
  EXPECT_THAT(Sweep(Flavour::kNft, {Family::kIPv4, Family::kIPv6}), IsEmpty());
}

TEST_F(LeftoversTest, AFamilyThatIsOffLosesItsRulesAndItsSets) {
  Tool({"iptables-legacy-restore"}, kRules);
  Tool({"ip6tables-legacy-restore"}, kRules);
  Tool({"ipset", "create", "KUBE-SRC-A", "hash:ip"});
  Tool({"ipset", "create", "inet6:KUBE-SRC-A", "hash:ip", "family", "inet6"});
  Tool({"ipset", "create", "site", "hash:ip", "family", "inet6"});
  Tool({"ip6tables-legacy", "-A", "KUBE-POD-FW-OLD", "-m", "set", "--match-set",
        "inet6:KUBE-SRC-A", "src", "-j", "DROP"});
  EXPECT_THAT(Sweep(Flavour::kLegacy, {Family::kIPv4}),
              ElementsAre(HasSubstr("legacy IPv6 table filter"),
                          HasSubstr("removed 1 set of IPv6, which is off")));
  EXPECT_EQ(OurChains(Flavour::kLegacy, Family::kIPv4), 2u);
  EXPECT_EQ(OurChains(Flavour::kLegacy, Family::kIPv6), 0u);
  EXPECT_EQ(Tool({"ipset", "list", "-name"}), "KUBE-SRC-A\nsite\n");
}

TEST_F(LeftoversTest, NothingIsMadeByLooking) {
  EXPECT_THAT(Sweep(Flavour::kNft, {Family::kIPv4}), IsEmpty());
  EXPECT_EQ(Tool({"cat", "/proc/net/ip_tables_names"}), "");
  EXPECT_EQ(Tool({"cat", "/proc/net/ip6_tables_names"}), "");
  EXPECT_THAT(Sweep(Flavour::kLegacy, {Family::kIPv4}), IsEmpty());
  EXPECT_EQ(Tool({"nft", "list", "ruleset"}), "");
}

TEST_F(LeftoversTest, KubeRoutersOwnNftablesTablesGo) {
  Tool({"nft", "-f", "-"},
       "table ip kube-router-filter-ipv4 {\n"
       " chain KUBE-ROUTER-FORWARD {\n"
       "  type filter hook forward priority 0; policy accept;\n"
       "  counter drop\n }\n}\n"
       "table ip6 kube-router-filter-ipv6 {\n}\n"
       "table inet site {\n}\n");
  EXPECT_THAT(Sweep(Flavour::kLegacy, {Family::kIPv4, Family::kIPv6}),
              UnorderedElementsAre(HasSubstr("kube-router-filter-ipv4"),
                                   HasSubstr("kube-router-filter-ipv6")));
  const std::string left = Tool({"nft", "list", "ruleset"});
  EXPECT_THAT(left, HasSubstr("table inet site"));
  EXPECT_THAT(left, Not(HasSubstr("kube-router")));
}

TEST_F(LeftoversTest, ASetThatSomebodyUsesIsToldAndLeft) {
  Tool({"ipset", "create", "inet6:KUBE-SRC-A", "hash:ip", "family", "inet6"});
  Tool({"ipset", "create", "inet6:KUBE-SRC-B", "hash:ip", "family", "inet6"});
  Tool({"ip6tables-legacy", "-A", "INPUT", "-m", "set", "--match-set",
        "inet6:KUBE-SRC-A", "src", "-j", "DROP"});
  EXPECT_THAT(Sweep(Flavour::kLegacy, {Family::kIPv4}),
              UnorderedElementsAre(HasSubstr("removed 1 set of IPv6"),
                                   HasSubstr("1 set of IPv6, which is off, "
                                             "left")));
  EXPECT_EQ(Tool({"ipset", "list", "-name"}), "inet6:KUBE-SRC-A\n");
}

TEST_F(LeftoversTest, ALockThatIsHeldIsAnErrorAndTheRestIsDone) {
  Tool({"iptables-legacy-restore"}, kRules);
  Tool({"iptables-nft-restore"}, kRules);
  const auto lock =
      XtablesLock::Acquire(XtablesLock::DefaultPath(), absl::Seconds(10));
  ASSERT_TRUE(lock.ok()) << lock.status();
  SweepReport report;
  ASSERT_TRUE(ns_->Run([&]() -> absl::Status {
                   report = SweepLeftovers(Flavour::kNft, {Family::kIPv6},
                                           absl::Milliseconds(10));
                   return absl::OkStatus();
                 })
                  .ok());
  EXPECT_THAT(std::string(report.status.message()),
              HasSubstr("legacy IPv4 table filter"));
  EXPECT_THAT(report.done, ElementsAre(HasSubstr("nft IPv4 table filter")));
  EXPECT_EQ(OurChains(Flavour::kLegacy, Family::kIPv4), 2u);
}

}  // namespace
}  // namespace netpol
