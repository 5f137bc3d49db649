// What iptables-save and ipset save show of a case, in the words of people who
// look at a node.
#include <netinet/in.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/cases/sets_and_syncs/kernel_case_fixture.h"
#include "tests/cases/sets_and_syncs/memory_node.h"
#include "tests/kernel/lab/lab_flavour.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/node_process.h"
#include "tests/kernel/lab/prober.h"

namespace netpol {
namespace {

using testing::Contains;
using testing::HasSubstr;

class KernelContentTest : public KernelCaseTest {
 protected:
  void Follow(absl::string_view case_id) {
    ASSERT_NO_FATAL_FAILURE(Start());
    for (const CaseStep& step : StepsOf(case_id)) {
      TellStep(step);
      Sync();
      ExpectVerdicts(step.checks);
    }
  }

  std::vector<std::string> Lines(const std::vector<std::string>& argv) {
    return absl::StrSplit(Exec(argv), '\n', absl::SkipEmpty());
  }
  // "add SET ENTRY" of every set of ours.
  std::vector<std::string> Entries() {
    std::vector<std::string> entries;
    for (std::string& line : Lines({"ipset", "save"})) {
      if (absl::StartsWith(line, "add ")) entries.push_back(std::move(line));
    }
    return entries;
  }
};

TEST_F(KernelContentTest, C028SctpEntryHasItsProtocolByNumberOrName) {
  ASSERT_NO_FATAL_FAILURE(Follow("C028"));
  const std::vector<std::string> entries = Entries();
  EXPECT_THAT(entries, Contains(testing::AnyOf(HasSubstr(",sctp:36412"),
                                               HasSubstr(",132:36412"))));
  bool found = false;
  for (const auto& [name, set] : ReadKernel().sets) {
    for (const SetMember& member : set.members)
      found =
          found || (member.protocol == IPPROTO_SCTP && member.port == 36412);
  }
  EXPECT_TRUE(found) << "read back by number";
}

TEST_F(KernelContentTest, C030FewerThanTenEntriesAreInTheKernel) {
  ASSERT_NO_FATAL_FAILURE(Follow("C030"));
  const std::vector<std::string> entries = Entries();
  std::cout << entries.size() << " entries for two ranges of 65,535 ports\n";
  EXPECT_GE(entries.size(), 3u) << "two pods and a block at least";
  EXPECT_LT(entries.size(), 10u);
}

TEST_F(KernelContentTest, C031NoMultiportMatchHasMoreThanFifteenValues) {
  ASSERT_NO_FATAL_FAILURE(Follow("C031"));
  int matches = 0;
  int ports = 0;
  for (const std::string& line : Lines({LabTool("iptables-save")})) {
    if (!absl::StrContains(line, "-m multiport") ||
        absl::StrContains(line, "30000:32767"))
      continue;
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    const auto list = std::find(words.begin(), words.end(), "--dports");
    ASSERT_NE(list, words.end()) << line;
    const std::vector<std::string> values =
        absl::StrSplit(*(list + 1), absl::ByAnyChar(",:"));
    EXPECT_LE(values.size(), 15u) << line;
    ++matches;
    ports += static_cast<int>(values.size());
  }
  std::cout << matches << " multiport matches, " << ports << " values\n";
  EXPECT_EQ(ports, 20 + 3 + 2 * 2) << "of the policy, each of them once";
}

TEST_F(KernelContentTest, C054AddressOfTheNodeIsInNoSetAndNoRule) {
  ASSERT_NO_FATAL_FAILURE(Follow("C054"));
  EXPECT_THAT(Exec({"ipset", "save"}), HasSubstr("10.42.0.120"));
  EXPECT_THAT(Exec({"ipset", "save"}), testing::Not(HasSubstr("172.31.0.1")));
  EXPECT_THAT(Exec({LabTool("iptables-save")}),
              testing::Not(HasSubstr("172.31.0.1")));
}

TEST_F(KernelContentTest, C061ServiceExemptionsAreFirstAfterEverySync) {
  ASSERT_NO_FATAL_FAILURE(Follow("C061"));
  const auto expect_first = [this] {
    const std::vector<std::string> builtin =
        Lines({LabTool("iptables"), "-S", "INPUT"});
    ASSERT_GE(builtin.size(), 2u);
    EXPECT_THAT(builtin[1], HasSubstr("-j KUBE-ROUTER-INPUT"));
    const std::vector<std::string> rules =
        Lines({LabTool("iptables"), "-S", "KUBE-ROUTER-INPUT"});
    ASSERT_GE(rules.size(), 6u);
    EXPECT_THAT(rules[1], HasSubstr("-d 10.43.0.0/16"));
    for (int i : {2, 3, 4}) EXPECT_THAT(rules[i], HasSubstr(" 30000:32767 "));
    for (int i : {1, 2, 3, 4})
      EXPECT_TRUE(absl::EndsWith(rules[i], "-j RETURN")) << rules[i];
    EXPECT_FALSE(absl::EndsWith(rules[5], "-j RETURN")) << rules[5];
  };
  expect_first();
  for (int round = 0; round < 8; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    Tell({Upsert(PolicyBuilder("git", absl::StrCat("more-", round))
                     .Types({"Ingress", "Egress"})
                     .Egress({BlockPeer("192.0.2.0/24")})
                     .Build()),
          Upsert(PodBuilder("git", absl::StrCat("pod-", round))
                     .On(kCaseNode)
                     .Ip(absl::StrCat("10.42.0.", 200 + round))
                     .Phase("Running")
                     .Build())});
    if (round % 3 == 0) {
      Exec({LabTool("iptables"), "-I", "INPUT", "1", "-j", "ACCEPT"});
      controller_->QueueResync();
    }
    Sync();
    expect_first();
  }
}

// Takes the permanent neighbours away, so that the node and a pod have to find
// each other by real solicitations and advertisements.
class NeighbourDiscoveryTest : public KernelContentTest {
 protected:
  void SetUp() override {
    KernelContentTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_NO_FATAL_FAILURE(Follow("C069"));
    const std::vector<std::string> route =
        absl::StrSplit(Exec({"ip", "-6", "route", "show", "fd00:42::8a"}), ' ');
    const auto word = std::find(route.begin(), route.end(), "dev");
    ASSERT_TRUE(word != route.end());
    device_ = *(word + 1);
    // The node answers for the pod's gateway.
    Exec({"ip", "-6", "address", "add", "fe80::1/64", "dev", device_, "nodad"});
    AwaitGroup(lab_->lab().node(), device_, "ff02::1:ff00:1");
    AwaitGroup(pod_ns(), "eth0", "ff02::1:ff00:8a");
  }

  const NetNs& pod_ns() const { return *lab_->lab().OwnerOf(pod_); }

  std::string ExecIn(const NetNs& ns, const std::vector<std::string>& argv) {
    Program program;
    program.argv = argv;
    const absl::StatusOr<ProgramResult> result = RunProgram(ns, program);
    EXPECT_TRUE(result.ok() && result->exit_code == 0);
    return result.ok() ? result->out : "";
  }
  // A new address listens for solicitations only once the kernel has come to
  // it.
  void AwaitGroup(const NetNs& ns, const std::string& device,
                  const std::string& group) {
    const absl::Time deadline = absl::Now() + absl::Minutes(1);
    while (!absl::StrContains(
        ExecIn(ns, {"ip", "-6", "maddress", "show", "dev", device}),
        absl::StrCat(group, "\n"))) {
      ASSERT_LT(absl::Now(), deadline) << "nobody joins " << group;
    }
  }

  // Both ends forget each other, then a first packet is sent.
  ProbeOutcome OutcomeAfterForgetting(const ProbeSpec& probe) {
    Exec({"ip", "-6", "neighbour", "flush", "dev", device_, "nud", "all"});
    ExecIn(pod_ns(),
           {"ip", "-6", "neighbour", "flush", "dev", "eth0", "nud", "all"});
    const auto result = lab_->lab().Probe({probe});
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? result->front() : ProbeOutcome::kDropped;
  }

  const IpAddress pod_ = *IpAddress::Parse("fd00:42::8a");
  std::string device_;  // of the node, towards the pod
};

TEST_F(NeighbourDiscoveryTest, C069WorksForAPodThatMayReachOnlyDns) {
  const ProbeSpec dns = {pod_, *IpAddress::Parse("fd00:42:1::5f"), IPPROTO_UDP,
                         53};
  const ProbeSpec node_to_pod = {*IpAddress::Parse("fd00:42::1"), pod_,
                                 IPPROTO_UDP, 9};
  EXPECT_EQ(OutcomeAfterForgetting(dns), ProbeOutcome::kAllowed)
      << "the pod solicits";
  EXPECT_EQ(OutcomeAfterForgetting(node_to_pod), ProbeOutcome::kAllowed)
      << "the pod advertises";
  // What would happen if they were dropped, so that the above means something.
  for (const char* type : {"135", "136"}) {
    Exec({LabTool("ip6tables"), "-I", "INPUT", "1", "-p", "icmpv6",
          "--icmpv6-type", type, "-j", "DROP"});
  }
  EXPECT_EQ(OutcomeAfterForgetting(dns), ProbeOutcome::kDropped);
  EXPECT_EQ(OutcomeAfterForgetting(node_to_pod), ProbeOutcome::kDropped);
}

}  // namespace
}  // namespace netpol
