// Kernels that lack something which enforcement needs (C090). The calls that
// would find it are denied; a set type or a match alone cannot be, so a type is
// refused at the door of the dataplane.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// After the C library, which it then leaves alone.
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/dataplane/host/preflight.h"
#include "netpol/testing/builders.h"
#include "tests/cases/node_and_neighbours/denied_calls.h"
#include "tests/cases/node_and_neighbours/neighbour_node.h"
#include "tests/cases/node_and_neighbours/tapped_kernel.h"
#include "tests/kernel/lab/lab_flavour.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// No subsystem of netfilter answers, ipset not either.
std::vector<DeniedCall> NoNetfilterNetlink() {
  return {
      {SYS_socket, {{0, AF_NETLINK}, {2, NETLINK_NETFILTER}}, EPROTONOSUPPORT}};
}

// As a kernel says it that has the table but none of its matches and targets.
std::vector<DeniedCall> NoExtensionsOfIPv6() {
  std::vector<DeniedCall> calls = {
      {SYS_setsockopt, {{1, IPPROTO_IPV6}, {2, IP6T_SO_SET_REPLACE}}, ENOENT}};
  for (uint32_t what :
       {IP6T_SO_GET_REVISION_MATCH, IP6T_SO_GET_REVISION_TARGET}) {
    calls.push_back(
        {SYS_getsockopt, {{1, IPPROTO_IPV6}, {2, what}}, EPROTONOSUPPORT});
  }
  return calls;
}

class MissingKernelTest : public NeighbourNodeTest {
 protected:
  // `work` on the node, in a thread for which `calls` fail.
  template <typename Work>
  void Without(const std::vector<DeniedCall>& calls, Work work) {
    OnNode([&] {
      const absl::Status denied = DenyCalls(calls);
      ASSERT_TRUE(denied.ok()) << denied;
      work();
    });
  }

  ProgramResult Netpolctl(std::vector<std::string> arguments) {
    Program program;
    program.argv = std::move(arguments);
    program.argv.insert(program.argv.begin(), "netpol/daemon/netpolctl");
    const absl::StatusOr<ProgramResult> result = lab().ExecOnNode(program);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *result : ProgramResult();
  }

  // `netpolctl run` in the calling thread's world, until its log holds each of
  // `texts`; then SIGTERM, which must end it well.
  void RunUntilItSays(const std::vector<std::string>& more,
                      const std::vector<std::string>& texts) {
    const std::string log = testing::TempDir() + "/run.log";
    std::filesystem::remove(log);
    Program program;
    program.argv = {
        "netpol/daemon/netpolctl",
        "run",
        "--manifests=tests/cases/data/C089/manifests.yaml",
        "--hostname-override=node-a",
        absl::StrCat("--iptables-backend=", FlavourName(LabFlavour())),
        absl::StrCat("--run-lock=", testing::TempDir(), "/run.lock"),
        absl::StrCat("--control-socket=/tmp/netpol-missing-", getpid())};
    program.argv.insert(program.argv.end(), more.begin(), more.end());
    absl::StatusOr<std::unique_ptr<NodeProcess>> daemon =
        lab().StartOnNode(program, log);
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    const auto told = [&] {
      std::ifstream file(log);
      const std::string text((std::istreambuf_iterator<char>(file)), {});
      return std::all_of(texts.begin(), texts.end(),
                         [&](const std::string& part) {
                           return absl::StrContains(text, part);
                         });
    };
    const absl::Time end = absl::Now() + absl::Seconds(20);
    while (!told() && absl::Now() < end) absl::SleepFor(absl::Milliseconds(20));
    EXPECT_TRUE(told()) << testing::PrintToString(texts) << " are not in "
                        << log;
    const absl::StatusOr<int> exit_code =
        (*daemon)->Terminate(absl::Seconds(20));
    ASSERT_TRUE(exit_code.ok()) << exit_code.status();
    EXPECT_EQ(*exit_code, 0);
  }

  // Policies by pod label, by block, and by both in one rule, on a pod each.
  void TellThreePolicies() {
    std::vector<v1::WatchEvent> events = {Upsert(MakeNamespace("part")),
                                          Upsert(PodBuilder("part", "c")
                                                     .On("node-b")
                                                     .Label("app", "c")
                                                     .Ip("10.42.1.9")
                                                     .Build())};
    const auto pods = PodPeer(MatchLabels({{"app", "c"}}));
    const auto block = BlockPeer("203.0.113.0/24");
    const std::vector<std::vector<k8s::NetworkPolicyPeer>> peers = {
        {pods}, {block}, {pods, block}};
    const char* names[] = {"by-pod", "by-block", "by-both"};
    for (size_t i = 0; i < peers.size(); ++i) {
      events.push_back(Upsert(PodBuilder("part", names[i])
                                  .On("node-a")
                                  .Label("app", names[i])
                                  .Ip(absl::StrCat("10.42.0.", 20 + i))
                                  .Build()));
      events.push_back(Upsert(PolicyBuilder("part", names[i])
                                  .Selects({{"app", names[i]}})
                                  .Ingress(peers[i])
                                  .Build()));
    }
    TellAll(events);
    TellAll(ListingOf({}));
  }

  // Who gets in: from the pod, from the block, from elsewhere.
  std::vector<bool> Reached(const std::string& pod) {
    std::vector<bool> reached;
    for (const char* from : {"part/c", "203.0.113.1", "198.51.100.1"})
      reached.push_back(Passes({from, pod, IPPROTO_TCP, 80, false}));
    return reached;
  }
};

TEST_F(MissingKernelTest, WithoutIpsetNothingStartsAndThePieceIsNamed) {
  Without(NoNetfilterNetlink(), [] {
    const auto kernel = OpenLabKernel();
    EXPECT_FALSE(kernel.ok());
    EXPECT_THAT(std::string(kernel.status().message()), HasSubstr("ipset"));
    int missing = 0;
    for (const PreflightFinding& finding : RunPreflight({})) {
      if (finding.ok) continue;
      ++missing;
      EXPECT_THAT(finding.name, testing::AnyOf("ipset", HasSubstr("set type")));
      EXPECT_THAT(finding.remedy, HasSubstr("load kernel module ip_set"));
    }
    EXPECT_EQ(missing, 7);  // The subsystem, and three types of two families.
  });
}

TEST_F(MissingKernelTest, EveryCommandSaysSoAndALaterOneWorks) {
  const std::vector<std::string> apply = {
      "apply", "--manifests=tests/cases/data/C089/manifests.yaml",
      "--hostname-override=node-a",
      absl::StrCat("--iptables-backend=", FlavourName(LabFlavour())),
      absl::StrCat("--run-lock=", testing::TempDir(), "/run.lock")};
  const std::string before = FilterTable();
  Without(NoNetfilterNetlink(), [&] {
    for (int i = 0; i < 2; ++i) {
      const ProgramResult result = Netpolctl(apply);
      EXPECT_EQ(result.exit_code, 1);
      EXPECT_THAT(result.err, HasSubstr("ipset"));
    }
    const ProgramResult check = Netpolctl({"check"});
    EXPECT_EQ(check.exit_code, 1);
    EXPECT_THAT(check.out, HasSubstr("ip_set"));
  });
  EXPECT_EQ(FilterTable(), before);
  // The module has appeared.
  EXPECT_EQ(Netpolctl(apply).exit_code, 0);
  EXPECT_THAT(FilterTable(), HasSubstr("pile/s"));
}

TEST_F(MissingKernelTest,
       ADaemonWithoutIpsetStaysAndSaysThatNothingIsEnforced) {
  const std::string before = FilterTable();
  Without(NoNetfilterNetlink(), [&] {
    RunUntilItSays({}, {"ipset is missing", "nothing is enforced yet"});
  });
  EXPECT_EQ(FilterTable(), before);
}

TEST_F(MissingKernelTest, ADaemonWithHalfAKernelEnforcesThatHalf) {
  Without(NoExtensionsOfIPv6(), [&] {
    RunUntilItSays({"--enable-ipv6"}, {"IPv6 match set is missing",
                                       "committing the IPv6 filter table"});
  });
  EXPECT_THAT(FilterTable(), HasSubstr("pile/s"));
  EXPECT_TRUE(LinesWith(FilterTable(Family::kIPv6), "KUBE-").empty());
}

// What the kernel says of a match or target that it lacks.
TEST_F(MissingKernelTest, AFamilyWithoutMatchesIsReportedAndTheOtherEnforced) {
  StartController();
  TellThreePolicies();
  for (int i = 0; i < 2; ++i) {
    Without(NoExtensionsOfIPv6(), [&] {
      const absl::StatusOr<SyncReport> report = controller().Sync();
      EXPECT_TRUE(absl::IsUnimplemented(report.status())) << report.status();
      EXPECT_THAT(std::string(report.status().message()),
                  AllOf(HasSubstr("IPv6"), HasSubstr("match set"),
                        HasSubstr("match comment")));
    });
  }
  EXPECT_THAT(Reached("part/by-pod"), ElementsAre(true, false, false));
  EXPECT_THAT(Reached("part/by-both"), ElementsAre(true, true, false));
  EXPECT_THAT(FilterTable(Family::kIPv6), Not(HasSubstr("KUBE-")));
  // The modules have appeared.
  Settle();
  EXPECT_THAT(FilterTable(Family::kIPv6), HasSubstr("KUBE-ROUTER-FORWARD"));
}

TEST_F(MissingKernelTest, WithoutHashNetOnlyRulesWithBlocksAllowNothing) {
  bool missing = true;
  LayoutOptions layout;
  layout.families = {Family::kIPv4, Family::kIPv6};
  StartController(
      layout,
      std::make_unique<TappedKernel>(
          OpenKernel(), [&](const KernelWrite& write) -> absl::Status {
            if (!missing || !write.makes_set ||
                write.set->type != SetType::kHashNet) {
              return absl::OkStatus();
            }
            return absl::UnimplementedError(
                "the kernel has no set type hash:net; load kernel module "
                "ip_set_hash_net");
          }));
  TellThreePolicies();
  for (int i = 0; i < 2; ++i) {
    const SyncReport report = Sync();
    EXPECT_TRUE(report.retry);
    // The piece that is missing, and each policy that lacks something for it.
    EXPECT_THAT(report.problems,
                ElementsAre(AllOf(StartsWith("set KUBE-SRC-"),
                                  HasSubstr("ip_set_hash_net"),
                                  HasSubstr("\"part/by-block ingress"),
                                  HasSubstr("\"part/by-both ingress"))));
  }
  EXPECT_THAT(Reached("part/by-pod"), ElementsAre(true, false, false));
  EXPECT_THAT(Reached("part/by-block"), ElementsAre(false, false, false));
  EXPECT_THAT(Reached("part/by-both"), ElementsAre(true, false, false));
  missing = false;
  Settle();
  EXPECT_THAT(Reached("part/by-block"), ElementsAre(false, true, false));
  EXPECT_THAT(Reached("part/by-both"), ElementsAre(true, true, false));
}

}  // namespace
}  // namespace netpol
