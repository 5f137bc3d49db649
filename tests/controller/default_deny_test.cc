// The default deny: what it refuses, what it must not, and how it comes and
// goes.
#include <netinet/in.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/compile/layout.h"
#include "netpol/explain/packet_simulator.h"
#include "netpol/testing/builders.h"
#include "tests/controller/simulated_node.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

LayoutOptions DefaultDeny() {
  LayoutOptions layout = BothFamilies();
  layout.default_deny = true;
  return layout;
}

NodeBuilder OwnNode() {
  return NodeBuilder(SimulatedNode::kName)
      .PodCidr("10.42.0.0/24")
      .PodCidr("fd00:42::/64");
}

PodBuilder LocalPod(absl::string_view name, int number) {
  return PodBuilder("shop", name)
      .On(SimulatedNode::kName)
      .Ip(absl::StrCat("10.42.0.", number))
      .Ip(absl::StrCat("fd00:42::", number));
}

// A packet's whole way through this node; `own_*` for the node's addresses.
struct Way {
  std::string what;
  Hook hook;
  std::string source;
  std::string destination;
  bool own_source = false;
  bool own_destination = false;
  bool passes = true;
  uint8_t state = CtStateMatch::kNew;
  uint16_t port = 80;
};

// "10.42.0.12" as "fd00:42::12"; other addresses by the last part too.
std::string OfIPv6(const std::string& address) {
  const std::string last = address.substr(address.rfind('.') + 1);
  if (address.substr(0, 8) == "10.42.0.") return "fd00:42::" + last;
  if (address.substr(0, 8) == "172.31.0") return "fd00:31::" + last;
  return "2001:db8::" + last;
}

class DefaultDenyTest : public testing::Test {
 protected:
  // Pods .10 and .11 are known, .12 is not yet; the bridge is .1, the tunnel
  // .0, the uplink 172.31.0.1.
  void SetUp() override {
    node_.Tell(Upsert(OwnNode().Build()));
    node_.Add(LocalPod("a", 10));
    node_.Add(LocalPod("b", 11));
    node_.TellListed();
    node_.Sync();
  }

  Outcome Decide(const Way& way, bool v6) const {
    SimulatedPacket packet =
        FirstPacket(v6 ? OfIPv6(way.source) : way.source,
                    v6 ? OfIPv6(way.destination) : way.destination, way.port);
    packet.source_local = way.own_source;
    packet.destination_local = way.own_destination;
    packet.ct_state = way.state;
    packet.mark = 0x30000;  // left behind by somebody
    return node_.Decide(way.hook, packet);
  }

  void Check(const std::vector<Way>& ways) const {
    for (const Way& way : ways) {
      for (bool v6 : {false, true}) {
        const Outcome outcome = Decide(way, v6);
        EXPECT_EQ(outcome != Outcome::kRejected && outcome != Outcome::kDropped,
                  way.passes)
            << way.what << (v6 ? " (IPv6): " : " (IPv4): ") << outcome;
      }
    }
  }

  SimulatedNode node_{DefaultDeny()};
};

constexpr Hook kIn = Hook::kInput;
constexpr Hook kThrough = Hook::kForward;
constexpr Hook kOut = Hook::kOutput;

TEST_F(DefaultDenyTest, NewConnectionsOfUnknownPodsAreRefusedBothWays) {
  Check({
      {"to a known pod", kThrough, "10.42.0.12", "10.42.0.10", 0, 0, false},
      {"from a known pod", kThrough, "10.42.0.10", "10.42.0.12", 0, 0, false},
      {"to the world", kThrough, "10.42.0.12", "192.0.2.7", 0, 0, false},
      {"from the world", kThrough, "192.0.2.7", "10.42.0.12", 0, 0, false},
      {"to another unknown", kThrough, "10.42.0.12", "10.42.0.13", 0, 0, false},
      {"to the node", kIn, "10.42.0.12", "172.31.0.1", 0, 1, false},
      {"to the bridge", kIn, "10.42.0.12", "10.42.0.1", 0, 1, false},
      {"to a node port", kIn, "10.42.0.12", "172.31.0.1", 0, 1, false,
       CtStateMatch::kNew, 30080},
      {"by a proxy here", kOut, "10.42.0.12", "10.42.0.10", 0, 0, false},
      {"to one by a proxy here", kOut, "192.0.2.7", "10.42.0.12", 0, 0, false},
      {"invalid", kThrough, "10.42.0.12", "192.0.2.7", 0, 0, false,
       CtStateMatch::kInvalid},
      {"with the node's source, from elsewhere", kThrough, "172.31.0.1",
       "10.42.0.12", 1, 0, false},
  });
}

TEST_F(DefaultDenyTest, TheNodesOwnAddressesWithinTheCidrWorkBothWays) {
  Check({
      {"known pod to the bridge", kIn, "10.42.0.10", "10.42.0.1", 0, 1},
      {"bridge to known pod", kOut, "10.42.0.1", "10.42.0.10", 1, 0},
      {"tunnel to the world", kOut, "10.42.0.0", "192.0.2.7", 1, 0},
      {"world to the tunnel", kIn, "192.0.2.7", "10.42.0.0", 0, 1},
      {"bridge to the world", kOut, "10.42.0.1", "192.0.2.7", 1, 0},
      {"node to its bridge, sent", kOut, "10.42.0.1", "10.42.0.1", 1, 1},
      {"node to its bridge, received", kIn, "10.42.0.1", "10.42.0.1", 1, 1},
      {"uplink to the bridge, sent", kOut, "172.31.0.1", "10.42.0.1", 1, 1},
      {"uplink to the bridge, received", kIn, "172.31.0.1", "10.42.0.1", 1, 1},
  });
}

TEST_F(DefaultDenyTest, TheNodeReachesPodsBeforeTheyAreKnown) {
  Check({
      {"probe by the bridge", kOut, "10.42.0.1", "10.42.0.12", 1, 0},
      {"probe by the uplink", kOut, "172.31.0.1", "10.42.0.12", 1, 0},
      {"its answer", kIn, "10.42.0.12", "10.42.0.1", 0, 1, true,
       CtStateMatch::kEstablished},
      {"the error that a refused packet gets", kOut, "10.42.0.1", "10.42.0.12",
       1, 0, true, CtStateMatch::kRelated},
      {"an error from elsewhere", kThrough, "192.0.2.7", "10.42.0.12", 0, 0,
       true, CtStateMatch::kRelated},
  });
}

TEST_F(DefaultDenyTest, WhatWasAllowedBeforeStaysSo) {
  Check({
      {"between known pods", kThrough, "10.42.0.10", "10.42.0.11"},
      {"known pod to the world", kThrough, "10.42.0.10", "192.0.2.7"},
      {"world to known pod", kThrough, "192.0.2.7", "10.42.0.10"},
      {"known pod to a node port", kIn, "10.42.0.10", "172.31.0.1", 0, 1, true,
       CtStateMatch::kNew, 30080},
      {"open connection of a known pod", kThrough, "10.42.0.10", "192.0.2.7", 0,
       0, true, CtStateMatch::kEstablished},
      {"open connection of a pod that is gone", kThrough, "10.42.0.12",
       "192.0.2.7", 0, 0, true, CtStateMatch::kEstablished},
  });
  // No end is a pod's here: left to the host's own rules, not accepted.
  for (const Way& way : std::vector<Way>{
           {"through", kThrough, "192.0.2.7", "198.51.100.9"},
           {"into the node", kIn, "192.0.2.7", "172.31.0.1", 0, 1},
           {"out of the node", kOut, "172.31.0.1", "192.0.2.7", 1, 0}}) {
    for (bool v6 : {false, true})
      EXPECT_EQ(Decide(way, v6), Outcome::kFellThrough) << way.what;
  }
}

TEST_F(DefaultDenyTest, NeighbourDiscoveryOfUnknownPodsPasses) {
  for (const auto& [source, destination] :
       std::vector<std::pair<std::string, std::string>>{
           {"fd00:42::12", "ff02::1:ff00:1"},
           {"fd00:42::12", "2001:db8::7"},
           {"2001:db8::7", "fd00:42::12"}}) {
    SimulatedPacket packet =
        FirstPacket(source, destination, 0, IPPROTO_ICMPV6);
    for (uint8_t type : {133, 134, 135, 136}) {
      packet.icmp_type = type;
      packet.ct_state = 0;  // not tracked
      EXPECT_EQ(node_.Decide(Hook::kForward, packet), Outcome::kFellThrough)
          << int{type} << " " << source << " to " << destination;
    }
    packet.icmp_type = 128;
    packet.ct_state = CtStateMatch::kNew;
    EXPECT_EQ(node_.Decide(Hook::kForward, packet), Outcome::kRejected)
        << "an echo request from " << source << " to " << destination;
  }
}

// Echo requests to and from a known pod are allowed before anything is asked of
// the other end.
TEST_F(DefaultDenyTest, EchoRequestsOfKnownPodsPassWhateverTheOtherEndIs) {
  SimulatedPacket packet =
      FirstPacket("10.42.0.12", "10.42.0.10", 0, IPPROTO_ICMP);
  packet.icmp_type = 8;
  EXPECT_EQ(node_.Decide(Hook::kForward, packet), Outcome::kAccepted);
}

TEST_F(DefaultDenyTest, ANewPodIsRefusedUntilItsRulesAreInPlace) {
  const Way to{"", kThrough, "192.0.2.7", "10.42.0.12"};
  node_.Add(PolicyBuilder("shop", "deny").Selects(LabelList{{"app", "c"}}));
  node_.Sync();
  int looked = 0;
  node_.kernel().set_observer([&](const Operation& operation) {
    ++looked;
    EXPECT_EQ(Decide(to, false), Outcome::kRejected) << operation.ToString();
  });
  node_.Add(LocalPod("c", 12).Label("app", "c"));
  node_.Sync();
  node_.kernel().set_observer(nullptr);
  EXPECT_GE(looked, 3);
  EXPECT_EQ(Decide(to, false), Outcome::kRejected) << "by the policy";
  // The policies do not select this one, so it is open as soon as it is known.
  node_.Add(LocalPod("d", 13));
  node_.Sync();
  EXPECT_EQ(Decide({"", kThrough, "192.0.2.7", "10.42.0.13"}, true),
            Outcome::kAccepted);
}

TEST_F(DefaultDenyTest, WhileATableCannotBeWrittenANewPodStaysRefused) {
  node_.kernel().FailAlways(OperationKind::kCommitTable,
                            absl::UnavailableError("no lock"));
  node_.Add(PolicyBuilder("shop", "deny").Selects(LabelList{{"app", "c"}}));
  node_.Add(LocalPod("c", 12).Label("app", "c"));
  EXPECT_FALSE(node_.controller().Sync().ok());
  EXPECT_EQ(Decide({"", kThrough, "192.0.2.7", "10.42.0.12"}, false),
            Outcome::kRejected);
  EXPECT_THAT(node_.Members(LocalPodsSet(Family::kIPv4)),
              ElementsAre("10.42.0.10", "10.42.0.11"));
}

TEST_F(DefaultDenyTest, APodThatIsDeletedIsRefusedAfterwards) {
  const Way to{"", kThrough, "192.0.2.7", "10.42.0.10"};
  EXPECT_EQ(Decide(to, false), Outcome::kAccepted);
  node_.Tell(Delete(LocalPod("a", 10).Build()));
  node_.Sync();
  EXPECT_EQ(Decide(to, false), Outcome::kRejected);
}

// Both events in one batch: the pod was open before, and is after.
TEST_F(DefaultDenyTest, APodIsNotRefusedWhileItsCidrComesTogetherWithIt) {
  node_.Tell(Upsert(NodeBuilder(SimulatedNode::kName).Build()));
  node_.Sync();
  int looked = 0;
  node_.kernel().set_observer([&](const Operation& operation) {
    ++looked;
    EXPECT_TRUE(node_.Reaches("192.0.2.7", "10.42.0.12"))
        << operation.ToString();
  });
  node_.Tell(Upsert(OwnNode().Build()));
  node_.Add(LocalPod("c", 12));
  node_.Sync();
  node_.kernel().set_observer(nullptr);
  EXPECT_EQ(looked, 4) << "two sets of each family";
  EXPECT_FALSE(node_.Reaches("192.0.2.7", "10.42.0.13"));
}

// ---- The Node object.

TEST_F(DefaultDenyTest, ChangingTheCidrsNeedsNoCommit) {
  node_.kernel().ClearLog();
  node_.Tell(Upsert(OwnNode().PodCidr("10.99.0.0/24").Build()));
  const SyncReport report = node_.Sync();
  EXPECT_EQ(report.writes.table_commits, 0u);
  EXPECT_EQ(report.members_added, 1);
  EXPECT_EQ(Decide({"", kThrough, "10.99.0.5", "192.0.2.7"}, false),
            Outcome::kRejected);
}

TEST_F(DefaultDenyTest, OtherNodesAreNoneOfItsBusiness) {
  node_.Tell(Upsert(NodeBuilder("node-b").PodCidr("10.42.1.0/24").Build()));
  node_.Tell(Delete(NodeBuilder("node-b").Build()));
  EXPECT_EQ(node_.Sync().writes.total(), 0u);
  EXPECT_THAT(node_.controller().node_problems(), IsEmpty());
}

TEST_F(DefaultDenyTest, WithoutAPodCidrItSaysSoAndTheRestGoesOn) {
  for (const k8s::Node& useless :
       {NodeBuilder(SimulatedNode::kName).Build(),
        NodeBuilder(SimulatedNode::kName).PodCidr("10.42.0/24").Build()}) {
    node_.Tell(Upsert(useless));
    node_.Sync();
    const std::vector<std::string> problems =
        node_.controller().node_problems();
    ASSERT_THAT(problems, SizeIs(useless.spec().pod_cidrs_size() + 1));
    EXPECT_THAT(problems.back(), HasSubstr("--netpol-default-deny"));
    EXPECT_THAT(problems.back(), HasSubstr(SimulatedNode::kName));
    EXPECT_THAT(problems.back(), HasSubstr("has no pod CIDR"));
    EXPECT_EQ(Decide({"", kThrough, "10.42.0.12", "192.0.2.7"}, false),
              Outcome::kFellThrough);
  }
  node_.Tell(Delete(NodeBuilder(SimulatedNode::kName).Build()));
  node_.Add(PolicyBuilder("shop", "deny"));
  node_.Sync();
  ASSERT_THAT(node_.controller().node_problems(), SizeIs(1));
  EXPECT_THAT(node_.controller().node_problems()[0],
              HasSubstr("there is no Node object node-a"));
  EXPECT_FALSE(node_.Reaches("192.0.2.7", "10.42.0.10")) << "the policy holds";
  node_.Tell(Upsert(OwnNode().Build()));
  node_.Sync();
  EXPECT_THAT(node_.controller().node_problems(), IsEmpty());
  EXPECT_FALSE(node_.Reaches("192.0.2.7", "10.42.0.12"));
}

TEST_F(DefaultDenyTest, ABadCidrCostsItselfAndIsTold) {
  node_.Tell(Upsert(OwnNode().PodCidr("10.42.0.0/77").Build()));
  node_.Sync();
  ASSERT_THAT(node_.controller().node_problems(), SizeIs(1));
  EXPECT_THAT(node_.controller().node_problems()[0],
              HasSubstr("Node node-a: spec.podCIDRs[2]: "));
  EXPECT_FALSE(node_.Reaches("192.0.2.7", "10.42.0.12"));
}

TEST(DefaultDenyStartTest, WaitsForNodesToBeListed) {
  SimulatedNode node(DefaultDeny());
  for (v1::WatchEvent::Kind kind :
       {v1::WatchEvent::NAMESPACE, v1::WatchEvent::POD,
        v1::WatchEvent::NETWORK_POLICY})
    node.Tell(Listed(kind));
  EXPECT_FALSE(node.controller().CheckKnown().ok());
  const absl::Status status = node.controller().Sync().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("nodes"));
  EXPECT_THAT(node.controller().node_problems(), IsEmpty());
  node.Tell(Listed(v1::WatchEvent::NODE));
  node.Sync();
}

TEST(DefaultDenyStartTest, RulesAndSetsGoWithTheFlag) {
  SimulatedNode with(DefaultDeny());
  SimulatedNode without;
  for (SimulatedNode* node : {&with, &without}) {
    node->Tell(Upsert(OwnNode().Build()));
    node->Add(LocalPod("a", 10));
    node->TellListed();
    node->Sync();
  }
  ASSERT_NE(with.Contents(), without.Contents());
  with.Restart(BothFamilies());
  with.Tell(Upsert(OwnNode().Build()));
  with.Add(LocalPod("a", 10));
  with.TellListed();
  with.Sync();
  EXPECT_EQ(with.Contents(), without.Contents());
  EXPECT_THAT(with.Members(PodCidrsSet(Family::kIPv4)), ElementsAre("no set"));
}

// The pod came while no daemon ran: rules that refuse what is unknown must not
// come before the pod is known.
TEST(DefaultDenyStartTest, ARunningPodIsNeverRefusedWhenItIsSwitchedOn) {
  SimulatedNode node;
  node.TellListed();
  node.Sync();
  node.Restart(DefaultDeny());
  node.Tell(Upsert(OwnNode().Build()));
  node.Add(LocalPod("a", 10));
  node.TellListed();
  int looked = 0;
  node.kernel().set_observer([&](const Operation& operation) {
    ++looked;
    EXPECT_TRUE(node.Reaches("192.0.2.7", "10.42.0.10"))
        << operation.ToString();
    EXPECT_TRUE(node.Reaches("fd00:42::10", "2001:db8::1"))
        << operation.ToString();
  });
  node.Sync();
  node.kernel().set_observer(nullptr);
  EXPECT_GE(looked, 6);
  EXPECT_FALSE(node.Reaches("192.0.2.7", "10.42.0.12"));
}

}  // namespace
}  // namespace netpol
