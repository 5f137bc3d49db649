// Packets that the node forwards: between its pods, to other nodes and from
// them, by routes, over a bridge and through a tunnel.
#include <netinet/in.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/kernel/lab/packet_builder.h"
#include "tests/kernel/lab/tunnel_node.h"
#include "tests/kernel/paths/path_test.h"

namespace netpol {
namespace {

constexpr ProbeOutcome kAllowed = ProbeOutcome::kAllowed;
constexpr ProbeOutcome kRejected = ProbeOutcome::kRejected;

class ForwardingTest : public PathTest {
 protected:
  void SetUp() override {
    PathTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(lab_->AddRemote({Remote(), RemotePod(11), Stranger()}).ok());
  }

  // How often a packet was sent to be judged, as source or as destination.
  int Judgements() {
    int count = 0;
    const std::string saved = NodeTool({"iptables-save", "-c", "-t", "filter"});
    for (absl::string_view line : absl::StrSplit(saved, '\n')) {
      int packets = 0;
      const std::vector<absl::string_view> parts =
          absl::StrSplit(line, absl::ByAnyChar("[:"), absl::SkipEmpty());
      if (absl::StrContains(line, "-A KUBE-ROUTER-FORWARD ") &&
          absl::StrContains(line, "-j KUBE-POD-FW-") &&
          absl::SimpleAtoi(parts.front(), &packets)) {
        count += packets;
      }
    }
    return count;
  }
};

// Sender and receiver both have to agree.
TEST_P(ForwardingTest, LocalPodsReachEachOtherIfBothSidesAllowIt) {
  Enforce(
      {Policy("web", {"Ingress"})
           .Ingress({App("client")}, {NumberPort("TCP", 80)})
           .Build(),
       Policy("client", {"Egress"})
           .Egress({App("web")}, {NumberPort("TCP", 80), NumberPort("TCP", 81)})
           .Build()});
  EXPECT_EQ(Tcp(Client(), Web(), 80), kAllowed);
  EXPECT_EQ(Tcp(Client(), Web(), 81), kRejected);    // by the receiver
  EXPECT_EQ(Tcp(Client(), Web(), 82), kRejected);    // by both
  EXPECT_EQ(Tcp(Other(), Web(), 80), kRejected);     // by the receiver
  EXPECT_EQ(Tcp(Client(), Other(), 80), kRejected);  // by the sender
  EXPECT_EQ(Tcp(Other(), Client(), 80), kAllowed);   // nobody minds
  EXPECT_EQ(Tcp(Web(), Other(), 80), kAllowed);
  EXPECT_EQ(Probe(Client(), Web(), IPPROTO_UDP, 80), kRejected);
  EXPECT_EQ(Probe(Web(), Other(), IPPROTO_SCTP, 80), kAllowed);
}

TEST_P(ForwardingTest, RepliesPassWhateverTheirOwnDirectionSays) {
  Enforce(
      {Policy("web", {"Ingress", "Egress"})
           .Ingress({App("client")}, {NumberPort("TCP", 80)})
           .Build(),
       Policy("client", {"Ingress", "Egress"}).Egress({App("web")}).Build()});
  absl::StatusOr<TcpPair> pair = Open(Client(), Web());
  ASSERT_TRUE(pair.ok()) << pair.status();
  EXPECT_TRUE(*pair->ReachesServer());
  EXPECT_TRUE(*pair->ReachesClient());
  EXPECT_EQ(Tcp(Web(), Client(), 80), kRejected);
}

TEST_P(ForwardingTest, EachSideJudgesAPacketOnce) {
  Enforce({Policy("web", {"Ingress"}).Ingress({App("client")}).Build(),
           Policy("client", {"Egress"}).Egress({App("web")}).Build()});
  // Nobody answers SCTP here. The first packet finds the neighbours.
  ASSERT_EQ(Probe(Client(), Web(), IPPROTO_SCTP, 80), kAllowed);
  const int before = Judgements();
  ASSERT_EQ(Probe(Client(), Web(), IPPROTO_SCTP, 80), kAllowed);
  EXPECT_EQ(Judgements() - before, 2);
}

TEST_P(ForwardingTest, PodsOfOtherNodesAreJudgedByThisEnd) {
  Enforce({Policy("web", {"Ingress"})
               .Ingress({App("remote")}, {NumberPort("TCP", 80)})
               .Build(),
           Policy("client", {"Egress"})
               .Egress({App("remote")}, {NumberPort("UDP", 53)})
               .Build()});
  EXPECT_EQ(Tcp(Remote(), Web(), 80), kAllowed);
  EXPECT_EQ(Tcp(Remote(), Web(), 81), kRejected);
  EXPECT_EQ(Tcp(RemotePod(11), Web(), 80), kRejected);  // no pod's address
  EXPECT_EQ(Tcp(Stranger(), Web(), 80), kRejected);
  EXPECT_EQ(Probe(Client(), Remote(), IPPROTO_UDP, 53), kAllowed);
  EXPECT_EQ(Tcp(Client(), Remote(), 53), kRejected);
  EXPECT_EQ(Probe(Client(), Stranger(), IPPROTO_UDP, 53), kRejected);
  EXPECT_EQ(Tcp(Other(), Remote(), 80), kAllowed);
  EXPECT_EQ(Tcp(Remote(), Other(), 80), kAllowed);
}

// The filter knows pods by their addresses only.
TEST_P(ForwardingTest, AForgedSourceIsJudgedAsTheAddressThatItForges) {
  Enforce({Policy("client", {"Egress"}).Build(),
           Policy("web", {"Ingress"}).Ingress({App("other")}).Build()});
  const auto forged = [](const IpAddress& source, const IpAddress& to) {
    return FirstPacket({source, to, IPPROTO_UDP, 4000, 80});
  };
  EXPECT_TRUE(StaysAway(Client(), Web(), forged(Client(), Web())));
  EXPECT_TRUE(Arrives(Client(), Web(), forged(Other(), Web())));
  EXPECT_TRUE(Arrives(Client(), Stranger(), forged(Guest(), Stranger())));
}

INSTANTIATE_TEST_SUITE_P(Paths, ForwardingTest,
                         testing::ValuesIn(AllPathKinds()), PathKindName);

class BridgeTest : public ForwardingTest {};

TEST_P(BridgeTest, WithoutBridgeNetfilterNothingSeesWhatIsBridged) {
  Enforce({Policy("web", {"Ingress"}).Build()});
  ASSERT_TRUE(lab_->AddRemote({Guest()}).ok());
  EXPECT_EQ(Tcp(Client(), Web(), 80), kRejected);
  const absl::Status off = lab_->node().Run([]() -> absl::Status {
    const absl::Status v4 =
        WriteSysctl("net/bridge/bridge-nf-call-iptables", "0");
    return v4.ok() ? WriteSysctl("net/bridge/bridge-nf-call-ip6tables", "0")
                   : v4;
  });
  ASSERT_TRUE(off.ok()) << off;
  EXPECT_EQ(Tcp(Client(), Web(), 80), kAllowed);
  // What is routed meets the rules still.
  EXPECT_EQ(Tcp(Remote(), Web(), 80), kRejected);
  EXPECT_EQ(Tcp(Guest(), Web(), 80), kRejected);
}

// fe80::/10, or 169.254.0.0/16 (RFC 3927).
TEST_P(BridgeTest, LinkLocalSourcesAreNobodysButTheirTargetIsJudged) {
  Enforce({Policy("client", {"Egress"}).Build(),
           Policy("web", {"Ingress"}).Build()});
  const IpAddress link_local = *IpAddress::Parse(
      family() == Family::kIPv4 ? "169.254.3.232" : "fe80::3e8");
  const auto packet = [&](const IpAddress& to) {
    return FirstPacket({link_local, to, IPPROTO_UDP, 4000, 80});
  };
  EXPECT_TRUE(StaysAway(Client(), Web(), packet(Web())));
  EXPECT_TRUE(Arrives(Client(), Other(), packet(Other())));
}

INSTANTIATE_TEST_SUITE_P(Paths, BridgeTest,
                         testing::ValuesIn(PathKinds({Wiring::kBridged})),
                         PathKindName);

class TunnelTest : public PathTest {
 protected:
  LabOptions Options() const override {
    LabOptions options = PathTest::Options();
    options.links.pop_back();  // the tunnel is a real one here
    return options;
  }

  void SetUp() override {
    PathTest::SetUp();
    if (IsSkipped()) return;
    absl::StatusOr<std::unique_ptr<TunnelNode>> node =
        TunnelNode::Create(lab_.get());
    ASSERT_TRUE(node.ok()) << node.status();
    node_b_ = *std::move(node);
    const absl::Status added = node_b_->AddPods({Remote(), RemotePod(11)});
    ASSERT_TRUE(added.ok()) << added;
  }

  void TearDown() override {
    PathTest::TearDown();
    lab_.reset();  // borrows from node_b_
  }

  std::unique_ptr<TunnelNode> node_b_;
};

TEST_P(TunnelTest, WhatATunnelCarriesIsJudgedByItsInnerAddresses) {
  Enforce({Policy("web", {"Ingress"})
               .Ingress({App("remote")}, {NumberPort("TCP", 80)})
               .Build(),
           Policy("client", {"Egress"})
               .Egress({App("remote")}, {NumberPort("TCP", 80)})
               .Build()});
  EXPECT_EQ(Tcp(Remote(), Web(), 80), kAllowed);
  EXPECT_EQ(Tcp(Remote(), Web(), 81), kRejected);
  EXPECT_EQ(Tcp(RemotePod(11), Web(), 80), kRejected);
  EXPECT_EQ(Tcp(Client(), Remote(), 80), kAllowed);
  EXPECT_EQ(Tcp(Client(), Remote(), 81), kRejected);
  EXPECT_EQ(Tcp(Client(), RemotePod(11), 80), kRejected);
  EXPECT_EQ(Tcp(Other(), RemotePod(11), 80), kAllowed);
  EXPECT_EQ(Tcp(Remote(), Other(), 80), kAllowed);
}

TEST_P(TunnelTest, ConnectionsThroughATunnelPassBothWays) {
  Enforce({Policy("web", {"Ingress", "Egress"})
               .Ingress({App("remote")}, {NumberPort("TCP", 80)})
               .Build()});
  absl::StatusOr<TcpPair> pair = Open(Remote(), Web());
  ASSERT_TRUE(pair.ok()) << pair.status();
  EXPECT_TRUE(*pair->ReachesServer());
  EXPECT_TRUE(*pair->ReachesClient());
}

// The node's own packets around those of pods are not the filter's business,
// even if every pod is closed.
TEST_P(TunnelTest, TheOuterPacketsAreTheNodesOwn) {
  Enforce(
      {PolicyBuilder("shop", "deny-all").Types({"Ingress", "Egress"}).Build()});
  const IpAddress here = *IpAddress::Parse(TunnelNode::kUnderlayOfNode);
  const IpAddress there = *IpAddress::Parse(TunnelNode::kUnderlay);
  ASSERT_TRUE(lab_->AddPod("vm", {LocalPod(99)}).ok());  // not in the cluster
  PacketTap tap = Tap(Remote());
  EXPECT_EQ(Tcp(LocalPod(99), Remote(), 80), kAllowed);
  EXPECT_TRUE(*tap.Hears([&](const IpPacket& packet) {
    return packet.source == here && packet.destination == there &&
           packet.protocol == IPPROTO_UDP;
  }));
  EXPECT_EQ(Tcp(Client(), Remote(), 80), kRejected);
}

TEST_P(TunnelTest, TheNodesEndOfTheTunnelReachesItsPods) {
  Enforce(
      {PolicyBuilder("shop", "deny-all").Types({"Ingress", "Egress"}).Build()});
  Serve(Web(), "web", 8080);
  const IpAddress end =
      Pick(TunnelNode::kNodeEnds[0], TunnelNode::kNodeEnds[1]);
  EXPECT_EQ(CallTo(end, Web(), 8080),
            absl::StrCat("web sees ", end.ToString()));
}

// Addresses of the node within the range of its pods, which are closed to all
// that is not known.
TEST_P(TunnelTest, TheNodesOwnEndsStayOpenByDefaultDeny) {
  LayoutOptions layout;
  layout.default_deny = true;
  cluster_.nodes = {NodeBuilder("node-a")
                        .PodCidr("10.42.0.0/24")
                        .PodCidr("fd00:42::/64")
                        .Build()};
  ASSERT_TRUE(lab_->AddPod("new", {LocalPod(99)}).ok());  // not told of yet
  Enforce({}, layout);
  const IpAddress tunnel =
      Pick(TunnelNode::kNodeEnds[0], TunnelNode::kNodeEnds[1]);
  for (const IpAddress& end : {tunnel, NodeOnBridge()}) {
    SCOPED_TRACE(end);
    EXPECT_EQ(Tcp(end, Remote(), 80), kAllowed);
    EXPECT_EQ(Tcp(Remote(), end, 80), kAllowed);
    EXPECT_EQ(Tcp(end, LocalPod(99), 80), kAllowed);
    EXPECT_EQ(Tcp(Client(), end, 80), kAllowed);
  }
  EXPECT_NE(Tcp(Remote(), LocalPod(99), 80), kAllowed);
  EXPECT_NE(Tcp(LocalPod(99), Remote(), 80), kAllowed);
}

INSTANTIATE_TEST_SUITE_P(Paths, TunnelTest, testing::ValuesIn(AllPathKinds()),
                         PathKindName);

}  // namespace
}  // namespace netpol
