// None, one and several rules: each allows, none forbids.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/kernel/conformance/conformance_suite.h"
#include "tests/kernel/conformance/matrix_expectation.h"
#include "tests/kernel/conformance/policy_side.h"

namespace netpol {
namespace {

using Peers = PolicyBuilder::Peers;
using Ports = PolicyBuilder::Ports;

k8s::NetworkPolicyPeer Ns(const std::string& name) {
  return NamespacePeer(MatchLabels({{"ns", name}}));
}

// Rules for x/a, what they allow it, and how many of its 96 packets with other
// pods that leaves refused.
struct Rules {
  std::string name;
  std::string meaning;
  std::vector<std::pair<Peers, Ports>> rules;
  std::vector<std::pair<std::string, std::string>> allowed;  // peers, traffic
  int refused;
};

std::vector<Rules> Table() {
  const k8s::NetworkPolicyPort tcp80 = NumberPort("TCP", 80);
  const k8s::NetworkPolicyPort udp81 = NumberPort("UDP", 81);
  const k8s::NetworkPolicyPort sctp80 = NumberPort("SCTP", 80);
  const k8s::NetworkPolicyPeer b = PodPeer(MatchLabels({{"pod", "b"}}));
  const k8s::NetworkPolicyPeer nobody = Ns("nobody");
  return {
      {"None", "without rules nothing is allowed", {}, {}, 96},
      {"Empty", "an empty rule allows everything", {{{}, {}}}, {{"*", ""}}, 0},
      {"PeersOnly",
       "no ports: every port",
       {{{Ns("y")}, {}}},
       {{"y/*", ""}},
       60},
      {"PortsOnly",
       "no peers: everybody",
       {{{}, {tcp80}}},
       {{"*", "TCP 80"}},
       80},
      {"PeersAndPorts",
       "a packet must meet both",
       {{{Ns("y")}, {tcp80}}},
       {{"y/*", "TCP 80"}},
       96 - 3 * 2},
      {"TwoPeers",
       "either peer",
       {{{Ns("y"), b}, {}}},
       {{"y/*", ""}, {"x/b", ""}},
       48},
      {"TwoPorts",
       "either port",
       {{{}, {tcp80, udp81}}},
       {{"*", "TCP 80"}, {"*", "UDP 81"}},
       64},
      {"TwoPeersTwoPorts",
       "every peer at every port",
       {{{Ns("y"), b}, {tcp80, udp81}}},
       {{"y/* x/b", "TCP 80"}, {"y/* x/b", "UDP 81"}},
       96 - 4 * 4},
      {"TwoRules",
       "either rule",
       {{{Ns("y")}, {}}, {{Ns("z")}, {}}},
       {{"y/* z/*", ""}},
       24},
      {"TwoRulesDoNotMix",
       "peers of one rule do not get the other's ports",
       {{{Ns("y")}, {tcp80}}, {{Ns("z")}, {udp81}}},
       {{"y/*", "TCP 80"}, {"z/*", "UDP 81"}},
       96 - 12},
      {"TheSameTwice",
       "no more than once",
       {{{b}, {tcp80}}, {{b}, {tcp80}}},
       {{"x/b", "TCP 80"}},
       94},
      {"NarrowThenWide",
       "the wider rule is enough",
       {{{Ns("y")}, {tcp80}}, {{Ns("y")}, {}}},
       {{"y/*", ""}},
       60},
      {"WideThenNarrow",
       "a later narrower rule takes nothing away",
       {{{Ns("y")}, {}}, {{Ns("y")}, {tcp80}}},
       {{"y/*", ""}},
       60},
      {"EmptyAndNarrow",
       "an empty rule opens all, whatever else there is",
       {{{Ns("y")}, {tcp80}}, {{}, {}}},
       {{"*", ""}},
       0},
      {"PortsThenPeers",
       "everybody at a port, some at all",
       {{{}, {tcp80}}, {{Ns("z")}, {}}},
       {{"*", "TCP 80"}, {"z/*", ""}},
       5 * 10},
      {"OneOfNobody",
       "a rule for nobody takes nothing away",
       {{{nobody}, {}}, {{b}, {}}},
       {{"x/b", ""}},
       84},
      {"AllOfNobody",
       "rules for nobody allow nothing",
       {{{nobody}, {}}, {{nobody}, {tcp80}}},
       {},
       96},
      {"ThreeProtocols",
       "a rule for each protocol",
       {{{Ns("x")}, {tcp80}}, {{Ns("y")}, {udp81}}, {{Ns("z")}, {sctp80}}},
       {{"x/*", "TCP 80"}, {"y/*", "UDP 81"}, {"z/*", "SCTP 80"}},
       96 - 2 * 2 - 3 * 2 - 3 * 2},
      {"SamePeersOtherPorts",
       "two rules with the same peers add up",
       {{{Ns("y")}, {tcp80}}, {{Ns("y")}, {udp81}}},
       {{"y/*", "TCP 80"}, {"y/*", "UDP 81"}},
       96 - 12},
      {"SamePortsOtherPeers",
       "two rules with the same ports add up",
       {{{Ns("y")}, {tcp80}}, {{b}, {tcp80}}},
       {{"y/* x/b", "TCP 80"}},
       96 - 8},
  };
}

// Twelve rules, one packet each.
Rules OneForEachPacket() {
  Rules rules = {"OneForEachPacket",
                 "many rules, each its own peer and port",
                 {},
                 {},
                 96 - 12 * 2};
  const char* protocols[] = {"TCP", "UDP", "SCTP"};
  for (const std::string ns : {"y", "z"}) {
    for (int pod = 0; pod < 3; ++pod) {
      for (int port : {80, 81}) {
        const std::string name(1, static_cast<char>('a' + pod));
        const std::string protocol = protocols[pod];
        rules.rules.push_back(
            {{PodInNamespacePeer(MatchLabels({{"ns", ns}}),
                                 MatchLabels({{"pod", name}}))},
             {NumberPort(protocol, port)}});
        rules.allowed.push_back(
            {absl::StrCat(ns, "/", name), absl::StrCat(protocol, " ", port)});
      }
    }
  }
  return rules;
}

std::vector<ConformanceCase> Cases() {
  std::vector<Rules> table = Table();
  table.push_back(OneForEachPacket());
  std::vector<ConformanceCase> cases;
  for (const PolicySide& side : kPolicySides) {
    for (const Rules& row : table) {
      PolicyBuilder policy = side.Policy("x", "rules").Selects({{"pod", "a"}});
      MatrixExpectations expected = {side.Deny("x/a")};
      for (const auto& [peers, ports] : row.rules)
        policy = side.With(policy, peers, ports);
      for (const auto& [peers, traffic] : row.allowed)
        expected.push_back(side.Allow("x/a", peers, traffic));
      cases.push_back(OneStep(side.type() + row.name, row.meaning, {policy},
                              expected, row.refused));
    }
  }
  return cases;
}

class RulesTest : public ConformanceSuite {};

TEST_P(RulesTest, EveryPacketMeetsItsVerdict) { Run(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Table, RulesTest, testing::ValuesIn(Cases()),
                         CaseName);

}  // namespace
}  // namespace netpol
