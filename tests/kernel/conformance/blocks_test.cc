// Blocks of addresses, with and without excepts, in both families.
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/kernel/conformance/conformance_suite.h"
#include "tests/kernel/conformance/matrix_expectation.h"
#include "tests/kernel/conformance/policy_side.h"

namespace netpol {
namespace {

using Peers = PolicyBuilder::Peers;
using Allowed = std::vector<std::pair<std::string, std::string>>;

// A rule for x/a by blocks, what it allows (peers, traffic), and how many of
// the 48 packets of each family with other pods that leaves refused, summed.
// Namespace y is 10.42.0.32/28 and fd00:42::20/124; its pods end in 33, 34, 35
// and 21, 22, 23.
struct Blocks {
  std::string name;
  std::string meaning;
  Peers peers;
  Allowed allowed;
  int refused;
};

std::vector<Blocks> PlainBlocks() {
  return {
      {"AllPods4",
       "the pods' range in IPv4",
       {BlockPeer("10.42.0.0/24")},
       {{"*/*", "IPv4"}},
       48},
      {"AllPods6",
       "the pods' range in IPv6",
       {BlockPeer("fd00:42::/120")},
       {{"*/*", "IPv6"}},
       48},
      {"AllPodsBoth",
       "a block for each family",
       {BlockPeer("10.42.0.0/24"), BlockPeer("fd00:42::/120")},
       {{"*/*", ""}},
       0},
      {"Everything4",
       "0.0.0.0/0 is all of IPv4 and none of IPv6",
       {BlockPeer("0.0.0.0/0")},
       {{"*", "IPv4"}},
       48},
      {"Everything6",
       "::/0 is all of IPv6 and none of IPv4",
       {BlockPeer("::/0")},
       {{"*", "IPv6"}},
       48},
      {"EverythingBoth",
       "both are everything",
       {BlockPeer("0.0.0.0/0"), BlockPeer("::/0")},
       {{"*", ""}},
       0},
      {"Halves4",
       "two halves are all of IPv4",
       {BlockPeer("0.0.0.0/1"), BlockPeer("128.0.0.0/1")},
       {{"*", "IPv4"}},
       48},
      {"LowerHalf6",
       "::/1 has no unique local addresses",
       {BlockPeer("::/1")},
       {{"outside", "IPv6"}},
       96},
      {"UpperHalf6",
       "8000::/1 has",
       {BlockPeer("8000::/1")},
       {{"*/* node", "IPv6"}},
       48},
      {"Namespace4",
       "the range of y",
       {BlockPeer("10.42.0.32/28")},
       {{"y/*", "IPv4"}},
       96 - 18},
      {"Namespace6",
       "the range of y",
       {BlockPeer("fd00:42::20/124")},
       {{"y/*", "IPv6"}},
       96 - 18},
      {"TwoNamespaces",
       "the range of y and z",
       {BlockPeer("10.42.0.32/27")},
       {{"y/* z/*", "IPv4"}},
       96 - 36},
      {"OnePod4",
       "one address of IPv4",
       {BlockPeer("10.42.0.34/32")},
       {{"y/b", "IPv4"}},
       96 - 6},
      {"OnePod6",
       "one address of IPv6",
       {BlockPeer("fd00:42::22/128")},
       {{"y/b", "IPv6"}},
       96 - 6},
      {"Pair",
       "a block of two addresses",
       {BlockPeer("10.42.0.34/31")},
       {{"y/b y/c", "IPv4"}},
       96 - 12},
      {"HostBits4",
       "10.42.0.35/28 is 10.42.0.32/28",
       {BlockPeer("10.42.0.35/28")},
       {{"y/*", "IPv4"}},
       96 - 18},
      {"HostBits6",
       "fd00:42::23/124 is fd00:42::20/124",
       {BlockPeer("fd00:42::23/124")},
       {{"y/*", "IPv6"}},
       96 - 18},
      {"LongForm6",
       "zeros may be written out",
       {BlockPeer("fd00:0042:0000:0000:0000:0000:0000:0020/124")},
       {{"y/*", "IPv6"}},
       96 - 18},
      {"Outside4",
       "only who is no pod",
       {BlockPeer("192.0.2.0/24")},
       {{"outside", "IPv4"}},
       96},
      {"Outside6",
       "only who is no pod",
       {BlockPeer("2001:db8::/32")},
       {{"outside", "IPv6"}},
       96},
      {"Node",
       "the node's address",
       {BlockPeer("172.31.0.1/32")},
       {{"node", "IPv4"}},
       96},
      {"Nobody",
       "addresses that nobody has",
       {BlockPeer("198.51.100.0/24"), BlockPeer("2001:db8:ffff::/48")},
       {},
       96},
      {"Own",
       "a block with nobody but the pod itself",
       {BlockPeer("10.42.0.17/32"), BlockPeer("fd00:42::11/128")},
       {},
       96},
  };
}

std::vector<Blocks> SeveralBlocks() {
  return {
      {"TheSameTwice",
       "a block given twice",
       {BlockPeer("10.42.0.32/28"), BlockPeer("10.42.0.32/28")},
       {{"y/*", "IPv4"}},
       96 - 18},
      {"TheSameInTwoForms",
       "a block given with and without host bits",
       {BlockPeer("10.42.0.32/28"), BlockPeer("10.42.0.33/28")},
       {{"y/*", "IPv4"}},
       96 - 18},
      {"Nested",
       "a block within a block",
       {BlockPeer("10.42.0.32/28"), BlockPeer("10.42.0.34/32")},
       {{"y/*", "IPv4"}},
       96 - 18},
      {"Neighbours",
       "two blocks that touch",
       {BlockPeer("10.42.0.32/31"), BlockPeer("10.42.0.34/31")},
       {{"y/*", "IPv4"}},
       96 - 18},
      {"Apart",
       "two blocks that do not touch",
       {BlockPeer("10.42.0.16/28"), BlockPeer("10.42.0.48/28")},
       {{"x/* z/*", "IPv4"}},
       96 - 5 * 6},
      {"OneOfEachFamily",
       "families do not mix",
       {BlockPeer("10.42.0.32/28"), BlockPeer("fd00:42::30/124")},
       {{"y/*", "IPv4"}, {"z/*", "IPv6"}},
       96 - 36},
      {"BlockOrPods",
       "a block and a selector",
       {BlockPeer("10.42.0.32/28"), PodPeer(MatchLabels({{"pod", "b"}}))},
       {{"y/*", "IPv4"}, {"x/b", ""}},
       96 - 18 - 12},
      {"BlockAndSelectorOfTheSame",
       "the selector has both families",
       {BlockPeer("10.42.0.32/28"), NamespacePeer(MatchLabels({{"ns", "y"}}))},
       {{"y/*", ""}},
       60},
      {"OutsideOrPods",
       "who is no pod, and all pods",
       {BlockPeer("192.0.2.1/32"), NamespacePeer({})},
       {{"outside", "IPv4"}, {"*/*", ""}},
       0},
  };
}

std::vector<Blocks> Excepts() {
  return {
      {"ExceptNamespace4",
       "all pods but those of y",
       {BlockPeer("10.42.0.0/24", {"10.42.0.32/28"})},
       {{"x/* z/*", "IPv4"}},
       96 - 5 * 6},
      {"ExceptNamespace6",
       "all pods but those of y",
       {BlockPeer("fd00:42::/120", {"fd00:42::20/124"})},
       {{"x/* z/*", "IPv6"}},
       96 - 5 * 6},
      {"ExceptOnePod",
       "all but one address",
       {BlockPeer("10.42.0.0/24", {"10.42.0.34/32"})},
       {{"x/* y/a y/c z/*", "IPv4"}},
       96 - 7 * 6},
      {"ExceptTwo",
       "two excepts",
       {BlockPeer("10.42.0.0/24", {"10.42.0.32/28", "10.42.0.49/32"})},
       {{"x/* z/b z/c", "IPv4"}},
       96 - 4 * 6},
      {"ExceptNested",
       "an except within an except",
       {BlockPeer("10.42.0.0/24", {"10.42.0.32/27", "10.42.0.34/32"})},
       {{"x/*", "IPv4"}},
       96 - 2 * 6},
      {"ExceptNeighbours",
       "excepts that touch",
       {BlockPeer("10.42.0.0/24", {"10.42.0.32/28", "10.42.0.48/28"})},
       {{"x/*", "IPv4"}},
       96 - 2 * 6},
      {"ExceptAllInHalves",
       "excepts that leave nothing",
       {BlockPeer("10.42.0.0/24", {"10.42.0.0/25", "10.42.0.128/25"})},
       {},
       96},
      {"ExceptHostBits",
       "an except with host bits",
       {BlockPeer("10.42.0.0/24", {"10.42.0.35/28"})},
       {{"x/* z/*", "IPv4"}},
       96 - 5 * 6},
      {"EverythingExceptPods4",
       "who is no pod",
       {BlockPeer("0.0.0.0/0", {"10.42.0.0/16"})},
       {{"node outside", "IPv4"}},
       96},
      {"EverythingExceptPods6",
       "who is no pod",
       {BlockPeer("::/0", {"fd00:42::/64"})},
       {{"node outside", "IPv6"}},
       96},
      {"EverythingExceptOutside",
       "all but the outside",
       {BlockPeer("0.0.0.0/0", {"192.0.2.0/24"}),
        BlockPeer("::/0", {"2001:db8::/32"})},
       {{"*/* node", ""}},
       0},
      {"EverythingExceptHalf",
       "an except of length one",
       {BlockPeer("0.0.0.0/0", {"0.0.0.0/1"})},
       {{"node outside", "IPv4"}},
       96},
      {"ExceptIsNoDeny",
       "what one block excepts another may allow",
       {BlockPeer("10.42.0.0/24", {"10.42.0.32/28"}),
        BlockPeer("10.42.0.34/32")},
       {{"x/* z/* y/b", "IPv4"}},
       96 - 6 * 6},
      {"TwoBlocksTwoExcepts",
       "each except belongs to its block",
       {BlockPeer("10.42.0.0/24", {"10.42.0.32/28"}),
        BlockPeer("10.42.0.0/24", {"10.42.0.48/28"})},
       {{"*/*", "IPv4"}},
       48},
      {"TwoBlocksOneExcept",
       "what both except stays out",
       {BlockPeer("10.42.0.0/24", {"10.42.0.32/27"}),
        BlockPeer("10.42.0.0/24", {"10.42.0.48/28"})},
       {{"x/* y/*", "IPv4"}},
       96 - 5 * 6},
      {"ExceptedPodBySelector",
       "a selector may allow who is excepted",
       {BlockPeer("10.42.0.0/24", {"10.42.0.32/28"}),
        PodInNamespacePeer(MatchLabels({{"ns", "y"}}),
                           MatchLabels({{"pod", "a"}}))},
       {{"x/* z/*", "IPv4"}, {"y/a", ""}},
       96 - 5 * 6 - 12},
  };
}

std::vector<ConformanceCase> CasesOf(const std::vector<Blocks>& table) {
  std::vector<ConformanceCase> cases;
  for (const PolicySide& side : kPolicySides) {
    for (const Blocks& row : table) {
      MatrixExpectations expected = {side.Deny("x/a")};
      for (const auto& [peers, traffic] : row.allowed)
        expected.push_back(side.Allow("x/a", peers, traffic));
      cases.push_back(
          OneStep(side.type() + row.name, row.meaning,
                  {side.With(side.Policy("x", "blocks").Selects({{"pod", "a"}}),
                             row.peers)},
                  expected, row.refused));
    }
  }
  return cases;
}

// Blocks with ports and in several rules.
std::vector<ConformanceCase> RuleCases() {
  std::vector<ConformanceCase> cases;
  for (const PolicySide& side : kPolicySides) {
    const PolicyBuilder policy =
        side.Policy("x", "blocks").Selects({{"pod", "a"}});
    const auto y = BlockPeer("10.42.0.32/28");
    const auto y6 = BlockPeer("fd00:42::20/124");
    cases.push_back(OneStep(
        side.type() + "BlockAtPort", "a block at one port",
        {side.With(policy, {y, y6}, {NumberPort("TCP", 80)})},
        {side.Deny("x/a"), side.Allow("x/a", "y/*", "TCP 80")}, 96 - 6));
    cases.push_back(OneStep(
        side.type() + "BlockAtNamedPort", "a block at a port by name",
        {side.With(policy, {y, y6}, {NamePort("UDP", "serve-81-udp")})},
        {side.Deny("x/a"), side.Allow("x/a", "y/*", "UDP 81")}, 96 - 6));
    cases.push_back(OneStep(
        side.type() + "ExceptAtOnePort",
        "what a rule excepts at one port another allows at another",
        {side.With(
            side.With(policy, {BlockPeer("10.42.0.0/24", {"10.42.0.32/28"})},
                      {NumberPort("TCP", 80)}),
            {y}, {NumberPort("TCP", 81)})},
        {side.Deny("x/a"), side.Allow("x/a", "x/* z/*", "IPv4 TCP 80"),
         side.Allow("x/a", "y/*", "IPv4 TCP 81")},
        96 - 5 - 3));
    cases.push_back(OneStep(
        side.type() + "EverythingByBlocksAtRange", "everybody at some ports",
        {side.With(policy, {BlockPeer("0.0.0.0/0"), BlockPeer("::/0")},
                   {RangePort("SCTP", 80, 81)})},
        {side.Deny("x/a"), side.Allow("x/a", "*", "SCTP")}, 64));
  }
  return cases;
}

class BlocksTest : public ConformanceSuite {};

TEST_P(BlocksTest, EveryPacketMeetsItsVerdict) { Run(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Plain, BlocksTest,
                         testing::ValuesIn(CasesOf(PlainBlocks())), CaseName);
INSTANTIATE_TEST_SUITE_P(Several, BlocksTest,
                         testing::ValuesIn(CasesOf(SeveralBlocks())), CaseName);
INSTANTIATE_TEST_SUITE_P(Except, BlocksTest,
                         testing::ValuesIn(CasesOf(Excepts())), CaseName);
INSTANTIATE_TEST_SUITE_P(Rule, BlocksTest, testing::ValuesIn(RuleCases()),
                         CaseName);

}  // namespace
}  // namespace netpol
