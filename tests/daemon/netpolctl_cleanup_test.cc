// `cleanup`, and the two flags of `run` that do the same.
#include <signal.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/enforcer/node_claim.h"
#include "nlohmann/json.hpp"
#include "tests/daemon/netpolctl_lab.h"
#include "tests/enforcer/old_node.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr char kNetpolctl[] = "netpol/daemon/netpolctl";

std::string RunLockFlag() {
  return absl::StrCat("--run-lock=", testing::TempDir(), "/run.lock.",
                      getpid());
}

// Held in `ns` until the object is gone.
NodeClaim TakeClaim(const NetNs& ns) {
  absl::optional<NodeClaim> claim;
  const absl::Status ran = ns.Run([&]() -> absl::Status {
    absl::StatusOr<NodeClaim> taken =
        NodeClaim::Take(NodeClaim::WhenUnknown::kRefuse);
    if (taken.ok()) claim = *std::move(taken);
    return taken.status();
  });
  EXPECT_TRUE(ran.ok()) << ran;
  return *std::move(claim);
}

class NetpolctlCleanupTest : public OldNodeTest {
 protected:
  ProgramResult Cleanup(std::vector<std::string> more = {}) {
    std::vector<std::string> argv = {kNetpolctl, "cleanup", RunLockFlag()};
    argv.insert(argv.end(), more.begin(), more.end());
    return TryTool(std::move(argv));
  }
  // Where the programs of iptables are not.
  ProgramResult CleanupWithoutPrograms(const std::string& more = "") {
    return TryTool(
        {"unshare", "--mount", "/bin/sh", "-c",
         absl::StrCat("mount -t tmpfs none /usr/sbin && exec ", kNetpolctl,
                      " cleanup ", RunLockFlag(), " ", more)});
  }
  void LoadBothFlavours() {
    for (const Flavour flavour : kFlavours) {
      LoadForeign(flavour);
      LoadKubeRouter(flavour, OldLayout::kV211);
    }
  }
};

TEST_F(NetpolctlCleanupTest, WhatApplyMadeGoesInEitherFlavour) {
  for (const Flavour flavour : kFlavours) {
    LoadForeign(flavour);
    const std::string before = KernelText();
    LoadOurs(flavour);
    ASSERT_NE(KernelText(), before);
    const ProgramResult result = Cleanup();
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out,
                AllOf(HasSubstr(absl::StrCat("removed: ", FlavourName(flavour),
                                             " IPv6: 3 hooks, ")),
                      HasSubstr("removed: IPv4: 2 sets\n"),
                      HasSubstr("table commits 2)")));
    EXPECT_EQ(KernelText(), before);
  }
}

TEST_F(NetpolctlCleanupTest, NeedsNoneOfTheProgramsOfIptables) {
  LoadForeign(Flavour::kLegacy);
  LoadForeign(Flavour::kNft);
  LoadNativeNft();
  const std::string before = KernelText();
  LoadBothFlavours();
  const std::string loaded = KernelText();
  const ProgramResult pipeline = CleanupWithoutPrograms("--mode=pipeline");
  EXPECT_EQ(pipeline.exit_code, 1);
  EXPECT_THAT(pipeline.err, HasSubstr("iptables-save"));
  EXPECT_EQ(KernelText(), loaded);
  const ProgramResult result = CleanupWithoutPrograms();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(FilterText(Family::kIPv4, Flavour::kLegacy),
              Not(HasSubstr(":KUBE-ROUTER")));
  EXPECT_THAT(Tool({"nft", "list", "ruleset"}),
              Not(HasSubstr("jump KUBE-ROUTER-FORWARD")));
}

TEST_F(NetpolctlCleanupTest, JsonSaysWhatWentForEachFlavourAndFamily) {
  LoadBothFlavours();
  const ProgramResult result = Cleanup({"--output=json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json json = nlohmann::json::parse(result.out);
  ASSERT_THAT(json["tables"], SizeIs(4));
  EXPECT_EQ(json["tables"][2]["flavour"], "nft");
  EXPECT_EQ(json["tables"][2]["family"], "IPv4");
  EXPECT_EQ(json["tables"][2]["hooks"], 3);
  EXPECT_EQ(json["tables"][2]["rules"], 20);
  EXPECT_THAT(json["tables"][2]["chains"], SizeIs(8));
  EXPECT_EQ(json["sets"][0]["family"], "IPv4");
  EXPECT_EQ(json["complete"], true);
}

TEST_F(NetpolctlCleanupTest, ADryRunEndsWithACodeOfItsOwn) {
  EXPECT_EQ(Cleanup({"--dry-run"}).exit_code, 0);
  LoadBothFlavours();
  const std::string before = KernelText();
  const ProgramResult plan = Cleanup({"--dry-run"});
  EXPECT_EQ(plan.exit_code, 2) << plan.err;
  EXPECT_THAT(plan.out,
              AllOf(HasSubstr("- hooks IPv4 (legacy): 3 rules\n"),
                    HasSubstr("- chain IPv6 (nft) KUBE-NWPLCY-TAIL\n"),
                    HasSubstr("- set inet6:kube-router-local-pods\n")));
  const ProgramResult lines = Cleanup({"--dry-run", "--mode=pipeline"});
  EXPECT_EQ(lines.exit_code, 2) << lines.err;
  EXPECT_THAT(lines.out, HasSubstr("- IPv4 :KUBE-ROUTER-INPUT - [0:0]\n"));
  EXPECT_EQ(KernelText(), before);
}

TEST_F(NetpolctlCleanupTest, WhatStaysIsToldByNameAndExitCode) {
  LoadForeign(Flavour::kLegacy);
  LoadKubeRouter(Flavour::kLegacy, OldLayout::kV26);
  Tool({"iptables-legacy", "-A", "SITE-RULES", "-g",
        "KUBE-POD-FW-73TH3XCTPN7ZVLZ2"});
  const ProgramResult result = Cleanup();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("KUBE-POD-FW-73TH3XCTPN7ZVLZ2"),
                                HasSubstr("SITE-RULES")));
  EXPECT_THAT(result.out, HasSubstr("not all could be removed"));
}

TEST_F(NetpolctlCleanupTest, RefusesWhileSomebodyEnforcesUnlessForced) {
  LoadBothFlavours();
  const std::string before = KernelText();
  const NodeClaim claim = TakeClaim(ns());
  for (const char* mode : {"--mode=complete", "--mode=pipeline"}) {
    const ProgramResult result = Cleanup({mode});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, AllOf(HasSubstr(absl::StrCat("process ", getpid())),
                                  HasSubstr("--force")));
  }
  EXPECT_EQ(KernelText(), before);
  EXPECT_EQ(Cleanup({"--dry-run"}).exit_code, 2);
  const ProgramResult forced = Cleanup({"--force"});
  EXPECT_EQ(forced.exit_code, 0) << forced.err;
  EXPECT_THAT(SetNames(), SizeIs(4));
}

TEST_F(NetpolctlCleanupTest, RunWithCleanupConfigDoesTheSameAndEnds) {
  LoadForeign(Flavour::kNft);
  const std::string before = KernelText();
  LoadKubeRouter(Flavour::kNft, OldLayout::kV211);
  const ProgramResult result =
      TryTool({kNetpolctl, "run", "--cleanup-config", RunLockFlag(),
               "--kubeconfig=/nonexistent", "--hostname-override=node-a",
               "--enable-ipv6", "--service-cluster-ip-range=10.43.0.0/16"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("removed: nft IPv4: 3 hooks"));
  EXPECT_EQ(KernelText(), before);
  const NodeClaim claim = TakeClaim(ns());
  EXPECT_EQ(
      TryTool({kNetpolctl, "run", "--cleanup-config", RunLockFlag()}).exit_code,
      1);
}

class NetpolctlDisabledTest : public NetpolctlTest {
 protected:
  // Rules of ours, from manifests.
  void LoadRules() {
    WriteSmallCluster();
    ASSERT_EQ(Enforce("apply").exit_code, 0);
    ASSERT_THAT(Tool({"ipset", "list", "-name"}),
                HasSubstr("kube-router-local-pods"));
  }
  ProgramResult Status() {
    return Netpolctl(
        {"status", absl::StrCat("--control-socket=", control_socket())});
  }
};

TEST_F(NetpolctlDisabledTest, CleansUpThenStaysAndDoesNothing) {
  LoadRules();
  StartDaemon({"--disable-network-policy"});
  ASSERT_TRUE(AwaitLog("disabled: network policies are not enforced")) << log();
  EXPECT_EQ(Tool({"ipset", "list", "-name"}), "");
  const ProgramResult status = Status();
  EXPECT_EQ(status.exit_code, 0) << status.out << status.err;
  EXPECT_THAT(status.out,
              AllOf(HasSubstr("healthy, ready\n"), HasSubstr("note: disabled"),
                    Not(HasSubstr("cannot be opened"))));
  // The manifests that it was given are nothing to it.
  WriteSmallCluster();
  ASSERT_EQ(kill(daemon().pid(), SIGHUP), 0);
  ASSERT_TRUE(AwaitLog("SIGHUP")) << log();
  const absl::StatusOr<int> ended = daemon().Terminate(absl::Seconds(20));
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(*ended, 0);
  EXPECT_EQ(Tool({"ipset", "list", "-name"}), "");
}

TEST_F(NetpolctlDisabledTest, WaitsWhileSomebodyElseEnforces) {
  LoadRules();
  {
    const NodeClaim claim = TakeClaim(ns());
    StartDaemon({"--disable-network-policy"});
    ASSERT_TRUE(AwaitLog("nothing was cleaned up")) << log();
    ASSERT_TRUE(AwaitLog("not healthy")) << log();
    EXPECT_THAT(Tool({"ipset", "list", "-name"}),
                HasSubstr("kube-router-local-pods"));
    const ProgramResult status = Status();
    EXPECT_EQ(status.exit_code, 1);
    EXPECT_THAT(status.out, HasSubstr(absl::StrCat("process ", getpid())));
  }
  ASSERT_EQ(kill(daemon().pid(), SIGHUP), 0);
  ASSERT_TRUE(AwaitLog("disabled: network policies are not enforced")) << log();
  ASSERT_TRUE(AwaitLog("healthy again")) << log();
  EXPECT_EQ(Tool({"ipset", "list", "-name"}), "");
}

TEST_F(NetpolctlDisabledTest, NeedsNoSourceThatCanBeRead) {
  LoadRules();
  StartDaemon({"--disable-network-policy", "--manifests=/nonexistent/folder"});
  ASSERT_TRUE(AwaitLog("disabled: network policies are not enforced")) << log();
}

}  // namespace
}  // namespace netpol
