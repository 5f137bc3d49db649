// The daemon against a real kernel.
#include <signal.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/daemon/netpolctl_lab.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr absl::Duration kSoon = absl::Seconds(20);

constexpr char kLatePod[] = R"yaml(
apiVersion: v1
kind: Pod
metadata: {name: late, namespace: web, labels: {app: back}}
spec: {nodeName: node-b}
status: {phase: Running, podIP: 10.0.1.2}
)yaml";

class NetpolctlRunTest : public NetpolctlTest {
 protected:
  void StartAndAwaitReady(std::vector<std::string> more = {}) {
    WriteSmallCluster();
    StartDaemon(std::move(more));
    ASSERT_TRUE(AwaitLog("info ready")) << log();
  }
};

TEST_F(NetpolctlRunTest, FollowsManifestsAndSaysWhatItWrote) {
  StartAndAwaitReady();
  EXPECT_THAT(log(), AllOf(HasSubstr("node-a"), HasSubstr("synced in "),
                           HasSubstr("2 sets created")));
  Write("late.yaml", kLatePod);
  EXPECT_THAT(AwaitLog("synced in ").value_or(log()),
              HasSubstr("1 member added; kernel writes: 1 (set messages 1, "
                        "table commits 0)"));
  EXPECT_THAT(Tool({"ipset", "save"}), HasSubstr(" 10.0.1.2\n"));
  Remove("late.yaml");
  EXPECT_THAT(AwaitLog("synced in ").value_or(log()),
              HasSubstr("1 member removed"));
  EXPECT_THAT(Tool({"ipset", "save"}), Not(HasSubstr(" 10.0.1.2\n")));
}

TEST_F(NetpolctlRunTest, TerminationLeavesEnforcementInPlace) {
  for (const int signal : {SIGTERM, SIGINT}) {
    StartAndAwaitReady();
    const std::string before = KernelText();
    ASSERT_EQ(kill(daemon().pid(), signal), 0);
    const absl::StatusOr<int> exit_code = daemon().Wait(kSoon);
    ASSERT_TRUE(exit_code.ok()) << exit_code.status();
    EXPECT_EQ(*exit_code, 0);
    EXPECT_TRUE(AwaitLog("enforcement stays in place")) << log();
    EXPECT_EQ(KernelText(), before);
  }
}

TEST_F(NetpolctlRunTest, SaysWhenTheNodesAddressesChangeAndWhoClaimsThem) {
  StartAndAwaitReady();
  Tool({"ip", "link", "add", "late0", "type", "bridge"});
  Tool({"ip", "address", "add", "10.77.0.1/24", "dev", "late0"});
  EXPECT_THAT(AwaitLog("the node's addresses changed: ").value_or(log()),
              HasSubstr(" 10.77.0.1"));
  Write("claim.yaml", R"yaml(
apiVersion: v1
kind: Pod
metadata: {name: claim, namespace: web}
spec: {nodeName: node-a}
status: {phase: Running, podIP: 10.77.0.1}
---
apiVersion: v1
kind: Node
metadata: {name: node-a}
status: {addresses: [{type: InternalIP, address: 203.0.113.77}]}
)yaml");
  EXPECT_THAT(AwaitLog("pod web/claim claims 10.77.0.1").value_or(log()),
              HasSubstr("warning"));
  EXPECT_TRUE(AwaitLog("none of the InternalIPs of Node node-a")) << log();
  Remove("claim.yaml");
  EXPECT_TRUE(AwaitLog("synced in ")) << log();
}

TEST_F(NetpolctlRunTest, ADefaultDenyWithoutPodCidrsIsLoudUntilThereAreSome) {
  WriteSmallCluster();
  StartDaemon({"--netpol-default-deny"});
  EXPECT_THAT(
      AwaitLog("--netpol-default-deny is without effect").value_or(log()),
      AllOf(HasSubstr("warning"), HasSubstr("node-a")));
  EXPECT_THAT(FilterTable(), HasSubstr("(default-deny)"));
  Write("node.yaml", R"yaml(
apiVersion: v1
kind: Node
metadata:
  name: node-a
  annotations: {kube-router.io/pod-cidrs: "10.0.0.0/24"}
)yaml");
  EXPECT_TRUE(AwaitLog("synced in ")) << log();
  EXPECT_THAT(Tool({"ipset", "list", "kube-router-pod-cidrs"}),
              HasSubstr("10.0.0.0/24"));
}

TEST_F(NetpolctlRunTest, HangupReadsTheKernelAgainAndMendsIt) {
  StartAndAwaitReady();
  const std::string before = FilterTable();
  Tool({"iptables-legacy", "-D", "KUBE-ROUTER-FORWARD", "1"});
  ASSERT_EQ(kill(daemon().pid(), SIGHUP), 0);
  EXPECT_THAT(AwaitLog("synced in ").value_or(log()),
              HasSubstr("1 chain written"));
  EXPECT_EQ(FilterTable(), before);
}

TEST_F(NetpolctlRunTest, FolderThatVanishesIsToldOfAndEnforcementStays) {
  StartAndAwaitReady();
  const std::string before = KernelText();
  std::filesystem::rename(manifests(), manifests() + ".gone");
  EXPECT_THAT(AwaitLog("cannot").value_or(log()), HasSubstr(manifests()));
  EXPECT_EQ(KernelText(), before);
  std::filesystem::rename(manifests() + ".gone", manifests());
  Write("late.yaml", kLatePod);
  EXPECT_TRUE(AwaitLog("1 member added")) << log();
}

TEST_F(NetpolctlRunTest, WrongPolicyIsLoggedWithItsPlaceAndName) {
  StartAndAwaitReady();
  Write("wrong.yaml",
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
        "metadata: {name: wrong, namespace: web}\n"
        "spec: {podSelector: {}, ingress: [{frm: []}]}\n");
  EXPECT_THAT(AwaitLog("wrong.yaml:").value_or(log()), HasSubstr("web/wrong"));
}

TEST_F(NetpolctlRunTest, SecondDaemonAndCleanupAreRefusedByTheRunLock) {
  StartAndAwaitReady();
  const std::string holder = absl::StrCat("process ", daemon().pid());
  const ProgramResult second = Enforce("run");
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, AllOf(HasSubstr("netpolctl run: starting: "),
                                HasSubstr(run_lock()), HasSubstr(holder)));
  const std::string lock_flag = "--run-lock=" + run_lock();
  const ProgramResult cleanup = Netpolctl({"cleanup", lock_flag});
  EXPECT_EQ(cleanup.exit_code, 1);
  EXPECT_THAT(cleanup.err, AllOf(HasSubstr(holder), HasSubstr("--force")));
  EXPECT_THAT(FilterTable(), HasSubstr("KUBE-ROUTER-FORWARD"));
  // The warning does not keep apply from its work.
  const ProgramResult apply = Enforce("apply");
  EXPECT_EQ(apply.exit_code, 0);
  EXPECT_THAT(apply.err, AllOf(HasSubstr("warning: "), HasSubstr(holder)));
  EXPECT_EQ(Netpolctl({"cleanup", lock_flag, "--force"}).exit_code, 0);
  EXPECT_THAT(FilterTable(), Not(HasSubstr("KUBE-")));
}

TEST_F(NetpolctlRunTest, PathThatCannotBeReadEndsTheStart) {
  const std::string before = KernelText();
  WriteSmallCluster();
  const ProgramResult result =
      Enforce("run", {"--manifests=/nonexistent/manifests"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("/nonexistent/manifests"));
  EXPECT_EQ(KernelText(), before);
}

}  // namespace
}  // namespace netpol
