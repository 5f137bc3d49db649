// C061 and C069: what passes ahead of every policy.
#include <netinet/in.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/compile/layout.h"
#include "netpol/explain/packet_simulator.h"
#include "netpol/testing/builders.h"
#include "tests/cases/sets_and_syncs/memory_node.h"

namespace netpol {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ExemptionsTest : public testing::Test {
 protected:
  void Follow(absl::string_view case_id) { node_.Follow(StepsOf(case_id)); }

  MemoryNode node_;
};

// The first rules of the chain that INPUT jumps to.
std::vector<std::string> HeadOfInput(const Snapshot& snapshot, Family family,
                                     size_t count) {
  const auto& chains = snapshot.table(family).chains;
  const std::vector<Rule>& rules = chains.at(ChainName(kInputChain));
  std::vector<std::string> head;
  for (size_t i = 0; i < count && i < rules.size(); ++i)
    head.push_back(rules[i].ToString(family));
  return head;
}

void ExpectExemptionsFirst(const Snapshot& snapshot) {
  const std::pair<Family, const char*> kRanges[] = {
      {Family::kIPv4, "-d 10.43.0.0/16"}, {Family::kIPv6, "-d fd00:43::/112"}};
  for (const auto& [family, range] : kRanges) {
    const std::vector<std::string> head = HeadOfInput(snapshot, family, 4);
    ASSERT_EQ(head.size(), 4u);
    EXPECT_THAT(head[0], HasSubstr(range));
    int next = 1;
    for (const char* protocol : {"-p tcp", "-p udp", "-p sctp"}) {
      EXPECT_THAT(head[next], HasSubstr(protocol));
      EXPECT_THAT(head[next], HasSubstr("30000:32767"));
      ++next;
    }
    for (const std::string& rule : head)
      EXPECT_TRUE(absl::EndsWith(rule, "-j RETURN")) << rule;
    EXPECT_TRUE(snapshot.table(family).hooks_in_place);
  }
}

TEST_F(ExemptionsTest, C061ServiceExemptionsAreFirstAfterEverySync) {
  node_.kernel().table(Family::kIPv4).InsertForeignRule("INPUT", 0);
  Follow("C061");
  ExpectExemptionsFirst(node_.state());
  const auto& pods = node_.cluster().pods;
  const auto found = std::find_if(
      pods.begin(), pods.end(),
      [](const k8s::Pod& pod) { return pod.metadata().name() == "runner"; });
  ASSERT_NE(found, pods.end());
  const k8s::Pod runner = *found;
  for (int round = 0; round < 20; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    node_.Tell(Upsert(PolicyBuilder("git", absl::StrCat("more-", round))
                          .Types({"Egress"})
                          .Egress({BlockPeer("192.0.2.0/24")})
                          .Build()));
    node_.Tell(round % 2 == 0 ? Delete(runner) : Upsert(runner));
    if (round % 3 == 0) {
      node_.kernel().table(Family::kIPv4).InsertForeignRule("INPUT", 0);
      node_.controller().QueueResync();
    }
    node_.Sync();
    ExpectExemptionsFirst(node_.state());
  }
}

TEST_F(ExemptionsTest, C061VirtualAddressesOfTheNodeAreNotJudgedInInput) {
  Follow("C061");
  const absl::StatusOr<PacketSimulator> simulator =
      PacketSimulator::Create(node_.state());
  ASSERT_TRUE(simulator.ok()) << simulator.status();
  const auto outcome = [&](absl::string_view to, uint16_t port) {
    SimulatedPacket packet;
    packet.source = *IpAddress::Parse("10.42.0.129");  // git/runner
    packet.destination = *IpAddress::Parse(to);
    packet.destination_port = port;
    packet.destination_local = true;
    return simulator->Decide(Hook::kInput, packet);
  };
  EXPECT_EQ(outcome("10.43.10.1", 5432), Outcome::kFellThrough);
  EXPECT_EQ(outcome("10.43.0.10", 1), Outcome::kFellThrough);
  EXPECT_EQ(outcome("172.31.0.1", 30000), Outcome::kFellThrough);
  EXPECT_EQ(outcome("172.31.0.1", 32767), Outcome::kFellThrough);
  EXPECT_EQ(outcome("172.31.0.1", 32768), Outcome::kRejected);
  EXPECT_EQ(outcome("172.31.0.1", 29999), Outcome::kRejected);
}

struct IcmpCase {
  Family family;
  uint8_t type;
  bool accepted;
};

TEST_F(ExemptionsTest, C069NeighbourDiscoveryAndErrorsPassWhateverIsIsolated) {
  Follow("C069");
  // Nothing at all may come or go.
  node_.Tell(Upsert(
      PolicyBuilder("nd", "nothing").Types({"Ingress", "Egress"}).Build()));
  node_.Sync();
  const absl::StatusOr<PacketSimulator> simulator =
      PacketSimulator::Create(node_.state());
  ASSERT_TRUE(simulator.ok()) << simulator.status();
  const std::vector<IcmpCase> cases = {
      {Family::kIPv6, 135, true}, {Family::kIPv6, 136, true},
      {Family::kIPv6, 128, true}, {Family::kIPv6, 1, true},
      {Family::kIPv6, 3, true},   {Family::kIPv6, 137, false},
      {Family::kIPv4, 8, true},   {Family::kIPv4, 3, true},
      {Family::kIPv4, 11, true},  {Family::kIPv4, 13, false},
  };
  for (const IcmpCase& c : cases) {
    const bool v6 = c.family == Family::kIPv6;
    const IpAddress pod = *IpAddress::Parse(v6 ? "fd00:42::8a" : "10.42.0.138");
    const IpAddress node = *IpAddress::Parse(v6 ? "fd00:42::1" : "10.42.0.1");
    const IpAddress far = *IpAddress::Parse(v6 ? "2001:db8::1" : "203.0.113.1");
    SimulatedPacket packet;
    packet.protocol = static_cast<uint8_t>(IPPROTO_ICMP);
    if (v6) packet.protocol = static_cast<uint8_t>(IPPROTO_ICMPV6);
    packet.icmp_type = c.type;
    const auto outcome = [&](Hook hook, const IpAddress& from,
                             const IpAddress& to) {
      packet.source = from;
      packet.destination = to;
      packet.source_local = hook == Hook::kOutput;
      packet.destination_local = hook == Hook::kInput;
      return simulator->Decide(hook, packet);
    };
    const Outcome right = c.accepted ? Outcome::kAccepted : Outcome::kRejected;
    SCOPED_TRACE(absl::StrCat(FamilyName(c.family), " type ", c.type));
    EXPECT_EQ(outcome(Hook::kInput, pod, node), right);
    EXPECT_EQ(outcome(Hook::kForward, pod, far), right);
    EXPECT_EQ(outcome(Hook::kForward, far, pod), right);
    EXPECT_EQ(outcome(Hook::kOutput, node, pod), Outcome::kAccepted);
  }
}

TEST_F(ExemptionsTest, C069IcmpIsAcceptedAheadOfEveryPolicy) {
  Follow("C069");
  const Snapshot state = node_.state();
  const auto& chains = state.table(Family::kIPv6).chains;
  for (Direction direction : kDirections) {
    const std::vector<Rule>& root = chains.at(RootChain(direction));
    ASSERT_THAT(root, Not(IsEmpty()));
    ASSERT_NE(TargetChain(root.front()), nullptr);
    EXPECT_EQ(*TargetChain(root.front()), CommonChain());
    EXPECT_FALSE(root.front().source.has_value() ||
                 root.front().destination.has_value());
    EXPECT_EQ(root.front().protocol, absl::nullopt);
  }
}

}  // namespace
}  // namespace netpol
