#include "netpol/dataplane/host/preflight.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/flavour.h"
#include "tests/dataplane/ipset/private_network.h"

namespace netpol {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

class PreflightTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!EnterPrivateNetwork())
      GTEST_SKIP() << "needs root to make a network namespace";
    options_.lock_path = absl::StrCat(testing::TempDir(), "/xtables.lock");
  }

  PreflightOptions options_;
};

const PreflightFinding& Named(const std::vector<PreflightFinding>& findings,
                              const std::string& name) {
  static const PreflightFinding missing;
  for (const PreflightFinding& finding : findings) {
    if (finding.name == name) return finding;
  }
  ADD_FAILURE() << "no finding " << name;
  return missing;
}

TEST_F(PreflightTest, APreparedMachineHasEverything) {
  const std::vector<PreflightFinding> findings = RunPreflight(options_);
  EXPECT_EQ(findings.size(), 5u + 2 * (3 + 1 + 13));
  for (const PreflightFinding& finding : findings) {
    EXPECT_TRUE(finding.ok) << finding.name << ": " << finding.detail;
    EXPECT_FALSE(finding.detail.empty()) << finding.name;
    EXPECT_TRUE(finding.remedy.empty()) << finding.name;
  }
  EXPECT_THAT(Named(findings, "IPv6 match icmp6").detail,
              HasSubstr("revision 0"));
  EXPECT_THAT(Named(findings, "IPv4 match set").detail,
              HasSubstr("revision 4"));
}

TEST_F(PreflightTest, OnlyTheAskedFamiliesAreLookedAt) {
  options_.families = {Family::kIPv6};
  for (const PreflightFinding& finding : RunPreflight(options_)) {
    EXPECT_FALSE(absl::StartsWith(finding.name, "IPv4")) << finding.name;
  }
}

TEST_F(PreflightTest, NothingIsWritten) {
  RunPreflight(options_);
  EXPECT_EQ(Shell("ipset save"), "");
  EXPECT_NE(access(options_.lock_path.c_str(), F_OK), 0);
}

TEST_F(PreflightTest, ALockThatCannotBeMadeIsFoundWithARemedy) {
  options_.lock_path = "/nosuch/xtables.lock";
  const std::vector<PreflightFinding> findings = RunPreflight(options_);
  const PreflightFinding& lock = Named(findings, "xtables lock");
  EXPECT_FALSE(lock.ok);
  EXPECT_THAT(lock.detail, HasSubstr("/nosuch/xtables.lock"));
  EXPECT_THAT(lock.remedy, HasSubstr("XTABLES_LOCKFILE"));
}

TEST_F(PreflightTest, TheLockPathIsTakenFromTheEnvironment) {
  const std::string path = absl::StrCat(testing::TempDir(), "/other.lock");
  std::ofstream(path) << "";
  setenv("XTABLES_LOCKFILE", path.c_str(), 1);
  options_.lock_path.clear();
  const std::vector<PreflightFinding> findings = RunPreflight(options_);
  unsetenv("XTABLES_LOCKFILE");
  EXPECT_EQ(Named(findings, "xtables lock").detail,
            absl::StrCat(path, " can be opened for writing"));
}

TEST_F(PreflightTest, WithoutPrivilegesItSaysWhatItCouldNotCheck) {
  std::vector<PreflightFinding> findings;
  WithoutPrivileges([&] { findings = RunPreflight(options_); });
  EXPECT_EQ(findings.size(), 5u + 2 * (3 + 1 + 13));
  for (const std::string name : {"CAP_NET_ADMIN", "CAP_NET_RAW"}) {
    EXPECT_FALSE(Named(findings, name).ok) << name;
    EXPECT_THAT(Named(findings, name).remedy, HasSubstr(name));
  }
  for (const std::string name :
       {"ipset", "IPv4 set type hash:ip", "IPv4 table filter",
        "IPv6 match conntrack", "IPv6 target NFLOG"}) {
    const PreflightFinding& finding = Named(findings, name);
    EXPECT_FALSE(finding.ok) << name;
    EXPECT_THAT(finding.detail, HasSubstr("could not be checked")) << name;
    EXPECT_THAT(finding.remedy, HasSubstr("CAP_NET_ADMIN")) << name;
  }
}

TEST_F(PreflightTest, ABridgeThatGoesUnfilteredIsABlindSpotWithARemedy) {
  Shell("echo 0 > /proc/sys/net/bridge/bridge-nf-call-iptables");
  for (const PreflightFinding& finding : FindBlindSpots(options_))
    EXPECT_TRUE(finding.ok) << finding.name << ": " << finding.detail;
  Shell("ip link add br-test type bridge");
  const std::vector<PreflightFinding> findings = FindBlindSpots(options_);
  EXPECT_EQ(findings.size(), 2u);
  EXPECT_TRUE(Named(findings, "IPv6 bridge netfilter").ok);
  const PreflightFinding& blind = Named(findings, "IPv4 bridge netfilter");
  EXPECT_FALSE(blind.ok);
  EXPECT_THAT(blind.detail, HasSubstr("br-test"));
  EXPECT_THAT(blind.remedy, HasSubstr("br_netfilter"));
}

class NftPreflightTest : public PreflightTest {
 protected:
  void SetUp() override {
    PreflightTest::SetUp();
    options_.flavour = Flavour::kNft;
  }
};

TEST_F(NftPreflightTest, APreparedMachineHasEverything) {
  const std::vector<PreflightFinding> findings = RunPreflight(options_);
  EXPECT_EQ(findings.size(), 4u + 2 * (3 + 2 + 13));
  for (const PreflightFinding& finding : findings) {
    EXPECT_TRUE(finding.ok) << finding.name << ": " << finding.detail;
    EXPECT_TRUE(finding.remedy.empty()) << finding.name;
    EXPECT_NE(finding.name, "xtables lock");
    EXPECT_FALSE(absl::EndsWith(finding.name, "table filter")) << finding.name;
  }
  EXPECT_EQ(Named(findings, "IPv4 nf_tables").detail, "answers");
  EXPECT_THAT(Named(findings, "IPv6 ip6tables-nft-restore").detail,
              MatchesRegex("/.*/ip6tables-nft-restore, .*v[0-9].*nf_tables."));
  EXPECT_THAT(Named(findings, "IPv4 match set").detail,
              HasSubstr("revision 4"));
}

TEST_F(NftPreflightTest, NeitherFlavourGetsATable) {
  RunPreflight(options_);
  EXPECT_EQ(Shell("cat /proc/self/net/ip_tables_names "
                  "/proc/self/net/ip6_tables_names; nft list ruleset"),
            "");
}

TEST_F(NftPreflightTest, TheOtherFlavourMakesNoTableOfThisOne) {
  options_.flavour = Flavour::kLegacy;
  RunPreflight(options_);
  EXPECT_EQ(Shell("nft list ruleset"), "");
}

TEST_F(NftPreflightTest, WithoutPrivilegesItSaysWhatItCouldNotCheck) {
  std::vector<PreflightFinding> findings;
  WithoutPrivileges([&] { findings = RunPreflight(options_); });
  EXPECT_EQ(findings.size(), 4u + 2 * (3 + 2 + 13));
  for (const std::string name :
       {"IPv4 nf_tables", "IPv6 match conntrack", "IPv6 target NFLOG"}) {
    const PreflightFinding& finding = Named(findings, name);
    EXPECT_FALSE(finding.ok) << name;
    EXPECT_THAT(finding.detail, HasSubstr("could not be checked")) << name;
    EXPECT_THAT(finding.remedy, HasSubstr("CAP_NET_ADMIN")) << name;
  }
}

TEST_F(NftPreflightTest, AProgramThatCannotRunIsFoundWithARemedy) {
  const std::string folder = absl::StrCat(testing::TempDir(), "/broken");
  Shell(absl::StrCat("mkdir -p ", folder, "; printf '#!/bin/sh\\nexit 127' > ",
                     folder, "/iptables-nft-restore; chmod 755 ", folder,
                     "/iptables-nft-restore"));
  const std::string path = getenv("PATH") == nullptr ? "" : getenv("PATH");
  setenv("PATH", absl::StrCat(folder, ":", path).c_str(), 1);
  const std::vector<PreflightFinding> findings = RunPreflight(options_);
  setenv("PATH", path.c_str(), 1);
  const PreflightFinding& broken = Named(findings, "IPv4 iptables-nft-restore");
  EXPECT_FALSE(broken.ok);
  EXPECT_THAT(broken.detail, HasSubstr(folder));
  EXPECT_THAT(broken.remedy, HasSubstr("iptables 1.8"));
  EXPECT_TRUE(Named(findings, "IPv6 ip6tables-nft-restore").ok);
}

}  // namespace
}  // namespace netpol
