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
#include "tests/dataplane/ipset/private_network.h"

namespace netpol {
namespace {

using testing::HasSubstr;

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

}  // namespace
}  // namespace netpol
