// The policies of kube-router's own tests as rules and sets of ours: the same
// matches and comments, which come last here, in one rule where it has a pair.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/compile/layout.h"
#include "netpol/compile/policy_rules.h"
#include "netpol/compile/set_registry.h"
#include "netpol/policy/parse.h"
#include "netpol/state/cluster_state.h"
#include "netpol/testing/builders.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr Direction kIn = Direction::kIngress;
constexpr Direction kOut = Direction::kEgress;

PolicyBuilder Policy(const std::string& name) {
  return PolicyBuilder("nsA", name)
      .Selects(MatchExpression("app", "In", {"a"}));
}

// The cluster that the policies are compiled in.
void AddCluster(ClusterState& state) {
  for (const char* name : {"a", "b", "c"}) {
    state.UpsertNamespace(*ParseNamespace(MakeNamespace(
        absl::StrCat("ns", absl::AsciiStrToUpper(name)), {{"name", name}})));
  }
  struct Row {
    const char* ns;
    const char* name;
    const char* v4;
    const char* v6;
  };
  for (const Row& row : {Row{"nsA", "Aa", "10.1.1.1", "fd00::1:1"},
                         Row{"nsB", "Ba", "10.2.1.1", "fd00::2:1"},
                         Row{"nsB", "Baa", "10.2.2.1", "fd00::2:2"},
                         Row{"nsB", "Bab", "10.2.2.2", "fd00::2:3"},
                         Row{"nsC", "Ca", "10.3.1.1", "fd00::3:1"}}) {
    state.UpsertPod(*ParsePod(PodBuilder(row.ns, row.name)
                                  .On("node-a")
                                  .Ip(row.v4)
                                  .Ip(row.v6)
                                  .Label("app", "a")
                                  .Port("http", 8080)
                                  .Build()));
  }
}

// A policy compiled, with what its sets hold.
struct Compiled {
  // As iptables-save would print them; "$0" is the first set, "$1" the next.
  std::vector<std::string> rules;
  std::vector<SetContent> sets;  // in the order of the rules
};

Compiled CompileAlone(const PolicyBuilder& policy, Direction direction,
                      Family family) {
  ClusterState state("node-a");
  AddCluster(state);
  SetRegistry registry(&state);
  const CompiledPolicy compiled =
      CompileRules(RulesOf(*ParseNetworkPolicy(policy.Build()), direction),
                   direction, family, registry);
  RulesetChange change;
  registry.Flush(change);
  Compiled result;
  for (const SetName& name : compiled.sets) {
    const auto it =
        std::find_if(change.sets.begin(), change.sets.end(),
                     [&](const SetContent& set) { return set.name == name; });
    if (it != change.sets.end()) result.sets.push_back(*it);
  }
  for (const Rule& rule : compiled.rules) {
    std::string text = rule.ToString(family);
    for (size_t i = 0; i < result.sets.size(); ++i) {
      text = absl::StrReplaceAll(
          text, {{result.sets[i].name.value(), absl::StrCat("$", i)}});
    }
    result.rules.push_back(text);
  }
  return result;
}

std::vector<std::string> MembersOf(const SetContent& set) {
  std::vector<std::string> members;
  for (const SetMember& member : set.members)
    members.push_back(member.ToString());
  return members;
}

// ---- Rules.

struct RulesCase {
  std::string name;
  PolicyBuilder policy;
  // What a rule has between its start and "-g KUBE-NWPLCY-DEFAULT".
  std::vector<std::string> ingress;
  std::vector<std::string> egress;
};

// The last match of a rule.
std::string Commented(const std::string& text) {
  return absl::StrCat("-m comment --comment \"nsA/", text, "\"");
}

std::vector<RulesCase> PortCases() {
  return {
      {"EgressPortWithoutProtocolIsTcp",
       Policy("simple-egress").Egress({}, {NumberPort("", 30000)}),
       {},
       {"-p tcp -m tcp --dport 30000 " +
        Commented("simple-egress egress any")}},
      {"EachDirectionHasItsOwnRules",
       Policy("both")
           .Egress({}, {NumberPort("TCP", 30000)})
           .Ingress({}, {NumberPort("TCP", 37000)}),
       {"-p tcp -m tcp --dport 37000 " + Commented("both ingress any")},
       {"-p tcp -m tcp --dport 30000 " + Commented("both egress any")}},
      {"PortRanges",
       Policy("ranges").Egress({}, {RangePort("TCP", 30000, 31000),
                                    RangePort("TCP", 34000, 35000)}),
       {},
       {"-p tcp -m multiport --dports 30000:31000,34000:35000 " +
        Commented("ranges egress any")}},
      {"SctpPort",
       Policy("sctp")
           .Egress({}, {NumberPort("SCTP", 36000)})
           .Ingress({}, {NumberPort("SCTP", 36000)}),
       {"-p sctp -m multiport --dports 36000 " + Commented("sctp ingress any")},
       {"-p sctp -m multiport --dports 36000 " + Commented("sctp egress any")}},
      {"UdpPortOfOneAndTcpRangeOfAnother",
       Policy("mixed")
           .Ingress({}, {NumberPort("UDP", 53)})
           .Ingress({}, {RangePort("TCP", 8000, 9000)}),
       {"-p udp -m udp --dport 53 " + Commented("mixed ingress any"),
        "-p tcp -m tcp --dport 8000:9000 " + Commented("mixed ingress any")},
       {}},
      // One entry that the API would have refused: it opens nothing, where
      // kube-router opens its first port.
      {"RangeThatEndsBeforeItBegins",
       Policy("backwards").Ingress({}, {RangePort("TCP", 34000, 31000)}),
       {},
       {}},
  };
}

std::vector<RulesCase> OpenAndClosedCases() {
  return {
      {"EmptyRules",
       Policy("open").Ingress().Egress(),
       {Commented("open ingress any")},
       {Commented("open egress any")}},
      {"NoRules", Policy("closed").Types({"Ingress", "Egress"}), {}, {}},
  };
}

std::vector<RulesCase> ProtocolCases() {
  std::vector<RulesCase> cases;
  for (const char* protocol : {"TCP", "UDP", "SCTP"}) {
    const std::string lower = absl::AsciiStrToLower(protocol);
    cases.push_back({absl::StrCat("Any", protocol),
                     Policy("whole")
                         .Ingress({}, {ProtocolPort(protocol)})
                         .Egress({}, {ProtocolPort(protocol)}),
                     {"-p " + lower + " " + Commented("whole ingress any")},
                     {"-p " + lower + " " + Commented("whole egress any")}});
  }
  return cases;
}

std::vector<RulesCase> PeerCases() {
  const k8s::NetworkPolicyPeer ns_b =
      NamespacePeer(MatchLabels({{"name", "b"}}));
  const std::string from = "-m set --match-set $0 src ";
  const std::string to = "-m set --match-set $0 dst ";
  return {
      {"PodPeers",
       Policy("peers").Ingress({ns_b}).Egress({ns_b}),
       {from + Commented("peers ingress pods")},
       {to + Commented("peers egress pods")}},
      {"PodPeersAndPort",
       Policy("peers").Ingress({ns_b}, {NumberPort("TCP", 80)}),
       {"-p tcp -m tcp --dport 80 " + from + Commented("peers ingress pods")},
       {}},
      {"BlocksOfTwoFamilies",
       Policy("blocks")
           .Ingress({BlockPeer("192.168.0.0/24"), BlockPeer("fd01::/64")})
           .Egress({BlockPeer("172.16.0.0/12"), BlockPeer("fd02::/64")}),
       {from + Commented("blocks ingress cidr")},
       {to + Commented("blocks egress cidr")}},
      {"PodsAndBlocksOfOneRule",
       Policy("two").Ingress(
           {ns_b, BlockPeer("192.168.0.0/24"), BlockPeer("fd01::/64")}),
       {from + Commented("two ingress pods"),
        "-m set --match-set $1 src " + Commented("two ingress cidr")},
       {}},
  };
}

std::vector<RulesCase> NamedPortCases() {
  const k8s::NetworkPolicyPeer ns_b =
      NamespacePeer(MatchLabels({{"name", "b"}}));
  const std::string from = "-p tcp -m set --match-set $0 src ";
  const std::string to = "-p tcp -m set --match-set $0 dst ";
  const std::string first_named = "-p tcp -m set --match-set $0 dst,dst ";
  const std::string then_named = "-m set --match-set $1 dst,dst ";
  return {
      {"NamedPortOfIngress",
       Policy("names").Ingress({ns_b}, {NamePort("TCP", "http")}),
       {from + then_named + Commented("names ingress pods np")},
       {}},
      {"NamedPortOfEgress",
       Policy("names").Egress({ns_b}, {NamePort("TCP", "http")}),
       {},
       {first_named + Commented("names egress pods np")}},
      {"NamedPortOfAnybody",
       Policy("names")
           .Ingress({}, {NamePort("TCP", "http")})
           .Egress({}, {NamePort("TCP", "http")}),
       {first_named + Commented("names ingress any np")},
       {first_named + Commented("names egress any np")}},
      {"NamedPortOfBlocks",
       Policy("names")
           .Ingress({BlockPeer("192.168.0.0/24"), BlockPeer("fd01::/64")},
                    {NamePort("TCP", "http")})
           .Egress({BlockPeer("192.168.0.0/24"), BlockPeer("fd01::/64")},
                   {NamePort("TCP", "http")}),
       {from + then_named + Commented("names ingress cidr np")},
       {to + then_named + Commented("names egress cidr np")}},
  };
}

std::vector<RulesCase> AllRulesCases() {
  std::vector<RulesCase> cases = PortCases();
  for (const auto& more :
       {OpenAndClosedCases(), ProtocolCases(), PeerCases(), NamedPortCases()})
    cases.insert(cases.end(), more.begin(), more.end());
  return cases;
}

class KubeRouterRulesTest : public testing::TestWithParam<RulesCase> {};

TEST_P(KubeRouterRulesTest, OneRuleForEachAllowance) {
  for (Family family : kFamilies) {
    for (Direction direction : kDirections) {
      SCOPED_TRACE(
          absl::StrCat(FamilyName(family), " ", DirectionName(direction)));
      std::vector<std::string> expected =
          direction == kIn ? GetParam().ingress : GetParam().egress;
      for (std::string& rule : expected) rule += " -g KUBE-NWPLCY-DEFAULT";
      EXPECT_EQ(CompileAlone(GetParam().policy, direction, family).rules,
                expected);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, KubeRouterRulesTest,
                         testing::ValuesIn(AllRulesCases()),
                         [](const auto& info) { return info.param.name; });

// ---- Sets.

TEST(KubeRouterSetsTest, PodPeersAreAddressesOfTheirFamily) {
  const PolicyBuilder policy =
      Policy("p").Ingress({NamespacePeer(MatchLabels({{"name", "b"}}))});
  const Compiled v4 = CompileAlone(policy, kIn, Family::kIPv4);
  ASSERT_THAT(v4.sets, SizeIs(1));
  EXPECT_EQ(v4.sets[0].type, SetType::kHashIp);
  EXPECT_THAT(MembersOf(v4.sets[0]),
              UnorderedElementsAre("10.2.1.1", "10.2.2.1", "10.2.2.2"));
  const Compiled v6 = CompileAlone(policy, kIn, Family::kIPv6);
  ASSERT_THAT(v6.sets, SizeIs(1));
  EXPECT_EQ(v6.sets[0].type, SetType::kHashIp);
  EXPECT_THAT(MembersOf(v6.sets[0]),
              UnorderedElementsAre("fd00::2:1", "fd00::2:2", "fd00::2:3"));
}

TEST(KubeRouterSetsTest, NamedPortsAreAddressAndNumber) {
  const Compiled compiled = CompileAlone(
      Policy("p").Egress({NamespacePeer(MatchLabels({{"name", "c"}}))},
                         {NamePort("TCP", "http")}),
      kOut, Family::kIPv4);
  ASSERT_THAT(compiled.sets, SizeIs(1));
  EXPECT_EQ(compiled.sets[0].type, SetType::kHashIpPort);
  EXPECT_THAT(MembersOf(compiled.sets[0]), ElementsAre("10.3.1.1,tcp:8080"));
}

struct BlockCase {
  Family family;
  PolicyBuilder::Peers blocks;
  std::vector<std::string> members;
};

// The kernel takes no prefix of length 0, and reads host bits its own way.
TEST(KubeRouterSetsTest, BlocksAreTheExactUnion) {
  const std::vector<BlockCase> cases = {
      {Family::kIPv4, {BlockPeer("192.168.0.0/24")}, {"192.168.0.0/24"}},
      {Family::kIPv4, {BlockPeer("172.16.0.0/12")}, {"172.16.0.0/12"}},
      {Family::kIPv4, {BlockPeer("10.95.0.239/32")}, {"10.95.0.239"}},
      {Family::kIPv4, {BlockPeer("192.168.5.7/24")}, {"192.168.5.0/24"}},
      {Family::kIPv4, {BlockPeer("0.0.0.0/0")}, {"0.0.0.0/1", "128.0.0.0/1"}},
      {Family::kIPv6, {BlockPeer("::/0")}, {"::/1", "8000::/1"}},
      {Family::kIPv6, {BlockPeer("2001:db8::5/128")}, {"2001:db8::5"}},
      {Family::kIPv4,
       {BlockPeer("10.0.0.0/14", {"10.1.0.0/16"})},
       {"10.0.0.0/16", "10.2.0.0/15"}},
      // The exception of one block takes nothing from another.
      {Family::kIPv4,
       {BlockPeer("10.0.0.0/8", {"10.1.0.0/16"}), BlockPeer("10.0.0.0/7")},
       {"10.0.0.0/7"}},
      {Family::kIPv4,
       {BlockPeer("10.0.0.0/8"), BlockPeer("10.0.0.0/8", {"10.0.0.0/8"})},
       {"10.0.0.0/8"}},
  };
  for (const BlockCase& c : cases) {
    const Compiled compiled =
        CompileAlone(Policy("p").Ingress(c.blocks), kIn, c.family);
    ASSERT_THAT(compiled.sets, SizeIs(1));
    EXPECT_EQ(compiled.sets[0].type, SetType::kHashNet);
    EXPECT_THAT(MembersOf(compiled.sets[0]),
                testing::UnorderedElementsAreArray(c.members));
  }
}

TEST(KubeRouterSetsTest, PeersThatMatchNobodyLetNobodyIn) {
  const Compiled compiled = CompileAlone(
      Policy("p").Ingress({PodPeer(MatchLabels({{"app", "absent"}}))}), kIn,
      Family::kIPv4);
  for (const SetContent& set : compiled.sets)
    EXPECT_THAT(MembersOf(set), IsEmpty());
  // If there is a rule it is by that set.
  EXPECT_EQ(compiled.rules.size(), compiled.sets.size());
}

// Every kind of set, in both families.
TEST(KubeRouterSetsTest, NamesTellTheFamilyAndAreOurs) {
  const k8s::NetworkPolicyPeer pods = NamespacePeer(MatchLabels());
  const PolicyBuilder policy =
      PolicyBuilder(std::string(63, 'n'), std::string(253, 'p'))
          .Ingress({pods})
          .Ingress({BlockPeer("10.0.0.0/8"), BlockPeer("fd00::/8")})
          .Ingress({}, {NamePort("TCP", "http")})
          .Egress({pods}, {NamePort("TCP", "http")})
          .Egress({}, {NamePort("TCP", "http")});
  for (Family family : kFamilies) {
    std::vector<SetName> names = {LocalPodsSet(family)};
    for (Direction direction : kDirections) {
      for (const SetContent& set : CompileAlone(policy, direction, family).sets)
        names.push_back(set.name);
    }
    EXPECT_THAT(names, SizeIs(6));
    for (const SetName& name : names) {
      EXPECT_TRUE(SetName::IsOurs(name.value())) << name;
      EXPECT_EQ(absl::StartsWith(name.value(), "inet6:"),
                family == Family::kIPv6)
          << name;
      EXPECT_LE(name.value().size(), SetName::kMaxLength) << name;
    }
  }
}

TEST(KubeRouterSetsTest, EqualPeersAreOneSet) {
  const k8s::NetworkPolicyPeer pods =
      NamespacePeer(MatchLabels({{"name", "b"}}));
  const Compiled compiled =
      CompileAlone(Policy("p")
                       .Ingress({pods}, {NumberPort("TCP", 80)})
                       .Ingress({pods, pods}, {NumberPort("UDP", 53)}),
                   kIn, Family::kIPv4);
  ASSERT_THAT(compiled.sets, SizeIs(2));
  EXPECT_EQ(compiled.sets[0].name, compiled.sets[1].name);
}

}  // namespace
}  // namespace netpol
