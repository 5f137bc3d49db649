// What connection tracking makes of packets: replies, packets of no connection,
// and connections that were there before a change.
#include <netinet/in.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/kernel/lab/crafted_packets.h"
#include "tests/kernel/lab/packet_builder.h"
#include "tests/kernel/paths/path_test.h"

namespace netpol {
namespace {

constexpr ProbeOutcome kAllowed = ProbeOutcome::kAllowed;
constexpr ProbeOutcome kRejected = ProbeOutcome::kRejected;

class ConnectionTest : public PathTest {
 protected:
  void SetUp() override {
    PathTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(lab_->AddRemote({Remote(), Stranger()}).ok());
  }

  static k8s::NetworkPolicy DenyAll() {
    return PolicyBuilder("shop", "deny-all")
        .Types({"Ingress", "Egress"})
        .Build();
  }

  static Flow TcpFlow(const IpAddress& from, const IpAddress& to) {
    return {from, to, IPPROTO_TCP, 4000, 443};
  }
};

TEST_P(ConnectionTest, RepliesReachAPodThatIsClosedBothWays) {
  Enforce({DenyAll(),
           Policy("client", {"Egress"}).Egress({Only(Stranger())}).Build()});
  absl::StatusOr<TcpPair> pair = Open(Client(), Stranger());
  ASSERT_TRUE(pair.ok()) << pair.status();
  EXPECT_TRUE(*pair->ReachesServer());
  EXPECT_TRUE(*pair->ReachesClient());
  EXPECT_EQ(Tcp(Stranger(), Client(), 80), kRejected);
}

TEST_P(ConnectionTest, AUdpReplyPassesAsLongAsTheQueryIsRemembered) {
  Enforce({DenyAll(),
           Policy("client", {"Egress"}).Egress({Only(Stranger())}).Build()});
  UdpFlow query = lab_->OpenUdpFlow(Client(), Stranger(), 53);
  EXPECT_EQ(*query.SendReply(), kRejected);  // to no query
  EXPECT_EQ(*query.SendForward(), kAllowed);
  EXPECT_EQ(*query.SendReply(), kAllowed);
  ForgetConnections();  // as time does
  EXPECT_EQ(*query.SendReply(), kRejected);
}

TEST_P(ConnectionTest, OpenConnectionsOutliveANewDeny) {
  Enforce({});
  absl::StatusOr<TcpPair> pairs[] = {
      Open(Client(), Web()), Open(Stranger(), Web()), Open(Web(), Stranger())};
  for (const auto& pair : pairs) ASSERT_TRUE(pair.ok()) << pair.status();
  Tell(Upsert(DenyAll()));
  for (auto& pair : pairs) {
    SCOPED_TRACE(pair->flow());
    EXPECT_TRUE(*pair->ReachesServer());
    EXPECT_TRUE(*pair->ReachesClient());
  }
  EXPECT_EQ(Tcp(Client(), Web(), 80), kRejected);
  EXPECT_EQ(Tcp(Stranger(), Web(), 80), kRejected);
  EXPECT_EQ(Tcp(Web(), Stranger(), 80), kRejected);
}

TEST_P(ConnectionTest, OpenConnectionsCarryOnThroughCommits) {
  constexpr int kRounds = 20;
  Enforce({Policy("web", {"Ingress", "Egress"})
               .Ingress({App("client")}, {NumberPort("TCP", 80)})
               .Build()});
  absl::StatusOr<TcpPair> pair = Open(Client(), Web());
  ASSERT_TRUE(pair.ok()) << pair.status();
  for (int round = 0; round < kRounds; ++round) {
    Tell(Upsert(Policy("web", {"Ingress", "Egress"})
                    .Ingress({App("client")}, {NumberPort("TCP", 80 + round)})
                    .Build()));
    ASSERT_TRUE(*pair->ReachesServer()) << round;
    ASSERT_TRUE(*pair->ReachesClient()) << round;
  }
  EXPECT_EQ(Tcp(Client(), Web(), 80), kRejected);
  EXPECT_EQ(Tcp(Client(), Web(), 80 + kRounds - 1), kAllowed);
}

// With somebody behind the node who is no pod.
class MachineTest : public ConnectionTest {
 protected:
  void SetUp() override {
    ConnectionTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(lab_->AddPod("vm", {Machine()}).ok());
  }

  static IpAddress Machine() { return LocalPod(99); }
};

// Packets that fit no connection.
class InvalidTest : public MachineTest {
 protected:
  void SetUp() override {
    MachineTest::SetUp();
    if (IsSkipped()) return;
    Enforce({Policy("web", {"Ingress"}).Ingress({Only(Stranger())}).Build()});
    Strict(true);
  }

  // Whether a connection has to begin with a SYN.
  void Strict(bool strict) {
    const absl::Status set = lab_->node().Run([strict] {
      return WriteSysctl("net/netfilter/nf_conntrack_tcp_loose",
                         strict ? "0" : "1");
    });
    ASSERT_TRUE(set.ok()) << set;
  }

  static std::vector<std::vector<uint8_t>> Invalid(const IpAddress& from,
                                                   const IpAddress& to) {
    const Flow flow = TcpFlow(from, to);
    return {TcpSegment(flow, kTcpAck), TcpSegment(flow, kTcpRst),
            TcpSegment(flow, kTcpSyn | kTcpRst),
            WithBadChecksum(FirstPacket(flow))};
  }
};

// To one that is isolated but would allow them, and one that is not isolated.
TEST_P(InvalidTest, WhatFitsNoConnectionReachesNoLocalPod) {
  for (const IpAddress& pod : {Web(), Other()}) {
    const Flow flow = TcpFlow(Stranger(), pod);
    EXPECT_TRUE(Arrives(Stranger(), pod, TcpSegment(flow, kTcpSyn)));
    ForgetConnections();
    for (const auto& packet : Invalid(Stranger(), pod)) {
      EXPECT_TRUE(StaysAway(Stranger(), pod, packet)) << pod;
    }
  }
}

TEST_P(InvalidTest, WhatFitsNoConnectionLeavesNoLocalPod) {
  for (const auto& packet : Invalid(Other(), Stranger())) {
    EXPECT_TRUE(StaysAway(Other(), Stranger(), packet));
  }
  const Flow flow = TcpFlow(Other(), Stranger());
  EXPECT_TRUE(Arrives(Other(), Stranger(), TcpSegment(flow, kTcpSyn)));
}

TEST_P(InvalidTest, BetweenOthersItIsLeftAlone) {
  for (const auto& packet : Invalid(Stranger(), Machine())) {
    EXPECT_TRUE(Arrives(Stranger(), Machine(), packet));
    ForgetConnections();
  }
  for (const auto& packet : Invalid(Machine(), Stranger())) {
    EXPECT_TRUE(Arrives(Machine(), Stranger(), packet));
    ForgetConnections();
  }
}

// The kernel's default: what it did not see begin, it takes as new.
TEST_P(InvalidTest, LooseTrackingTakesAnAckForANewConnection) {
  Strict(false);
  const auto ack = [](const IpAddress& from) {
    return TcpSegment(TcpFlow(from, Web()), kTcpAck);
  };
  EXPECT_TRUE(Arrives(Stranger(), Web(), ack(Stranger())));
  EXPECT_TRUE(StaysAway(Remote(), Web(), ack(Remote())));
}

// Rules of others that FORWARD has behind ours.
class RulesBehindTest : public MachineTest {
 protected:
  void DropKnownBehind() {
    NodeTool({"iptables", "-A", "FORWARD", "-m", "conntrack", "--ctstate",
              "ESTABLISHED", "-j", "DROP"});
  }
  // Packets that it has dropped.
  int DroppedBehind() {
    const std::string saved = NodeTool({"iptables-save", "-c", "-t", "filter"});
    for (absl::string_view line : absl::StrSplit(saved, '\n')) {
      int packets = 0;
      const std::vector<absl::string_view> parts =
          absl::StrSplit(line, absl::ByAnyChar("[:"), absl::SkipEmpty());
      if (absl::StrContains(line, "-A FORWARD -m conntrack") &&
          absl::SimpleAtoi(parts.front(), &packets)) {
        return packets;
      }
    }
    ADD_FAILURE() << "no rule behind ours:\n" << saved;
    return 0;
  }
};

// Known connections are told apart before it is asked whose they are. Those of
// local pods are accepted; of the others nothing is said.
TEST_P(RulesBehindTest, KnownConnectionsOfLocalPodsDoNotReachThem) {
  Enforce({});
  absl::StatusOr<TcpPair> pairs[] = {
      Open(Client(), Web()), Open(Stranger(), Web()), Open(Web(), Stranger())};
  for (const auto& pair : pairs) ASSERT_TRUE(pair.ok()) << pair.status();
  DropKnownBehind();
  for (auto& pair : pairs) {
    SCOPED_TRACE(pair->flow());
    EXPECT_TRUE(*pair->ReachesServer());
    EXPECT_TRUE(*pair->ReachesClient());
  }
  EXPECT_EQ(DroppedBehind(), 0);
}

TEST_P(RulesBehindTest, KnownConnectionsOfOthersDo) {
  Enforce({});
  absl::StatusOr<TcpPair> pairs[] = {Open(Stranger(), Machine()),
                                     Open(Machine(), Stranger()),
                                     Open(Machine(), Remote())};
  for (auto& pair : pairs) {
    ASSERT_TRUE(pair.ok()) << pair.status();
    EXPECT_TRUE(*pair->ReachesServer()) << pair->flow();
    EXPECT_TRUE(*pair->ReachesClient()) << pair->flow();
  }
  DropKnownBehind();
  for (auto& pair : pairs) {
    SCOPED_TRACE(pair->flow());
    const int before = DroppedBehind();
    EXPECT_FALSE(*pair->ReachesServer(absl::Milliseconds(80)));
    EXPECT_GT(DroppedBehind(), before);
  }
}

// A mark of ours that others set makes no difference.
TEST_P(RulesBehindTest, AMarkOfOursDoesNotTakeKnownConnectionsPastThem) {
  Enforce({});
  absl::StatusOr<TcpPair> pair = Open(Stranger(), Machine());
  ASSERT_TRUE(pair.ok()) << pair.status();
  NodeTool({"iptables", "-t", "mangle", "-A", "PREROUTING", "-j", "MARK",
            "--set-xmark", "0x30000/0x30000"});
  EXPECT_TRUE(*pair->ReachesServer());
  DropKnownBehind();
  EXPECT_FALSE(*pair->ReachesServer(absl::Milliseconds(80)));
  EXPECT_GT(DroppedBehind(), 0);
}

INSTANTIATE_TEST_SUITE_P(Paths, RulesBehindTest,
                         testing::ValuesIn(AllPathKinds()), PathKindName);
INSTANTIATE_TEST_SUITE_P(Paths, ConnectionTest,
                         testing::ValuesIn(AllPathKinds()), PathKindName);
INSTANTIATE_TEST_SUITE_P(Paths, InvalidTest, testing::ValuesIn(AllPathKinds()),
                         PathKindName);

}  // namespace
}  // namespace netpol
