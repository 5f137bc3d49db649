#include "netpol/explain/packet_simulator.h"

#include <netinet/in.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

IpAddress Ip(absl::string_view text) { return *IpAddress::Parse(text); }
IpPrefix Net(absl::string_view text) { return *IpPrefix::Parse(text); }

Rule Does(Action action) {
  Rule rule;
  rule.action = std::move(action);
  return rule;
}

Rule When(Match match, Action action) {
  Rule rule = Does(std::move(action));
  rule.matches = {std::move(match)};
  return rule;
}

const ChainName kForward(kForwardChain);
const ChainName kA("KUBE-POD-FW-A");
const ChainName kB("KUBE-POD-FW-B");
const SetName kSet("KUBE-SRC-X");

class PacketSimulatorTest : public ::testing::Test {
 protected:
  PacketSimulatorTest() {
    packet_.source = Ip("10.0.0.1");
    packet_.destination = Ip("10.0.0.2");
    packet_.destination_port = 80;
    for (Family family : kFamilies) {
      ObservedTable& table = snapshot_.table(family);
      table.hooks_in_place = true;
      table.hooks_found = 3;
      table.chains[ChainName(kInputChain)];
      table.chains[kForward];
      table.chains[ChainName(kOutputChain)];
    }
  }

  std::vector<Rule>& chain(const ChainName& name) {
    return snapshot_.table(Family::kIPv4).chains[name];
  }

  void AddSet(SetType type, std::vector<SetMember> members) {
    ObservedSet& set = snapshot_.sets[kSet];
    set.spec = {kSet, type, Family::kIPv4};
    set.members = {members.begin(), members.end()};
  }

  // Simulates and checks that the short way says the same.
  SimulationResult Run(Hook hook = Hook::kForward) {
    absl::StatusOr<PacketSimulator> simulator =
        PacketSimulator::Create(snapshot_);
    EXPECT_TRUE(simulator.ok()) << simulator.status();
    const SimulationResult result = simulator->Simulate(hook, packet_);
    EXPECT_EQ(simulator->Decide(hook, packet_), result.outcome);
    text_ = result.ToString();
    SimulationResult outlived = result;
    outlived.matched.clear();
    outlived.decided_by.reset();
    way_.clear();
    for (const RulePlace& place : result.matched) {
      way_.push_back(std::string(place.chain) + ":" +
                     std::to_string(place.index));
    }
    decided_ = result.decided_by ? way_.back() : "";
    return outlived;
  }

  // Whether FORWARD, made of one rule with `match`, accepts the packet.
  bool Takes(Match match) {
    chain(kForward) = {When(std::move(match), AcceptAction{})};
    return Run().outcome == Outcome::kAccepted;
  }

  Snapshot snapshot_;
  SimulatedPacket packet_;
  std::vector<std::string> way_;  // of the last Run()
  std::string decided_;
  std::string text_;
};

TEST_F(PacketSimulatorTest, EmptyHookChainFallsThrough) {
  EXPECT_EQ(Run().outcome, Outcome::kFellThrough);
  EXPECT_EQ(decided_, "");
}

TEST_F(PacketSimulatorTest, WithoutHooksNothingIsJudged) {
  chain(kForward) = {Does(DropAction{})};
  EXPECT_EQ(Run().outcome, Outcome::kDropped);
  snapshot_.table(Family::kIPv4).hooks_in_place = false;
  EXPECT_EQ(Run().outcome, Outcome::kFellThrough);
}

TEST_F(PacketSimulatorTest, EachHookHasItsChain) {
  chain(ChainName(kInputChain)) = {Does(AcceptAction{})};
  chain(kForward) = {Does(DropAction{})};
  chain(ChainName(kOutputChain)) = {Does(RejectAction{})};
  EXPECT_EQ(Run(Hook::kInput).outcome, Outcome::kAccepted);
  EXPECT_EQ(Run(Hook::kForward).outcome, Outcome::kDropped);
  EXPECT_EQ(Run(Hook::kOutput).outcome, Outcome::kRejected);
}

TEST_F(PacketSimulatorTest, FamilyPicksTheTable) {
  chain(kForward) = {Does(DropAction{})};
  packet_.source = Ip("fd00::1");
  packet_.destination = Ip("fd00::2");
  EXPECT_EQ(Run().outcome, Outcome::kFellThrough);
}

TEST_F(PacketSimulatorTest, EndOfJumpedChainComesBackToTheNextRule) {
  chain(kForward) = {Does(JumpAction{kA}), Does(DropAction{})};
  chain(kA) = {};
  EXPECT_EQ(Run().outcome, Outcome::kDropped);
  EXPECT_THAT(way_,
              ElementsAre("KUBE-ROUTER-FORWARD:0", "KUBE-ROUTER-FORWARD:1"));
  EXPECT_EQ(decided_, "KUBE-ROUTER-FORWARD:1");
  EXPECT_EQ(text_,
            "kDropped by KUBE-ROUTER-FORWARD:1, mark 0x0, way "
            "KUBE-ROUTER-FORWARD:0 KUBE-ROUTER-FORWARD:1");
}

TEST_F(PacketSimulatorTest, EndOfGoneToChainReturnsToTheCallersCaller) {
  chain(kForward) = {Does(JumpAction{kA}), Does(AcceptAction{})};
  chain(kA) = {Does(GotoAction{kB}), Does(DropAction{})};
  chain(kB) = {};
  EXPECT_EQ(Run().outcome, Outcome::kAccepted);
  EXPECT_THAT(way_, ElementsAre("KUBE-ROUTER-FORWARD:0", "KUBE-POD-FW-A:0",
                                "KUBE-ROUTER-FORWARD:1"));
}

TEST_F(PacketSimulatorTest, GotoFromTheHookChainEndsOurPart) {
  chain(kForward) = {Does(GotoAction{kA}), Does(DropAction{})};
  chain(kA) = {};
  EXPECT_EQ(Run().outcome, Outcome::kFellThrough);
}

TEST_F(PacketSimulatorTest, ReturnInGoneToChainReturnsToTheCallersCaller) {
  chain(kForward) = {Does(JumpAction{kA}), Does(AcceptAction{})};
  chain(kA) = {Does(GotoAction{kB}), Does(DropAction{})};
  chain(kB) = {Does(ReturnAction{}), Does(DropAction{})};
  EXPECT_EQ(Run().outcome, Outcome::kAccepted);
}

TEST_F(PacketSimulatorTest, ReturnInJumpedChainGoesOnBehindTheJump) {
  chain(kForward) = {Does(JumpAction{kA}), Does(DropAction{})};
  chain(kA) = {Does(ReturnAction{}), Does(AcceptAction{})};
  EXPECT_EQ(Run().outcome, Outcome::kDropped);
}

TEST_F(PacketSimulatorTest, ReturnFromTheTopFallsThrough) {
  chain(kForward) = {Does(ReturnAction{}), Does(DropAction{})};
  EXPECT_EQ(Run().outcome, Outcome::kFellThrough);
  EXPECT_EQ(decided_, "");
  EXPECT_THAT(way_, ElementsAre("KUBE-ROUTER-FORWARD:0"));
}

TEST_F(PacketSimulatorTest, MarkIsSetUnderItsMaskAndSeenByLaterRules) {
  packet_.mark = 0xf0030001;
  chain(kForward) = {Does(SetMarkAction{0x10000, 0x30000}),
                     When(MarkMatch{0x10000, 0x30000}, AcceptAction{})};
  const SimulationResult result = Run();
  EXPECT_EQ(result.outcome, Outcome::kAccepted);
  EXPECT_EQ(result.mark, 0xf0010001u);
}

TEST_F(PacketSimulatorTest, MarkMatchLooksOnlyUnderItsMask) {
  packet_.mark = 0x30000;
  EXPECT_TRUE(Takes(MarkMatch{0x10000, 0x10000}));
  EXPECT_FALSE(Takes(MarkMatch{0x10000, 0x10000, /*negated=*/true}));
  EXPECT_FALSE(Takes(MarkMatch{0x10000, 0x30000}));
  EXPECT_TRUE(Takes(MarkMatch{0x10000, 0x30000, /*negated=*/true}));
}

TEST_F(PacketSimulatorTest, MarkThatTheHostSetAlreadyFallsThroughUnchanged) {
  packet_.mark = 0x4000;
  EXPECT_EQ(Run().mark, 0x4000u);
}

TEST_F(PacketSimulatorTest, LogGoesOnAndIsCounted) {
  chain(kForward) = {Does(LogAction{}), Does(LogAction{}),
                     Does(RejectAction{})};
  const SimulationResult result = Run();
  EXPECT_EQ(result.outcome, Outcome::kRejected);
  EXPECT_EQ(result.logged, 2);
  EXPECT_EQ(decided_, "KUBE-ROUTER-FORWARD:2");
}

TEST_F(PacketSimulatorTest, AddressAndProtocolMustAllFit) {
  Rule rule = Does(DropAction{});
  rule.source = Net("10.0.0.1/32");
  rule.destination = Net("10.0.0.0/30");
  rule.protocol = IPPROTO_TCP;
  chain(kForward) = {rule};
  EXPECT_EQ(Run().outcome, Outcome::kDropped);
  packet_.protocol = IPPROTO_UDP;
  EXPECT_EQ(Run().outcome, Outcome::kFellThrough);
  packet_.protocol = IPPROTO_TCP;
  packet_.destination = Ip("10.0.0.4");
  EXPECT_EQ(Run().outcome, Outcome::kFellThrough);
  packet_.destination = Ip("10.0.0.2");
  packet_.source = Ip("10.0.0.3");
  EXPECT_EQ(Run().outcome, Outcome::kFellThrough);
}

TEST_F(PacketSimulatorTest, AllMatchesOfARuleMustTake) {
  chain(kForward) = {When(LimitMatch{}, DropAction{})};
  EXPECT_EQ(Run().outcome, Outcome::kDropped);
  chain(kForward)[0].matches.push_back(MarkMatch{1, 1});
  EXPECT_EQ(Run().outcome, Outcome::kFellThrough);
}

TEST_F(PacketSimulatorTest, AddressSetLooksAtTheAskedSide) {
  AddSet(SetType::kHashIp, {SetMember::Address(Ip("10.0.0.1"))});
  EXPECT_TRUE(Takes(SetMatch{kSet, Side::kSource}));
  EXPECT_FALSE(Takes(SetMatch{kSet, Side::kDestination}));
}

TEST_F(PacketSimulatorTest, NegatedSetMatchTakesTheOthers) {
  AddSet(SetType::kHashIp, {SetMember::Address(Ip("10.0.0.1"))});
  EXPECT_FALSE(Takes(SetMatch{kSet, Side::kSource, 1, /*negated=*/true}));
  EXPECT_TRUE(Takes(SetMatch{kSet, Side::kDestination, 1, /*negated=*/true}));
}

TEST_F(PacketSimulatorTest, AnyContainingPrefixOfANetSetTakes) {
  AddSet(SetType::kHashNet,
         {SetMember::Net(Net("10.0.0.0/31")), SetMember::Net(Net("0.0.0.0/1")),
          SetMember::Net(Net("192.0.2.1/32"))});
  for (auto [text, taken] :
       std::vector<std::pair<std::string, bool>>{{"10.0.0.0", true},
                                                 {"10.0.0.9", true},
                                                 {"127.255.255.255", true},
                                                 {"128.0.0.0", false},
                                                 {"192.0.2.1", true},
                                                 {"192.0.2.2", false}}) {
    packet_.source = Ip(text);
    EXPECT_EQ(Takes(SetMatch{kSet, Side::kSource}), taken) << text;
  }
}

TEST_F(PacketSimulatorTest, EndpointSetNeedsAddressProtocolAndPort) {
  AddSet(SetType::kHashIpPort,
         {SetMember::AddressPort(Ip("10.0.0.2"), IPPROTO_TCP, 80)});
  const SetMatch match{kSet, Side::kDestination, 2};
  EXPECT_TRUE(Takes(match));
  packet_.destination_port = 81;
  EXPECT_FALSE(Takes(match));
  packet_.destination_port = 80;
  packet_.protocol = IPPROTO_UDP;
  EXPECT_FALSE(Takes(match));
}

TEST_F(PacketSimulatorTest, EndpointSetOnTheSourceSideTakesTheSourcePort) {
  AddSet(SetType::kHashIpPort,
         {SetMember::AddressPort(Ip("10.0.0.1"), IPPROTO_TCP, 4000)});
  EXPECT_FALSE(Takes(SetMatch{kSet, Side::kSource, 2}));
  packet_.source_port = 4000;
  EXPECT_TRUE(Takes(SetMatch{kSet, Side::kSource, 2}));
}

TEST_F(PacketSimulatorTest, MatchWithTooFewDimensionsNeverTakes) {
  AddSet(SetType::kHashIpPort,
         {SetMember::AddressPort(Ip("10.0.0.2"), IPPROTO_TCP, 80)});
  EXPECT_FALSE(Takes(SetMatch{kSet, Side::kDestination, 1}));
  EXPECT_TRUE(Takes(SetMatch{kSet, Side::kDestination, 1, /*negated=*/true}));
}

TEST_F(PacketSimulatorTest, PortRangesAreInclusive) {
  const PortsMatch match{{{22, 22}, {80, 90}}};
  for (auto [port, taken] : std::vector<std::pair<uint16_t, bool>>{
           {22, true}, {79, false}, {80, true}, {90, true}, {91, false}}) {
    packet_.destination_port = port;
    EXPECT_EQ(Takes(match), taken) << port;
  }
  packet_.destination_port = 80;
  packet_.protocol = IPPROTO_ICMP;
  EXPECT_FALSE(Takes(match));
}

TEST_F(PacketSimulatorTest, ConntrackStateIsOneOfTheAsked) {
  packet_.ct_state = CtStateMatch::kRelated;
  EXPECT_TRUE(
      Takes(CtStateMatch{CtStateMatch::kRelated | CtStateMatch::kEstablished}));
  EXPECT_FALSE(Takes(CtStateMatch{CtStateMatch::kInvalid}));
  EXPECT_TRUE(Takes(CtStateMatch{CtStateMatch::kInvalid, /*negated=*/true}));
  EXPECT_FALSE(Takes(CtStateMatch{CtStateMatch::kRelated, /*negated=*/true}));
}

TEST_F(PacketSimulatorTest, AnUntrackedPacketHasNoConntrackState) {
  packet_.ct_state = 0;
  EXPECT_FALSE(Takes(CtStateMatch{15}));
  EXPECT_TRUE(Takes(CtStateMatch{15, /*negated=*/true}));
}

TEST_F(PacketSimulatorTest, LocalAddressIsAskedBySide) {
  packet_.source_local = true;
  EXPECT_TRUE(Takes(LocalAddressMatch{Side::kSource}));
  EXPECT_FALSE(Takes(LocalAddressMatch{Side::kDestination}));
  EXPECT_FALSE(Takes(LocalAddressMatch{Side::kSource, /*negated=*/true}));
  EXPECT_TRUE(Takes(LocalAddressMatch{Side::kDestination, /*negated=*/true}));
  packet_.destination_local = true;
  EXPECT_TRUE(Takes(LocalAddressMatch{Side::kDestination}));
}

TEST_F(PacketSimulatorTest, IcmpTypeNeedsIcmpOfTheFamily) {
  packet_.icmp_type = 8;
  EXPECT_FALSE(Takes(IcmpTypeMatch{8}));
  packet_.protocol = IPPROTO_ICMP;
  EXPECT_TRUE(Takes(IcmpTypeMatch{8}));
  EXPECT_FALSE(Takes(IcmpTypeMatch{11}));
  packet_.protocol = IPPROTO_ICMPV6;
  EXPECT_FALSE(Takes(IcmpTypeMatch{8}));
}

TEST_F(PacketSimulatorTest, ForeignRuleNeverMatches) {
  chain(kForward) = {Does(DropAction{})};
  chain(kForward)[0].foreign = "-m time";
  EXPECT_EQ(Run().outcome, Outcome::kFellThrough);
  EXPECT_THAT(way_, IsEmpty());
}

TEST_F(PacketSimulatorTest, SnapshotsThatNoKernelHoldsAreRefused) {
  chain(kForward) = {Does(JumpAction{kA})};
  auto status = PacketSimulator::Create(snapshot_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("KUBE-POD-FW-A"));

  chain(kA) = {Does(GotoAction{kForward})};
  status = PacketSimulator::Create(snapshot_).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("loop"));

  chain(kA) = {When(SetMatch{kSet}, DropAction{})};
  status = PacketSimulator::Create(snapshot_).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("KUBE-SRC-X"));
}

}  // namespace
}  // namespace netpol
