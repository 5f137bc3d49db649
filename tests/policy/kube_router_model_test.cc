// What kube-router's own tests say of its model of policies and pods, said of
// ours.
#include <netinet/in.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "netpol/policy/cidr_union.h"
#include "netpol/policy/parse.h"
#include "netpol/testing/builders.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

NetworkPolicy Parsed(const PolicyBuilder& policy) {
  return *ParseNetworkPolicy(policy.Build());
}

// ---- Rules.

struct RuleCase {
  std::string name;
  PolicyBuilder::Peers peers;
  PolicyBuilder::Ports ports;
  bool any_peer;
  bool any_port;
  std::vector<PolicyPort> parsed_ports;
};

// Each holds for ingress and for egress.
class RuleModelTest : public testing::TestWithParam<RuleCase> {};

TEST_P(RuleModelTest, EitherDirectionReadsTheSame) {
  const RuleCase& expected = GetParam();
  const NetworkPolicy policy =
      Parsed(PolicyBuilder("red", "p")
                 .Types({"Ingress", "Egress"})
                 .Ingress(expected.peers, expected.ports)
                 .Egress(expected.peers, expected.ports));
  EXPECT_THAT(policy.problems, IsEmpty());
  ASSERT_THAT(policy.ingress, SizeIs(1));
  ASSERT_THAT(policy.egress, SizeIs(1));
  EXPECT_EQ(policy.ingress[0], policy.egress[0]);
  const PolicyRule& rule = policy.ingress[0];
  EXPECT_EQ(rule.any_peer, expected.any_peer);
  EXPECT_EQ(rule.any_port, expected.any_port);
  EXPECT_EQ(rule.ports, expected.parsed_ports);
}

std::vector<RuleCase> RuleCases() {
  const k8s::NetworkPolicyPeer block = BlockPeer("192.168.1.0/24");
  return {
      {"EmptyRule", {}, {}, true, true, {}},
      {"PortsOnly",
       {},
       {NumberPort("TCP", 80)},
       true,
       false,
       {{IPPROTO_TCP, 80, 80, ""}}},
      {"BlockOnly", {block}, {}, false, true, {}},
      {"BlockAndPort",
       {block},
       {NumberPort("UDP", 53)},
       false,
       false,
       {{IPPROTO_UDP, 53, 53, ""}}},
      {"ProtocolOnly",
       {},
       {ProtocolPort("SCTP")},
       true,
       false,
       {{IPPROTO_SCTP, 0, 0, ""}}},
      {"PortWithoutProtocolIsTcp",
       {},
       {NumberPort("", 30000)},
       true,
       false,
       {{IPPROTO_TCP, 30000, 30000, ""}}},
      {"NamedPort",
       {},
       {NamePort("TCP", "http")},
       true,
       false,
       {{IPPROTO_TCP, 0, 0, "http"}}},
  };
}

INSTANTIATE_TEST_SUITE_P(Rules, RuleModelTest, testing::ValuesIn(RuleCases()),
                         [](const auto& info) { return info.param.name; });

// ---- Blocks.

std::vector<std::string> UnionOf(const NetworkPolicy& policy, Family family) {
  std::vector<std::string> texts;
  for (const IpPrefix& prefix :
       UnionOfBlocks(policy.ingress.at(0).blocks, family))
    texts.push_back(prefix.ToString());
  return texts;
}

TEST(BlockModelTest, BlockIsOneEntryOfItsFamily) {
  const NetworkPolicy policy =
      Parsed(PolicyBuilder("red", "p").Ingress({BlockPeer("192.168.1.0/24")}));
  EXPECT_THAT(UnionOf(policy, Family::kIPv4), ElementsAre("192.168.1.0/24"));
  EXPECT_THAT(UnionOf(policy, Family::kIPv6), IsEmpty());
}

// kube-router keeps the exception as an entry that must not match; here the
// entries are what is left.
TEST(BlockModelTest, ExceptionIsTakenOutOfItsBlock) {
  const NetworkPolicy policy =
      Parsed(PolicyBuilder("red", "p")
                 .Ingress({BlockPeer("192.168.1.0/24", {"192.168.1.50/32"})}));
  const std::vector<IpPrefix> left =
      UnionOfBlocks(policy.ingress.at(0).blocks, Family::kIPv4);
  for (int last = 0; last < 256; ++last) {
    const IpAddress address =
        *IpAddress::Parse(absl::StrCat("192.168.1.", last));
    const bool holds = std::any_of(
        left.begin(), left.end(),
        [&](const IpPrefix& prefix) { return prefix.Contains(address); });
    EXPECT_EQ(holds, last != 50) << address;
  }
  for (const char* outside : {"192.168.0.255", "192.168.2.0"}) {
    for (const IpPrefix& prefix : left)
      EXPECT_FALSE(prefix.Contains(*IpAddress::Parse(outside))) << prefix;
  }
}

// ---- Types.

struct TypesCase {
  std::vector<std::string> types;
  bool egress_rule;
  bool isolates_ingress;
  bool isolates_egress;
};

TEST(PolicyTypesModelTest, TypesSayWhichDirectionsAreIsolated) {
  const std::vector<TypesCase> cases = {
      {{"Ingress"}, false, true, false},
      {{"Egress"}, false, false, true},
      {{"Ingress", "Egress"}, false, true, true},
      {{}, false, true, false},
      // The API's default; kube-router would not look at the rule.
      {{}, true, true, true},
      {{"Ingress"}, true, true, false},
  };
  for (const TypesCase& c : cases) {
    PolicyBuilder builder("red", "p");
    builder.Types(c.types);
    if (c.egress_rule) builder.Egress();
    const NetworkPolicy policy = Parsed(builder);
    SCOPED_TRACE(testing::PrintToString(c.types));
    EXPECT_EQ(policy.isolates_ingress, c.isolates_ingress);
    EXPECT_EQ(policy.isolates_egress, c.isolates_egress);
  }
}

// ---- Pods.

PodBuilder Running(const std::string& name) {
  return PodBuilder("red", name)
      .On("node-a")
      .Ip("10.42.0.5")
      .Label("app", "z")
      .Phase("Running");
}

struct PodCase {
  std::string name;
  PodBuilder pod;
  bool counts;
};

TEST(PodModelTest, PodsWithoutAnAddressOfTheirOwnDoNotCount) {
  const std::vector<PodCase> cases = {
      {"running", Running("a"), true},
      {"pending, with an address", Running("a").Phase("Pending"), true},
      {"unknown", Running("a").Phase("Unknown"), true},
      {"no phase yet", PodBuilder("red", "a").Ip("10.42.0.5"), true},
      {"terminating", Running("a").Terminating(), true},
      {"old field only", PodBuilder("red", "a").OldIp("10.42.0.5"), true},
      {"failed", Running("a").Phase("Failed"), false},
      {"succeeded", Running("a").Phase("Succeeded"), false},
      {"on the host's network", Running("a").HostNetwork(), false},
      {"no address", PodBuilder("red", "a").Phase("Running"), false},
  };
  for (const PodCase& c : cases) {
    const Pod pod = *ParsePod(c.pod.Build());
    EXPECT_EQ(!pod.addresses.empty(), c.counts) << c.name;
  }
}

TEST(PodModelTest, EveryAddressOfAPodCountsOnce) {
  const Pod pod = *ParsePod(Running("a").Ip("fd00:42::5").Build());
  EXPECT_THAT(pod.addresses,
              UnorderedElementsAre(*IpAddress::Parse("10.42.0.5"),
                                   *IpAddress::Parse("fd00:42::5")));
  EXPECT_THAT(ParsePod(Running("a").OldIp("10.42.0.5").Build())->addresses,
              SizeIs(1));
}

}  // namespace
}  // namespace netpol
