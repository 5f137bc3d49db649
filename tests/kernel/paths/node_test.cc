// Packets between a node and its own pods.
#include <netinet/in.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/kernel/lab/packet_builder.h"
#include "tests/kernel/paths/path_test.h"

namespace netpol {
namespace {

constexpr ProbeOutcome kAllowed = ProbeOutcome::kAllowed;
constexpr ProbeOutcome kRejected = ProbeOutcome::kRejected;
constexpr uint8_t kTransports[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};

class NodeTest : public PathTest {
 protected:
  LabOptions Options() const override {
    LabOptions options = PathTest::Options();
    options.links[1].addresses.push_back("fd00:42:ffff::1/128");
    return options;
  }

  void SetUp() override {
    PathTest::SetUp();
    if (IsSkipped()) return;
    for (const char* second : {"172.31.0.2/24", "fd00:31::2/64"}) {
      const absl::Status added = lab_->AddNodeAddress("eth0", second);
      ASSERT_TRUE(added.ok()) << added;
    }
    ASSERT_TRUE(lab_->AddRemote({Stranger(), Remote()}).ok());
  }

  // Uplink, bridge, tunnel, and a second one of the uplink.
  static std::vector<IpAddress> NodeAddresses() {
    return {Node(), NodeOnBridge(), Pick("10.42.0.0", "fd00:42:ffff::1"),
            Pick("172.31.0.2", "fd00:31::2")};
  }

  static k8s::NetworkPolicy DenyAll() {
    return PolicyBuilder("shop", "deny-all")
        .Types({"Ingress", "Egress"})
        .Build();
  }
};

TEST_P(NodeTest, EveryAddressOfTheNodeReachesItsIsolatedPods) {
  Enforce({DenyAll()});
  Serve(Web(), "web", 8080);
  for (const IpAddress& node : NodeAddresses()) {
    SCOPED_TRACE(node);
    EXPECT_EQ(CallTo(node, Web(), 8080),
              absl::StrCat("web sees ", node.ToString()));
    for (uint8_t protocol : kTransports) {
      EXPECT_EQ(Probe(node, Web(), protocol, 80), kAllowed) << int{protocol};
    }
  }
  EXPECT_EQ(Tcp(Stranger(), Web(), 8080), kRejected);
  EXPECT_EQ(Tcp(Client(), Web(), 8080), kRejected);
}

TEST_P(NodeTest, AnAddressThatTheNodeGetsLaterReachesItsPodsAtOnce) {
  Enforce({DenyAll()});
  const std::string text =
      family() == Family::kIPv4 ? "172.31.7.7/32" : "fd00:31:7::7/128";
  const IpAddress late = Pick("172.31.7.7", "fd00:31:7::7");
  ASSERT_TRUE(lab_->AddNodeAddress("eth0", text).ok());
  Serve(Web(), "web", 8080);
  EXPECT_EQ(CallTo(late, Web(), 8080),
            absl::StrCat("web sees ", late.ToString()));
}

// Somebody else's packet with the address of this node. The kernel drops it
// itself in IPv4, since no packet from outside may bear an own address.
TEST_P(NodeTest, TheNodesWayIsOpenToTheNodeAlone) {
  Enforce({DenyAll()});
  const auto packet = [&](const IpAddress& source) {
    return FirstPacket({source, Web(), IPPROTO_UDP, 4000, 80});
  };
  EXPECT_TRUE(Arrives(Node(), Web(), packet(Node())));
  EXPECT_TRUE(StaysAway(Stranger(), Web(), packet(Node())));
  EXPECT_TRUE(StaysAway(Stranger(), Web(), packet(NodeOnBridge())));
  EXPECT_TRUE(StaysAway(Client(), Web(), packet(Node())));
}

TEST_P(NodeTest, PodsReachTheNodeAsTheirEgressSays) {
  Enforce({Policy("client", {"Egress"})
               .Egress({Only(Node())},
                       {NumberPort("TCP", 6443), NumberPort("UDP", 53)})
               .Build(),
           Policy("other", {"Egress"}).Build()});
  EXPECT_EQ(Tcp(Client(), Node(), 6443), kAllowed);
  EXPECT_EQ(Probe(Client(), Node(), IPPROTO_UDP, 53), kAllowed);
  EXPECT_EQ(Tcp(Client(), Node(), 10250), kRejected);
  EXPECT_EQ(Tcp(Client(), NodeOnBridge(), 6443), kRejected);
  for (const IpAddress& node : NodeAddresses()) {
    SCOPED_TRACE(node);
    EXPECT_EQ(Tcp(Other(), node, 6443), kRejected);
    EXPECT_EQ(Probe(Other(), node, IPPROTO_SCTP, 6443), kRejected);
    EXPECT_EQ(Tcp(Web(), node, 6443), kAllowed);
  }
}

TEST_P(NodeTest, APodAnswersTheNodeAndTheNodeAnswersAPod) {
  Enforce(
      {DenyAll(), Policy("client", {"Egress"}).Egress({Only(Node())}).Build()});
  absl::StatusOr<TcpPair> probe =
      TcpPair::Open(lab_->node(), Node(), At(Web()), Web(), 8080);
  ASSERT_TRUE(probe.ok()) << probe.status();
  EXPECT_TRUE(*probe->ReachesServer());
  EXPECT_TRUE(*probe->ReachesClient());
  absl::StatusOr<TcpPair> call =
      TcpPair::Open(At(Client()), Client(), lab_->node(), Node(), 6443);
  ASSERT_TRUE(call.ok()) << call.status();
  EXPECT_TRUE(*call->ReachesServer());
  EXPECT_TRUE(*call->ReachesClient());
}

TEST_P(NodeTest, APodReachesItselfWhateverItsPoliciesSay) {
  Enforce({DenyAll()});
  Serve(Web(), "web", 8080);
  EXPECT_EQ(CallTo(Web(), Web(), 8080),
            absl::StrCat("web sees ", Web().ToString()));
  EXPECT_EQ(CallTo(Client(), Web(), 8080), "refused");
}

INSTANTIATE_TEST_SUITE_P(Paths, NodeTest, testing::ValuesIn(AllPathKinds()),
                         PathKindName);

// Service addresses that are on a link of the node, as IPVS has them.
class LocalServiceTest : public PathTest {
 protected:
  LabOptions Options() const override {
    LabOptions options = PathTest::Options();
    options.links.push_back(
        {"kube-ipvs0",
         {"10.43.0.0/32",          "10.43.255.255/32",   "10.44.0.0/32",
          "10.42.255.255/32",      "192.0.2.16/32",      "192.0.2.31/32",
          "192.0.2.32/32",         "192.0.2.15/32",      "203.0.113.0/32",
          "203.0.113.255/32",      "203.0.112.255/32",   "fd00:43::/128",
          "fd00:43::ff/128",       "fd00:43::100/128",   "fd00:42:ffff::ff/128",
          "2001:db8:1::10/128",    "2001:db8:1::1f/128", "2001:db8:1::20/128",
          "2001:db8:1::f/128",     "2001:db8:2::/128",   "2001:db8:2::ff/128",
          "2001:db8:1:ffff::1/128"}});
    return options;
  }

  static LayoutOptions Ranges() {
    LayoutOptions layout;
    for (const char* text : {"10.43.0.0/16", "fd00:43::/120"}) {
      layout.cluster_ip_ranges.push_back(*IpPrefix::Parse(text));
    }
    for (const char* text : {"192.0.2.16/28", "2001:db8:1::10/124"}) {
      layout.external_ip_ranges.push_back(*IpPrefix::Parse(text));
    }
    for (const char* text : {"203.0.113.0/24", "2001:db8:2::/120"}) {
      layout.load_balancer_ip_ranges.push_back(*IpPrefix::Parse(text));
    }
    return layout;
  }

  void Expect(ProbeOutcome outcome, const IpAddress& to) {
    for (uint8_t protocol : kTransports) {
      EXPECT_EQ(Probe(Client(), to, protocol, 80), outcome)
          << to << " protocol " << int{protocol};
    }
  }
};

TEST_P(LocalServiceTest, ServiceRangesOnTheNodeAreExemptFromEgress) {
  Enforce({Policy("client", {"Egress"}).Build()}, Ranges());
  Expect(kAllowed, Pick("10.43.0.0", "fd00:43::"));
  Expect(kAllowed, Pick("10.43.255.255", "fd00:43::ff"));
  Expect(kRejected, Pick("10.44.0.0", "fd00:43::100"));
  Expect(kRejected, Pick("10.42.255.255", "fd00:42:ffff::ff"));
  Expect(kAllowed, Pick("192.0.2.16", "2001:db8:1::10"));
  Expect(kAllowed, Pick("192.0.2.31", "2001:db8:1::1f"));
  Expect(kRejected, Pick("192.0.2.32", "2001:db8:1::20"));
  Expect(kRejected, Pick("192.0.2.15", "2001:db8:1::f"));
  Expect(kAllowed, Pick("203.0.113.0", "2001:db8:2::"));
  Expect(kAllowed, Pick("203.0.113.255", "2001:db8:2::ff"));
  Expect(kRejected, Pick("203.0.112.255", "2001:db8:1:ffff::1"));
}

TEST_P(LocalServiceTest, WithoutRangesServiceAddressesAreAnyAddresses) {
  Enforce({Policy("client", {"Egress"}).Build()});
  Expect(kRejected, Pick("10.43.0.0", "fd00:43::"));
  Expect(kRejected, Pick("192.0.2.16", "2001:db8:1::10"));
  Expect(kRejected, Pick("203.0.113.0", "2001:db8:2::"));
}

// Only what ends on the node is exempt: what it forwards was not translated.
TEST_P(LocalServiceTest, ServiceRangesThatAreNotOnTheNodeAreJudged) {
  ASSERT_TRUE(lab_->AddRemote({ServiceIp(77)}).ok());
  Enforce({Policy("client", {"Egress"}).Build()}, Ranges());
  Expect(kRejected, ServiceIp(77));
}

TEST_P(LocalServiceTest, NodePortsOfTheNodeAreExemptFromEgress) {
  ASSERT_TRUE(lab_->AddRemote({Remote()}).ok());
  Enforce({Policy("client", {"Egress"}).Build()});
  for (uint8_t protocol : kTransports) {
    SCOPED_TRACE(int{protocol});
    for (const IpAddress& node : {Node(), NodeOnBridge()}) {
      EXPECT_EQ(Probe(Client(), node, protocol, 29999), kRejected);
      EXPECT_EQ(Probe(Client(), node, protocol, 30000), kAllowed);
      EXPECT_EQ(Probe(Client(), node, protocol, 32767), kAllowed);
      EXPECT_EQ(Probe(Client(), node, protocol, 32768), kRejected);
    }
    EXPECT_EQ(Probe(Client(), Remote(), protocol, 30000), kRejected);
    EXPECT_EQ(Probe(Client(), Web(), protocol, 30000), kRejected);
  }
}

TEST_P(LocalServiceTest, TheRangeOfNodePortsCanBeAnother) {
  LayoutOptions layout;
  layout.node_ports = {8000, 8001};
  Enforce({Policy("client", {"Egress"}).Build()}, layout);
  for (uint8_t protocol : kTransports) {
    SCOPED_TRACE(int{protocol});
    EXPECT_EQ(Probe(Client(), Node(), protocol, 7999), kRejected);
    EXPECT_EQ(Probe(Client(), Node(), protocol, 8000), kAllowed);
    EXPECT_EQ(Probe(Client(), Node(), protocol, 8001), kAllowed);
    EXPECT_EQ(Probe(Client(), Node(), protocol, 8002), kRejected);
    EXPECT_EQ(Probe(Client(), Node(), protocol, 30000), kRejected);
  }
}

// What IPVS makes of a packet to a service: the node sends it with the pod's
// address as its source.
TEST_P(LocalServiceTest, WhatTheNodeSendsForAPodIsJudgedAsThePods) {
  ASSERT_TRUE(lab_->AddRemote({Remote()}).ok());
  Enforce({Policy("client", {"Egress"})
               .Egress({App("web"), App("remote")},
                       {NumberPort("UDP", 80), NumberPort("UDP", 81)})
               .Build(),
           Policy("web", {"Ingress"})
               .Ingress({App("client")},
                        {NumberPort("UDP", 80), NumberPort("UDP", 82)})
               .Build()});
  const auto packet = [](const IpAddress& from, const IpAddress& to,
                         uint16_t port) {
    return FirstPacket({from, to, IPPROTO_UDP, 4000, port});
  };
  EXPECT_TRUE(Arrives(Node(), Web(), packet(Client(), Web(), 80)));
  // By the target, by the sender, and a sender that the target does not want.
  EXPECT_TRUE(StaysAway(Node(), Web(), packet(Client(), Web(), 81)));
  EXPECT_TRUE(StaysAway(Node(), Web(), packet(Client(), Web(), 82)));
  EXPECT_TRUE(StaysAway(Node(), Web(), packet(Other(), Web(), 80)));
  EXPECT_TRUE(Arrives(Node(), Remote(), packet(Client(), Remote(), 81)));
  EXPECT_TRUE(StaysAway(Node(), Remote(), packet(Client(), Remote(), 82)));
  EXPECT_TRUE(Arrives(Node(), Remote(), packet(Other(), Remote(), 82)));
}

INSTANTIATE_TEST_SUITE_P(Paths, LocalServiceTest,
                         testing::ValuesIn(AllPathKinds()), PathKindName);

}  // namespace
}  // namespace netpol
