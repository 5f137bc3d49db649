#include "netpol/compile/policy_rules.h"

#include <netinet/in.h>

#include <bitset>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/policy/parse.h"
#include "netpol/state/cluster_state.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/random.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Family kV4 = Family::kIPv4;
constexpr Direction kIn = Direction::kIngress;
constexpr Direction kOut = Direction::kEgress;

PolicyBuilder Policy() { return PolicyBuilder("red", "p"); }
k8s::NetworkPolicyPeer Web() { return PodPeer(MatchLabels({{"app", "web"}})); }

class PolicyRulesTest : public testing::Test {
 protected:
  CompiledPolicy Compile(const PolicyBuilder& builder, Direction direction,
                         Family family = kV4) {
    return CompileRules(
        RulesOf(*ParseNetworkPolicy(builder.Build()), direction), direction,
        family, registry_);
  }
  std::vector<std::string> Texts(const PolicyBuilder& builder,
                                 Direction direction, Family family = kV4) {
    std::vector<std::string> texts;
    for (const Rule& rule : Compile(builder, direction, family).rules)
      texts.push_back(rule.ToString(family));
    return texts;
  }

  ClusterState state_{"node-a"};
  SetRegistry registry_{&state_};
};

TEST_F(PolicyRulesTest, NoRuleAllowsNothing) {
  EXPECT_THAT(Texts(Policy(), kIn), IsEmpty());
}

TEST_F(PolicyRulesTest, EmptyRuleAllowsEverythingInOneRule) {
  EXPECT_THAT(Texts(Policy().Ingress(), kIn),
              ElementsAre("-m comment --comment \"red/p ingress any\" -g "
                          "KUBE-NWPLCY-DEFAULT"));
  EXPECT_EQ(registry_.size(), 0u);
}

TEST_F(PolicyRulesTest, DirectionsKeepTheirOwnRules) {
  const PolicyBuilder policy = Policy()
                                   .Ingress({}, {NumberPort("TCP", 80)})
                                   .Egress({}, {NumberPort("UDP", 53)});
  EXPECT_THAT(Texts(policy, kIn), ElementsAre(HasSubstr("--dport 80 ")));
  EXPECT_THAT(Texts(policy, kOut), ElementsAre(HasSubstr("--dport 53 ")));
}

TEST_F(PolicyRulesTest, PeerIsTheSourceOfIngressAndTheDestinationOfEgress) {
  const PolicyBuilder policy = Policy().Ingress({Web()}).Egress({Web()});
  const CompiledPolicy in = Compile(policy, kIn);
  const CompiledPolicy out = Compile(policy, kOut);
  ASSERT_THAT(in.sets, SizeIs(1));
  EXPECT_EQ(in.sets, out.sets) << "one set for both sides";
  const std::string set = in.sets[0].value();
  EXPECT_EQ(in.rules[0].ToString(kV4),
            "-m set --match-set " + set +
                " src -m comment --comment \"red/p ingress pods\" -g "
                "KUBE-NWPLCY-DEFAULT");
  EXPECT_EQ(out.rules[0].ToString(kV4),
            "-m set --match-set " + set +
                " dst -m comment --comment \"red/p egress pods\" -g "
                "KUBE-NWPLCY-DEFAULT");
}

TEST_F(PolicyRulesTest, EveryPeerMeetsEveryPort) {
  EXPECT_THAT(
      Texts(Policy().Ingress({Web(), BlockPeer("10.0.0.0/8")},
                             {NumberPort("TCP", 80), NumberPort("UDP", 53)}),
            kIn),
      SizeIs(4));
}

TEST_F(PolicyRulesTest, PodPeersOfARuleAreOneSet) {
  const CompiledPolicy compiled = Compile(
      Policy().Ingress({Web(), NamespacePeer(MatchLabels({{"team", "a"}}))}),
      kIn);
  EXPECT_THAT(compiled.rules, SizeIs(1));
  EXPECT_THAT(compiled.sets, SizeIs(1));
}

TEST_F(PolicyRulesTest, BlocksOfTheOtherFamilyMatchNothing) {
  const PolicyBuilder policy = Policy().Ingress({BlockPeer("fd00::/8")});
  EXPECT_THAT(Texts(policy, kIn, kV4), IsEmpty());
  EXPECT_THAT(Texts(policy, kIn, Family::kIPv6), SizeIs(1));
}

TEST_F(PolicyRulesTest, BlockWithoutAddressesMatchesNothing) {
  EXPECT_THAT(
      Texts(Policy().Ingress({BlockPeer("10.0.0.0/8", {"10.0.0.0/8"})}), kIn),
      IsEmpty());
  EXPECT_EQ(registry_.size(), 0u);
}

TEST_F(PolicyRulesTest, RuleWithBrokenPeersOrPortsOnlyAllowsNothing) {
  EXPECT_THAT(Texts(Policy().Ingress({BlockPeer("nonsense")}), kIn), IsEmpty());
  EXPECT_THAT(Texts(Policy().Ingress({}, {NumberPort("ICMP", 1)}), kIn),
              IsEmpty());
}

// ---- Ports.

TEST_F(PolicyRulesTest, ProtocolWithoutPortIsTheProtocolAlone) {
  EXPECT_THAT(Texts(Policy().Ingress({}, {ProtocolPort("SCTP")}), kIn),
              ElementsAre("-p sctp -m comment --comment \"red/p ingress any\" "
                          "-g KUBE-NWPLCY-DEFAULT"));
}

TEST_F(PolicyRulesTest, WholeProtocolMakesItsOtherPortsNeedless) {
  EXPECT_THAT(
      Texts(Policy().Ingress({}, {NumberPort("TCP", 80), ProtocolPort("TCP"),
                                  NamePort("TCP", "http")}),
            kIn),
      SizeIs(1));
  EXPECT_EQ(registry_.size(), 0u);
}

using Ports = std::bitset<65536>;

// Which destination ports of `protocol` the rules allow.
Ports AllowedPorts(const std::vector<Rule>& rules, uint8_t protocol) {
  Ports allowed;
  for (const Rule& rule : rules) {
    if (rule.protocol != protocol) continue;
    for (const Match& match : rule.matches) {
      for (const PortRange& range : absl::get<PortsMatch>(match).ranges) {
        for (int port = range.first; port <= range.last; ++port)
          allowed.set(port);
      }
    }
  }
  return allowed;
}

TEST_F(PolicyRulesTest, PortsBeyondFifteenSlotsAreSplitAndNoneIsLost) {
  Random random(3);
  for (int round = 0; round < 200; ++round) {
    PolicyBuilder::Ports ports;
    Ports right;
    const int count = random.Between(1, 60);
    for (int i = 0; i < count; ++i) {
      const int first = random.Between(1, 65000);
      const int last =
          random.Chance(50) ? first : first + random.Between(0, 500);
      ports.push_back(RangePort("TCP", first, last));
      for (int port = first; port <= last; ++port) right.set(port);
    }
    const CompiledPolicy compiled = Compile(Policy().Ingress({}, ports), kIn);
    ASSERT_EQ(AllowedPorts(compiled.rules, IPPROTO_TCP), right);
    for (const Rule& rule : compiled.rules) {
      int slots = 0;
      for (const PortRange& range :
           absl::get<PortsMatch>(rule.matches.at(0)).ranges)
        slots += range.first == range.last ? 1 : 2;
      EXPECT_LE(slots, PortsMatch::kMaxSlots);
      EXPECT_GE(slots, 1);
    }
  }
}

TEST_F(PolicyRulesTest, SixteenSinglePortsAreTwoRules) {
  PolicyBuilder::Ports ports;
  for (int i = 0; i < 15; ++i) ports.push_back(NumberPort("TCP", 10 + 2 * i));
  EXPECT_THAT(Texts(Policy().Ingress({}, ports), kIn), SizeIs(1));
  ports.push_back(NumberPort("TCP", 1000));
  EXPECT_THAT(Texts(Policy().Ingress({}, ports), kIn), SizeIs(2));
}

TEST_F(PolicyRulesTest, TouchingAndOverlappingRangesAreOne) {
  EXPECT_THAT(
      Texts(Policy().Ingress(
                {}, {RangePort("TCP", 80, 90), RangePort("TCP", 85, 100),
                     NumberPort("TCP", 101), RangePort("TCP", 65530, 65535)}),
            kIn),
      ElementsAre(HasSubstr("--dports 80:101,65530:65535 ")));
}

// ---- Named ports.

TEST_F(PolicyRulesTest, NamedPortOfIngressIsLookedUpOnTheLocalPods) {
  state_.UpsertPod(*ParsePod(PodBuilder("red", "a")
                                 .On("node-a")
                                 .Ip("10.42.0.5")
                                 .Port("http", 8080)
                                 .Build()));
  state_.UpsertPod(*ParsePod(PodBuilder("red", "b")
                                 .On("node-b")
                                 .Ip("10.42.1.5")
                                 .Port("http", 8081)
                                 .Build()));
  const CompiledPolicy compiled =
      Compile(Policy().Ingress({}, {NamePort("TCP", "http")}), kIn);
  ASSERT_THAT(compiled.sets, SizeIs(1));
  EXPECT_EQ(compiled.rules[0].ToString(kV4),
            "-p tcp -m set --match-set " + compiled.sets[0].value() +
                " dst,dst -m comment --comment \"red/p ingress any np\" -g "
                "KUBE-NWPLCY-DEFAULT");
  RulesetChange change;
  registry_.Flush(change);
  ASSERT_THAT(change.sets, SizeIs(1));
  EXPECT_EQ(change.sets[0].type, SetType::kHashIpPort);
  ASSERT_THAT(change.sets[0].members, SizeIs(1));
  EXPECT_EQ(change.sets[0].members[0].ToString(), "10.42.0.5,tcp:8080");
}

TEST_F(PolicyRulesTest, NamedPortOfEgressHasTheNumberOfEachPeer) {
  int number = 8080;
  for (const char* name : {"a", "b", "c"}) {
    state_.UpsertPod(*ParsePod(PodBuilder("red", name)
                                   .On("node-b")
                                   .Ip(absl::StrCat("10.42.1.", number - 8000))
                                   .Label("app", number < 8082 ? "web" : "db")
                                   .Port("http", number)
                                   .Build()));
    ++number;
  }
  const CompiledPolicy compiled =
      Compile(Policy().Egress({Web()}, {NamePort("TCP", "http")}), kOut);
  EXPECT_THAT(compiled.rules, SizeIs(1));
  RulesetChange change;
  registry_.Flush(change);
  std::vector<std::string> members;
  for (const SetContent& set : change.sets) {
    if (set.type != SetType::kHashIpPort) continue;
    for (const SetMember& member : set.members)
      members.push_back(member.ToString());
  }
  EXPECT_THAT(members, testing::UnorderedElementsAre("10.42.1.80,tcp:8080",
                                                     "10.42.1.81,tcp:8081"));
}

TEST_F(PolicyRulesTest, NamedPortThatNobodyHasMatchesNothing) {
  const CompiledPolicy compiled =
      Compile(Policy().Egress({}, {NamePort("TCP", "http")}), kOut);
  RulesetChange change;
  registry_.Flush(change);
  ASSERT_THAT(change.sets, SizeIs(1));
  EXPECT_THAT(change.sets[0].members, IsEmpty());
  ASSERT_THAT(compiled.rules, SizeIs(1));
  EXPECT_EQ(compiled.rules[0].protocol, IPPROTO_TCP);
}

// ---- Comments.

TEST_F(PolicyRulesTest, LongNamesKeepTheirTagAndFit) {
  const std::string ns(63, 'n');
  const std::string name(253, 'p');
  for (const Rule& rule :
       Compile(PolicyBuilder(ns, name).Ingress({Web()}), kIn).rules) {
    EXPECT_LE(rule.comment.size(), Rule::kMaxComment);
    EXPECT_THAT(rule.comment, testing::EndsWith(" ingress pods"));
  }
}

}  // namespace
}  // namespace netpol
