// Pods on a bridge, and a node behind a tunnel.
#include <netinet/in.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/lab/lab_flavour.h"
#include "tests/kernel/lab/packet_lab.h"
#include "tests/kernel/lab/packet_tap.h"
#include "tests/kernel/lab/tunnel_node.h"

namespace netpol {
namespace {

IpAddress Ip(absl::string_view text) { return *IpAddress::Parse(text); }

class BridgedLabTest : public LabFixture {
 protected:
  void SetUp() override {
    LabFixture::SetUp();
    if (IsSkipped()) return;
    LabOptions options;
    options.bridge = "kube-bridge";
    options.links.pop_back();
    options.prober.quiet = absl::Milliseconds(300);
    auto lab = PacketLab::Create(options);
    ASSERT_TRUE(lab.ok()) << lab.status();
    lab_ = *std::move(lab);
    Succeed(lab_->AddPod("a", {Ip("10.42.0.5"), Ip("fd00:42::5")}));
    Succeed(lab_->AddPod("b", {Ip("10.42.0.6"), Ip("fd00:42::6")}));
    Succeed(lab_->AddRemote({Ip("198.51.100.7"), Ip("2001:db8::7")}));
  }

  static void Succeed(const absl::Status& status) {
    ASSERT_TRUE(status.ok()) << status;
  }

  ProbeOutcome Probe(absl::string_view from, absl::string_view to) {
    const auto outcome = lab_->ProbeOne({Ip(from), Ip(to), IPPROTO_UDP, 1000});
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return *outcome;
  }

  std::string OnNode(std::vector<std::string> argv) {
    const auto result = lab_->ExecOnNode({.argv = std::move(argv)});
    EXPECT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->exit_code, 0) << result->err;
    return result->out;
  }

  std::unique_ptr<TunnelNode> node_b_;
  std::unique_ptr<PacketLab> lab_;
};

TEST_F(BridgedLabTest, PodsReachEachOtherTheNodeAndTheWorld) {
  for (const auto& [from, to] :
       std::vector<std::pair<const char*, const char*>>{
           {"10.42.0.5", "10.42.0.6"},
           {"10.42.0.5", "10.42.0.1"},
           {"10.42.0.5", "172.31.0.1"},
           {"10.42.0.1", "10.42.0.6"},
           {"10.42.0.5", "198.51.100.7"},
           {"198.51.100.7", "10.42.0.6"},
           {"fd00:42::5", "fd00:42::6"},
           {"fd00:42::5", "fd00:42::1"},
           {"fd00:42::5", "fd00:31::1"},
           {"fd00:42::1", "fd00:42::6"},
           {"fd00:42::5", "2001:db8::7"},
           {"2001:db8::7", "fd00:42::6"}}) {
    EXPECT_EQ(Probe(from, to), ProbeOutcome::kAllowed) << from << " " << to;
  }
}

TEST_F(BridgedLabTest, RulesOfIptablesSeeWhatIsBridged) {
  for (Family family : kFamilies) {
    OnNode({LabTool(family, "iptables"), "-A", "FORWARD", "-m", "physdev",
            "--physdev-is-bridged", "-p", "udp", "-j", "REJECT"});
  }
  EXPECT_EQ(Probe("10.42.0.5", "10.42.0.6"), ProbeOutcome::kRejected);
  EXPECT_EQ(Probe("fd00:42::5", "fd00:42::6"), ProbeOutcome::kRejected);
  EXPECT_EQ(Probe("198.51.100.7", "10.42.0.6"), ProbeOutcome::kAllowed);
}

TEST_F(BridgedLabTest, NeighboursAreFoundByAsking) {
  const auto neighbours = [this](absl::string_view entry) {
    return absl::StrContains(
        OnNode({"ip", "neigh", "show", "dev", "kube-bridge"}), entry);
  };
  EXPECT_FALSE(neighbours("10.42.0.6 lladdr"));
  EXPECT_FALSE(neighbours("fd00:42::6 lladdr"));
  EXPECT_EQ(Probe("10.42.0.1", "10.42.0.6"), ProbeOutcome::kAllowed);
  EXPECT_EQ(Probe("fd00:42::1", "fd00:42::6"), ProbeOutcome::kAllowed);
  EXPECT_TRUE(neighbours("10.42.0.6 lladdr"));
  EXPECT_TRUE(neighbours("fd00:42::6 lladdr"));
}

TEST_F(BridgedLabTest, AnAddressCanBeAddedToALinkOfTheNode) {
  Succeed(lab_->AddNodeAddress("eth0", "172.31.9.9/32"));
  EXPECT_EQ(Probe("172.31.9.9", "10.42.0.6"), ProbeOutcome::kAllowed);
  EXPECT_EQ(lab_->AddNodeAddress("eth7", "172.31.9.8/32").code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(lab_->AddNodeAddress("eth0", "172.31.9.9/32").code(),
            absl::StatusCode::kAlreadyExists);
}

TEST_F(BridgedLabTest, PodsOfANodeBehindATunnelAreReachedThroughIt) {
  auto node_b = TunnelNode::Create(lab_.get());
  ASSERT_TRUE(node_b.ok()) << node_b.status();
  node_b_ = *std::move(node_b);
  Succeed(node_b_->AddPods({Ip("10.42.1.5"), Ip("fd00:42:0:1::5")}));
  auto tap = PacketTap::Open(node_b_->ns());
  ASSERT_TRUE(tap.ok()) << tap.status();
  EXPECT_EQ(Probe("10.42.0.5", "10.42.1.5"), ProbeOutcome::kAllowed);
  // First the outer packet, by the underlay; then the inner one.
  EXPECT_TRUE(*tap->Hears([](const IpPacket& packet) {
    return packet.source == Ip(TunnelNode::kUnderlayOfNode);
  }));
  EXPECT_TRUE(*tap->Hears(
      [](const IpPacket& packet) { return packet.source == Ip("10.42.0.5"); }));
  EXPECT_EQ(Probe("10.42.1.5", "10.42.0.6"), ProbeOutcome::kAllowed);
  EXPECT_EQ(Probe("fd00:42::5", "fd00:42:0:1::5"), ProbeOutcome::kAllowed);
  EXPECT_EQ(Probe("fd00:42:0:1::5", "fd00:42::6"), ProbeOutcome::kAllowed);
}

}  // namespace
}  // namespace netpol
