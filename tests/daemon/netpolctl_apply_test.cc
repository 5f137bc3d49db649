// `apply` and `plan` against a real kernel.
#include <fcntl.h>
#include <sys/file.h>

#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/daemon/netpolctl_lab.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

using NetpolctlApplyTest = NetpolctlTest;

nlohmann::json JsonIn(const ProgramResult& result) {
  nlohmann::json json = nlohmann::json::parse(result.out, nullptr,
                                              /*allow_exceptions=*/false);
  EXPECT_FALSE(json.is_discarded()) << result.out << result.err;
  return json;
}

TEST_F(NetpolctlApplyTest, KernelHoldsWhatTheManifestsSay) {
  WriteSmallCluster();
  const ProgramResult result = Enforce("apply");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(
      result.out,
      AllOf(HasSubstr(
                "told: 1 namespace, 2 pods (1 on this node), 1 network policy"),
            HasSubstr("kernel writes: ")));
  EXPECT_THAT(FilterTable(),
              AllOf(HasSubstr("-A FORWARD -m comment"),
                    ContainsRegex("-p tcp -m tcp --dport 80 -m set "
                                  "--match-set KUBE-SRC-[A-Z0-9]+ src -m "
                                  "comment --comment \"web/allow ingress "
                                  "pods\" -g")));
  EXPECT_THAT(Tool({"ipset", "save"}),
              AllOf(HasSubstr("add kube-router-local-pods 10.0.0.1\n"),
                    HasSubstr(" 10.0.1.1\n"), Not(HasSubstr("fd00"))));
}

TEST_F(NetpolctlApplyTest, NodeNameThatNoPodHasIsWarnedOf) {
  WriteSmallCluster();
  const ProgramResult result =
      Netpolctl({"apply", "--manifests", manifests(), "--run-lock", run_lock(),
                 "--hostname-override=no-such-node"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("none of the 2 pods is on node no-such-node"),
                    HasSubstr("--hostname-override")));
}

TEST_F(NetpolctlApplyTest, SecondApplyWritesNothing) {
  WriteSmallCluster();
  ASSERT_EQ(Enforce("apply", {"--enable-ipv6"}).exit_code, 0);
  const std::string before = KernelText();
  const ProgramResult second =
      Enforce("apply", {"--enable-ipv6", "--output=json"});
  EXPECT_EQ(second.exit_code, 0) << second.err;
  EXPECT_EQ(KernelText(), before);
  const nlohmann::json writes = JsonIn(second)["sync"]["kernelWrites"];
  EXPECT_EQ(
      writes,
      (nlohmann::json{{"total", 0}, {"setMessages", 0}, {"tableCommits", 0}}));
}

TEST_F(NetpolctlApplyTest, SecondApplyMakesNoWritingSystemCall) {
  Program which;
  which.argv = {"sh", "-c", "command -v strace || true"};
  if (Tool(which.argv).empty()) {
    // Without the tool, the test above is the proof.
    return;
  }
  WriteSmallCluster();
  ASSERT_EQ(Enforce("apply").exit_code, 0);
  const std::string trace =
      Tool({"sh", "-c",
            absl::StrCat("ASAN_OPTIONS=detect_leaks=0 strace -f -e "
                         "trace=setsockopt,sendmsg,sendto "
                         "netpol/daemon/netpolctl apply --manifests ",
                         manifests(), " --hostname-override=node-a --run-lock=",
                         run_lock(), " 2>&1")});
  // The trace sees what is read, so it would see what is written.
  EXPECT_THAT(trace, HasSubstr("IPSET_CMD_LIST"));
  for (const char* write : {"IPT_SO_SET_REPLACE", "IPSET_CMD_CREATE",
                            "IPSET_CMD_ADD", "IPSET_CMD_DEL", "IPSET_CMD_SWAP",
                            "IPSET_CMD_DESTROY", "IPSET_CMD_FLUSH"}) {
    EXPECT_THAT(trace, Not(HasSubstr(write)));
  }
}

TEST_F(NetpolctlApplyTest, ChangedMemberIsWrittenAlone) {
  WriteSmallCluster();
  ASSERT_EQ(Enforce("apply").exit_code, 0);
  Write("more.yaml", R"yaml(
apiVersion: v1
kind: Pod
metadata: {name: late, namespace: web, labels: {app: back}}
spec: {nodeName: node-b}
status: {phase: Running, podIP: 10.0.1.2}
)yaml");
  const nlohmann::json sync = JsonIn(Enforce("apply", {"-o", "json"}))["sync"];
  EXPECT_EQ(sync["membersAdded"], 1);
  EXPECT_EQ(sync["kernelWrites"]["setMessages"], 1);
  EXPECT_EQ(sync["kernelWrites"]["tableCommits"], 0);
  EXPECT_THAT(Tool({"ipset", "save"}), HasSubstr(" 10.0.1.2\n"));
}

TEST_F(NetpolctlApplyTest, IPv6IsEnforcedWhereItIsEnabled) {
  WriteSmallCluster();
  const ProgramResult result =
      Enforce("apply", {"--enable-ipv6", "--enable-ipv4=false"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(Tool({"ipset", "save"}),
              AllOf(HasSubstr("add inet6:kube-router-local-pods fd00::1\n"),
                    HasSubstr(" fd00:1::1\n"), Not(HasSubstr("10.0."))));
  EXPECT_THAT(Tool({"ip6tables-legacy-save"}),
              HasSubstr("--comment \"web/allow ingress pods\""));
  EXPECT_THAT(FilterTable(), Not(HasSubstr("KUBE-")));
}

TEST_F(NetpolctlApplyTest, UnreadablePathTouchesNothing) {
  const std::string before = KernelText();
  WriteSmallCluster();
  const ProgramResult result =
      Enforce("apply", {"--manifests", "/nonexistent/manifests"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("netpolctl apply: reading manifests: "),
                    HasSubstr("/nonexistent/manifests")));
  EXPECT_EQ(KernelText(), before);
}

constexpr char kWrongPolicy[] = R"yaml(
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: wrong, namespace: web}
spec:
  podSelector: {}
  ingress:
  - from: [{ipBlock: {cidr: 10.0.0.0/99}}]
)yaml";

TEST_F(NetpolctlApplyTest, PlanOfAWrongPolicyIsPrintedAndAnError) {
  WriteSmallCluster();
  Write("wrong.yaml", kWrongPolicy);
  const ProgramResult result = Enforce("plan");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("web/wrong"));
  EXPECT_THAT(result.out, HasSubstr("+ hooks IPv4"));
}

TEST_F(NetpolctlApplyTest, WrongPolicyIsNamedAndTheRestIsEnforced) {
  WriteSmallCluster();
  Write("wrong.yaml", kWrongPolicy);
  const ProgramResult result = Enforce("apply");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("error: "), HasSubstr("web/wrong")));
  EXPECT_THAT(result.out, HasSubstr("enforced in part: "));
  EXPECT_THAT(FilterTable(), HasSubstr("web/allow ingress pods"));
}

TEST_F(NetpolctlApplyTest, TwoObjectsWithOneNameAreToldOfAndOneCounts) {
  WriteSmallCluster();
  Write("again.yaml", R"yaml(
apiVersion: v1
kind: Pod
metadata: {name: back, namespace: web, labels: {app: back}}
spec: {nodeName: node-b}
status: {phase: Running, podIP: 10.0.1.77}
)yaml");
  const ProgramResult result = Enforce("apply");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("web/back"), HasSubstr("cluster.yaml"),
                    HasSubstr("again.yaml")));
  const std::string sets = Tool({"ipset", "save"});
  EXPECT_NE(absl::StrContains(sets, " 10.0.1.1\n"),
            absl::StrContains(sets, " 10.0.1.77\n"))
      << sets;
}

TEST_F(NetpolctlApplyTest, ObjectOverOneMebibyteIsRefusedAndTheRestEnforced) {
  WriteSmallCluster();
  Write("large.yaml",
        absl::StrCat("apiVersion: v1\nkind: Pod\nmetadata:\n  name: large\n"
                     "  namespace: web\n  labels: {app: back}\n"
                     "  annotations: {text: \"",
                     std::string(3 << 19, 'x'),
                     "\"}\nspec: {nodeName: node-b}\n"
                     "status: {phase: Running, podIP: 10.0.1.3}\n"));
  const ProgramResult result = Enforce("apply");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("error: "), HasSubstr("large.yaml"),
                                HasSubstr("1048576")));
  EXPECT_THAT(Tool({"ipset", "save"}),
              AllOf(HasSubstr(" 10.0.1.1\n"), Not(HasSubstr(" 10.0.1.3\n"))));
}

TEST_F(NetpolctlApplyTest, LockThatIsHeldForEverEndsInAnErrorInTime) {
  WriteSmallCluster();
  const std::string before = FilterTable();
  const FileDescriptor lock(
      open(xtables_lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_TRUE(lock.valid());
  ASSERT_EQ(flock(lock.get(), LOCK_EX | LOCK_NB), 0);
  const absl::Time begin = absl::Now();
  const ProgramResult result =
      Enforce("apply", {"--iptables-lock-timeout=1s", "--enable-ipv6"});
  EXPECT_LT(absl::Now() - begin, absl::Seconds(8));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("netpolctl apply: "), HasSubstr(xtables_lock())));
  // Reading needs no lock.
  EXPECT_EQ(FilterTable(), before);
  flock(lock.get(), LOCK_UN);
  EXPECT_EQ(Enforce("apply", {"--enable-ipv6"}).exit_code, 0);
  EXPECT_EQ(Enforce("plan", {"--enable-ipv6"}).exit_code, 0);
}

TEST_F(NetpolctlApplyTest, PlanTellsByItsExitCodeAndWritesNothing) {
  WriteSmallCluster();
  const std::string before = KernelText();
  const ProgramResult first = Enforce("plan");
  EXPECT_EQ(first.exit_code, 2) << first.err;
  EXPECT_THAT(first.out,
              AllOf(HasSubstr("+ set kube-router-local-pods hash:ip IPv4\n"),
                    HasSubstr("+ hooks IPv4 INPUT, FORWARD, OUTPUT\n")));
  EXPECT_EQ(KernelText(), before);
  const nlohmann::json plan = JsonIn(Enforce("plan", {"-o", "json"}));
  EXPECT_EQ(plan["createSets"].size(), 2u) << plan;
  EXPECT_EQ(plan["tables"][0]["hooks"], "ENSURED") << plan;
  ASSERT_EQ(Enforce("apply").exit_code, 0);
  const ProgramResult second = Enforce("plan");
  EXPECT_EQ(second.exit_code, 0) << second.err;
  EXPECT_EQ(second.out, "nothing would change\n");
  EXPECT_EQ(Netpolctl({"plan", "--manifests", "/nonexistent"}).exit_code, 1);
}

TEST_F(NetpolctlApplyTest, RuleThatSomebodyRemovedIsPutBack) {
  WriteSmallCluster();
  ASSERT_EQ(Enforce("apply").exit_code, 0);
  const std::string before = FilterTable();
  Tool({"iptables-legacy", "-D", "KUBE-ROUTER-FORWARD", "1"});
  EXPECT_EQ(Enforce("plan").exit_code, 2);
  EXPECT_EQ(Enforce("apply").exit_code, 0);
  EXPECT_EQ(FilterTable(), before);
}

TEST_F(NetpolctlApplyTest, OtherFlavourAndFamilyThatIsOffAreSwept) {
  WriteSmallCluster();
  ASSERT_EQ(Enforce("apply", {"--enable-ipv6"}).exit_code, 0);
  EXPECT_THAT(Tool({"ip6tables-legacy-save"}), HasSubstr("KUBE-ROUTER-"));
  const ProgramResult planned =
      Enforce("plan", {"--iptables-backend=nft", "--enable-ipv6=false"});
  EXPECT_EQ(planned.exit_code, 2) << planned.err;
  EXPECT_THAT(planned.out, HasSubstr("legacy IPv6 table filter"));
  const ProgramResult switched =
      Enforce("apply", {"--iptables-backend=nft", "--enable-ipv6=false"});
  EXPECT_EQ(switched.exit_code, 0) << switched.err;
  EXPECT_THAT(switched.err, HasSubstr("removed what an earlier enforcement"));
  EXPECT_THAT(Tool({"iptables-nft-save"}), HasSubstr("KUBE-ROUTER-FORWARD"));
  for (const char* save :
       {"iptables-legacy-save", "ip6tables-legacy-save", "ip6tables-nft-save"})
    EXPECT_THAT(Tool({save}), Not(HasSubstr("KUBE-"))) << save;
  EXPECT_THAT(Tool({"ipset", "list", "-name"}), Not(HasSubstr("inet6:")));
  const ProgramResult plan =
      Enforce("plan", {"--iptables-backend=nft", "--enable-ipv6=false"});
  EXPECT_EQ(plan.exit_code, 0) << plan.out;
}

TEST_F(NetpolctlApplyTest, SetThatAForeignRuleStillUsesIsAWarningOnly) {
  WriteSmallCluster();
  ASSERT_EQ(Enforce("apply").exit_code, 0);
  const std::string names = Tool({"ipset", "list", "-name"});
  const std::string peers =
      names.substr(names.find("KUBE-SRC-"), strlen("KUBE-SRC-") + 16);
  const std::vector<std::string> rule = {"FORWARD", "-m",  "set", "--match-set",
                                         peers,     "src", "-j",  "ACCEPT"};
  std::vector<std::string> add = {"iptables-legacy", "-A"};
  add.insert(add.end(), rule.begin(), rule.end());
  Tool(add);
  Write("cluster.yaml",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: web}\n");
  const ProgramResult result = Enforce("apply");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("warning: "), HasSubstr("still in use")));
  EXPECT_THAT(FilterTable(), Not(HasSubstr("KUBE-POD-FW-INGRESS -d")));
  std::vector<std::string> remove = {"iptables-legacy", "-D"};
  remove.insert(remove.end(), rule.begin(), rule.end());
  Tool(remove);
  EXPECT_EQ(Enforce("apply").err, "");
  EXPECT_THAT(Tool({"ipset", "list", "-name"}), Not(HasSubstr(peers)));
}

TEST_F(NetpolctlApplyTest, WrongFlagsAreUsageErrors) {
  EXPECT_EQ(Netpolctl({"apply"}).exit_code, 64);
  const ProgramResult result =
      Enforce("apply", {"--service-node-port-range=8090-8080"});
  EXPECT_EQ(result.exit_code, 64);
  EXPECT_THAT(result.err,
              HasSubstr("--service-node-port-range \"8090-8080\": "));
}

TEST_F(NetpolctlApplyTest, WithoutRootNothingIsBegun) {
  // A copy, since nobody else may look into root's own folders.
  const std::string err =
      Tool({"sh", "-c",
            "copy=$(mktemp -d /tmp/netpolctl.XXXXXX) && chmod 755 $copy && "
            "cp netpol/daemon/netpolctl $copy/ && "
            "setpriv --reuid=65534 --clear-groups $copy/netpolctl show 2>&1; "
            "code=$?; rm -r $copy; test $code = 1"});
  EXPECT_THAT(err, AllOf(HasSubstr("netpolctl show: "), HasSubstr("root")));
}

}  // namespace
}  // namespace netpol
