#include "netpol/dataplane/nft/nft_monitor.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/nft/nft_channel.h"
#include "tests/dataplane/ipset/private_network.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/node_process.h"

namespace netpol {
namespace {

class NftMonitorTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!EnterPrivateNetwork())
      GTEST_SKIP() << "needs root to make a network namespace";
    absl::StatusOr<std::unique_ptr<NftMonitor>> monitor =
        NftMonitor::Open(Family::kIPv4);
    ASSERT_TRUE(monitor.ok()) << monitor.status();
    monitor_ = *std::move(monitor);
  }

  bool Changed() {
    const absl::StatusOr<bool> changed = monitor_->TakeChanges();
    EXPECT_TRUE(changed.ok()) << changed.status();
    return changed.ok() && *changed;
  }
  bool ChangedNotBy(uint32_t port) {
    const absl::StatusOr<bool> changed = monitor_->TakeChangesNotBy(port);
    EXPECT_TRUE(changed.ok()) << changed.status();
    return changed.ok() && *changed;
  }

  static std::string Restore(const std::string& lines) {
    return absl::StrCat("printf '", lines,
                        "COMMIT\\n' | iptables-nft-restore --noflush");
  }

  // Starts a program with no shell in between, so that its id is known; returns
  // that when it has ended.
  static uint32_t Run(std::vector<std::string> argv) {
    absl::StatusOr<std::unique_ptr<NodeProcess>> process =
        NodeProcess::Start(NetNs::OfCaller(), {std::move(argv), "", {}}, "");
    EXPECT_TRUE(process.ok()) << process.status();
    if (!process.ok()) return 0;
    const absl::StatusOr<int> code = (*process)->Wait(absl::Seconds(30));
    EXPECT_TRUE(code.ok() && *code == 0);
    return static_cast<uint32_t>((*process)->pid());
  }
  // The text must be in a file: such a program has no input.
  static uint32_t RunRestore(const std::string& lines) {
    const std::string path = absl::StrCat(testing::TempDir(), "/restore");
    Shell(absl::StrCat("printf '", lines, "COMMIT\\n' > ", path));
    return Run({"iptables-nft-restore", "--noflush", path});
  }

  std::unique_ptr<NftMonitor> monitor_;
};

TEST_F(NftMonitorTest, WhereNothingHappensNothingChanged) {
  EXPECT_FALSE(Changed());
  EXPECT_FALSE(Changed());
}

TEST_F(NftMonitorTest, EverythingThatConcernsUsIsSeenOnce) {
  for (const std::string& command : {
           std::string("nft add table ip filter"),
           Restore("*filter\\n:KUBE-POD-FW-X - [0:0]\\n"),
           Restore("*filter\\n-A KUBE-POD-FW-X -j ACCEPT\\n"),
           Restore("*filter\\n-D KUBE-POD-FW-X -j ACCEPT\\n"),
           std::string("nft insert rule ip filter KUBE-POD-FW-X counter"),
           std::string("nft flush chain ip filter KUBE-POD-FW-X"),
           std::string("nft rename chain ip filter KUBE-POD-FW-X OTHER"),
           std::string("nft rename chain ip filter OTHER KUBE-POD-FW-X"),
           std::string("nft delete chain ip filter KUBE-POD-FW-X"),
           std::string("iptables-nft -I FORWARD 1 -j ACCEPT"),
           std::string("iptables-nft -F FORWARD"),
           std::string("iptables-nft -A INPUT -j ACCEPT"),
           std::string("iptables-nft -A OUTPUT -j ACCEPT"),
           std::string("iptables-nft -P FORWARD DROP"),
           Restore("*filter\\n:KUBE-POD-FW-X - [0:0]\\n"),
           Restore("*filter\\n:KUBE-NWPLCY-X - [0:0]\\n"),
           std::string("nft delete table ip filter"),
           std::string("nft add table ip filter"),
           std::string("nft flush ruleset"),
       }) {
    Shell(command);
    EXPECT_TRUE(Changed()) << command;
    EXPECT_FALSE(Changed()) << command;
  }
}

TEST_F(NftMonitorTest, WhatConcernsOthersIsNoChange) {
  Shell("iptables-nft -N OTHER; iptables-nft -A FORWARD -j OTHER");
  EXPECT_TRUE(Changed());
  Shell(
      "iptables-nft -A OTHER -j ACCEPT; iptables-nft -F OTHER;"
      "iptables-nft -N KUBE-FORWARD; iptables-nft -A KUBE-FORWARD -j ACCEPT;"
      "printf '*filter\\n:KUBE-FORWARD - [0:0]\\n-A KUBE-FORWARD -j DROP\\n"
      "COMMIT\\n' | iptables-nft-restore --noflush;"
      "iptables-nft -t nat -A PREROUTING -j ACCEPT;"
      "iptables-nft -t mangle -A FORWARD -j ACCEPT;"
      "iptables-nft -t mangle -N KUBE-POD-FW-X;"
      "ip6tables-nft -A FORWARD -j ACCEPT; ip6tables-nft -N KUBE-POD-FW-X;"
      "nft 'add table inet filter; add chain inet filter FORWARD;"
      "add rule inet filter FORWARD counter';"
      "nft 'add set ip filter FORWARD { type ipv4_addr; };"
      "add element ip filter FORWARD { 10.0.0.1 }'");
  EXPECT_FALSE(Changed());
}

TEST_F(NftMonitorTest, OfAnotherFamilyOnlyThatIsSeen) {
  auto six = *NftMonitor::Open(Family::kIPv6);
  Shell("ip6tables-nft -A FORWARD -j ACCEPT");
  EXPECT_TRUE(*six->TakeChanges());
  EXPECT_FALSE(Changed());
}

TEST_F(NftMonitorTest, ATransactionOfOurOwnChannelIsNoChange) {
  Shell(
      Restore("*filter\\n:KUBE-POD-FW-X - [0:0]\\n:KUBE-POD-FW-Y - [0:0]\\n"
              "-A KUBE-POD-FW-X -j ACCEPT\\n"));
  EXPECT_TRUE(Changed());
  auto channel = *NftChannel::Open();
  const NftRemoval removal = {.flushed = {"KUBE-POD-FW-X"},
                              .chains = {"KUBE-POD-FW-X"}};
  ASSERT_TRUE(channel->Remove(Family::kIPv4, "filter", removal).ok());
  EXPECT_FALSE(ChangedNotBy(channel->port()));
  ASSERT_TRUE(
      channel->Remove(Family::kIPv4, "filter", {.chains = {"KUBE-POD-FW-Y"}})
          .ok());
  EXPECT_TRUE(ChangedNotBy(channel->port() + 1));
}

TEST_F(NftMonitorTest, AProgramOfOursIsKnownByItsProcessId) {
  // With matches and targets that the program asks the kernel about through
  // other sockets, and with base chains to make.
  const uint32_t pid = RunRestore(
      "*filter\\n:KUBE-POD-FW-X - [0:0]\\n-A KUBE-POD-FW-X -p tcp -m multiport "
      "--dports 1,2 -m conntrack --ctstate NEW -m limit --limit 1/s -j NFLOG\\n"
      "-A KUBE-POD-FW-X -m addrtype --dst-type LOCAL -j REJECT\\n"
      "-I FORWARD 1 -j KUBE-POD-FW-X\\n");
  EXPECT_FALSE(ChangedNotBy(pid));
  RunRestore("*filter\\n:KUBE-POD-FW-X - [0:0]\\n");
  EXPECT_TRUE(ChangedNotBy(pid));
}

TEST_F(NftMonitorTest, OthersBeforeAndAfterOursAreAChange) {
  Shell("iptables-nft -I FORWARD 1 -j ACCEPT");
  EXPECT_TRUE(ChangedNotBy(RunRestore("*filter\\n:KUBE-POD-FW-X - [0:0]\\n")));
  const uint32_t pid = RunRestore("*filter\\n:KUBE-POD-FW-Y - [0:0]\\n");
  Shell("iptables-nft -I FORWARD 1 -j ACCEPT");
  EXPECT_TRUE(ChangedNotBy(pid));
}

TEST_F(NftMonitorTest, TwoProcessesOfTheSameNumberAreAChange) {
  // Each is the first of a pid namespace of its own.
  const std::string first =
      "unshare --pid --fork iptables-nft -A FORWARD -j ACCEPT";
  Shell(first);
  EXPECT_FALSE(ChangedNotBy(1));
  Shell(first + ";" + first);
  EXPECT_TRUE(ChangedNotBy(1));
}

TEST_F(NftMonitorTest, MessagesThatWereLostCountAsAChange) {
  // More than the socket holds, none of which concerns us.
  Shell("iptables-nft -N OTHER");
  EXPECT_TRUE(Changed());
  const std::string path = absl::StrCat(testing::TempDir(), "/many");
  Shell(absl::StrCat(
      "{ echo '*filter'; i=0; while [ $i -lt 40000 ]; do i=$((i+1));"
      "echo '-A OTHER -m comment --comment some-comment -j ACCEPT'; done;"
      "echo COMMIT; } > ",
      path, "; iptables-nft-restore --noflush < ", path));
  EXPECT_TRUE(Changed());
  EXPECT_FALSE(Changed());
  Shell("iptables-nft -A FORWARD -j ACCEPT");
  EXPECT_TRUE(Changed());
}

}  // namespace
}  // namespace netpol
