// ICMP: echo, errors about connections that there are and are not, and the
// discovery of neighbours.
#include <netinet/in.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/kernel/lab/crafted_packets.h"
#include "tests/kernel/lab/packet_builder.h"
#include "tests/kernel/paths/path_test.h"

namespace netpol {
namespace {

constexpr ProbeOutcome kAllowed = ProbeOutcome::kAllowed;
constexpr ProbeOutcome kRejected = ProbeOutcome::kRejected;

class IcmpTest : public PathTest {
 protected:
  void SetUp() override {
    PathTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(lab_->AddRemote({Remote(), Stranger(), Router()}).ok());
  }

  // Somebody on the way, whom no policy knows.
  static IpAddress Router() { return Outside(250); }

  static LayoutOptions ByPolicy() {
    LayoutOptions layout;
    layout.icmp = IcmpMode::kPolicy;
    return layout;
  }

  static std::vector<k8s::NetworkPolicy> DenyAll() {
    return {
        PolicyBuilder("shop", "deny-all").Types({"Ingress", "Egress"}).Build()};
  }

  ProbeOutcome Echo(const IpAddress& from, const IpAddress& to) {
    return Probe(from, to, IcmpProtocol(family()));
  }

  // Closes web but for connections from a stranger, and opens one.
  absl::StatusOr<TcpPair> OpenFromStranger(const LayoutOptions& layout) {
    Enforce({Policy("web", {"Ingress", "Egress"})
                 .Ingress({Only(Stranger())}, {NumberPort("TCP", 80)})
                 .Build()},
            layout);
    return Open(Stranger(), Web());
  }
};

TEST_P(IcmpTest, EchoPassesWhateverPoliciesSayAsInKubeRouter) {
  Enforce(DenyAll());
  EXPECT_EQ(Echo(Client(), Web()), kAllowed);
  EXPECT_EQ(Echo(Web(), Client()), kAllowed);
  EXPECT_EQ(Echo(Stranger(), Web()), kAllowed);
  EXPECT_EQ(Echo(Web(), Stranger()), kAllowed);
  EXPECT_EQ(Echo(Client(), Node()), kAllowed);
  EXPECT_EQ(Tcp(Client(), Web(), 80), kRejected);
}

TEST_P(IcmpTest, EchoIsJudgedIfPoliciesAreToJudgeIt) {
  Enforce({Policy("web", {"Ingress"}).Ingress({App("client")}).Build(),
           Policy("other", {"Ingress", "Egress"})
               .Ingress({App("client")}, {NumberPort("TCP", 80)})
               .Egress({App("client"), Only(Node())})
               .Build()},
          ByPolicy());
  EXPECT_EQ(Echo(Client(), Web()), kAllowed);     // a rule without ports
  EXPECT_EQ(Echo(Client(), Other()), kRejected);  // a rule with ports
  EXPECT_EQ(Echo(Remote(), Web()), kRejected);
  EXPECT_EQ(Echo(Stranger(), Web()), kRejected);
  EXPECT_EQ(Echo(Other(), Client()), kAllowed);
  EXPECT_EQ(Echo(Other(), Node()), kAllowed);
  EXPECT_EQ(Echo(Other(), NodeOnBridge()), kRejected);
  EXPECT_EQ(Echo(Other(), Stranger()), kRejected);
  EXPECT_EQ(Echo(Web(), Stranger()), kAllowed);  // not isolated this way
  EXPECT_EQ(Echo(Node(), Other()), kAllowed);    // its own node
}

TEST_P(IcmpTest, EchoRepliesPassWhereRequestsDid) {
  Enforce(
      {Policy("client", {"Ingress", "Egress"}).Egress({App("web")}).Build(),
       Policy("web", {"Ingress", "Egress"}).Ingress({App("client")}).Build()},
      ByPolicy());
  PacketTap tap = Tap(Client());
  ASSERT_EQ(Echo(Client(), Web()), kAllowed);
  const uint8_t reply = family() == Family::kIPv4 ? 0 : 129;
  EXPECT_TRUE(*tap.Hears([&](const IpPacket& p) {
    return p.source == Web() && p.protocol == IcmpProtocol(family()) &&
           p.payload[0] == reply;
  }));
  EXPECT_EQ(Echo(Web(), Client()), kRejected);
}

TEST_P(IcmpTest, ErrorsAboutAnOpenConnectionReachAnIsolatedPod) {
  for (const LayoutOptions& layout : {LayoutOptions(), ByPolicy()}) {
    const absl::StatusOr<TcpPair> pair = OpenFromStranger(layout);
    ASSERT_TRUE(pair.ok()) << pair.status();
    EXPECT_TRUE(Arrives(Router(), Web(),
                        PacketTooBig(Router(), Reversed(pair->flow()))));
    ForgetConnections();
  }
}

// Conntrack finds no connection that such an error could be about: INVALID.
TEST_P(IcmpTest, ErrorsAboutNoConnectionReachNoLocalPod) {
  const absl::StatusOr<TcpPair> pair = OpenFromStranger(LayoutOptions());
  ASSERT_TRUE(pair.ok()) << pair.status();
  for (const IpAddress& pod : {Web(), Client()}) {  // isolated, and not
    SCOPED_TRACE(pod);
    EXPECT_TRUE(StaysAway(
        Router(), pod,
        PacketTooBig(Router(), {pod, Stranger(), IPPROTO_TCP, 4000, 443})));
  }
}

TEST_P(IcmpTest, TheEndOfAConnectionEndsItsErrors) {
  const absl::StatusOr<TcpPair> pair = OpenFromStranger(LayoutOptions());
  ASSERT_TRUE(pair.ok()) << pair.status();
  ForgetConnections();
  EXPECT_TRUE(StaysAway(Router(), Web(),
                        PacketTooBig(Router(), Reversed(pair->flow()))));
}

INSTANTIATE_TEST_SUITE_P(Paths, IcmpTest, testing::ValuesIn(AllPathKinds()),
                         PathKindName);

// On a bridge nobody is a neighbour of anybody until they have asked.
class NeighbourTest : public IcmpTest {
 protected:
  // Whether `to` hears a neighbour advertisement about `about` while `from`
  // does its probe.
  static bool IsAdvertisementOf(const IpPacket& packet,
                                const IpAddress& about) {
    constexpr uint8_t kAdvertisement = 136;
    return packet.protocol == IPPROTO_ICMPV6 && packet.source == about &&
           packet.payload.size() >= 24 && packet.payload[0] == kAdvertisement;
  }
};

TEST_P(NeighbourTest, PodsFindEachOtherThoughAllElseIsDenied) {
  Enforce(DenyAll(), ByPolicy());
  PacketTap tap = Tap(Client());
  EXPECT_EQ(Tcp(Client(), Web(), 80), kRejected);
  if (family() == Family::kIPv6) {
    EXPECT_TRUE(*tap.Hears(
        [&](const IpPacket& p) { return IsAdvertisementOf(p, Web()); }));
  }
}

TEST_P(NeighbourTest, PodAndNodeFindEachOtherThoughAllElseIsDenied) {
  Enforce(DenyAll(), ByPolicy());
  PacketTap tap = Tap(Client());
  EXPECT_EQ(Tcp(Client(), NodeOnBridge(), 80), kRejected);
  if (family() == Family::kIPv6) {
    EXPECT_TRUE(*tap.Hears([&](const IpPacket& p) {
      return IsAdvertisementOf(p, NodeOnBridge());
    }));
  }
  EXPECT_EQ(Tcp(NodeOnBridge(), Web(), 80), kAllowed);
  EXPECT_EQ(Tcp(Stranger(), Other(), 80), kRejected);
}

INSTANTIATE_TEST_SUITE_P(Paths, NeighbourTest,
                         testing::ValuesIn(PathKinds({Wiring::kBridged})),
                         PathKindName);

}  // namespace
}  // namespace netpol
