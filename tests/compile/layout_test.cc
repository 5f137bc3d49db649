#include "netpol/compile/layout.h"

#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

IpPrefix Net(absl::string_view text) { return *IpPrefix::Parse(text); }

std::vector<Rule> RulesOf(const LayoutOptions& options, Family family,
                          absl::string_view chain) {
  for (const Chain& candidate : FixedChains(options, family)) {
    if (candidate.name.value() == chain) return candidate.rules;
  }
  ADD_FAILURE() << "no chain " << chain;
  return {};
}

std::vector<std::string> TextOf(const LayoutOptions& options, Family family,
                                absl::string_view chain) {
  std::vector<std::string> lines;
  for (const Rule& rule : RulesOf(options, family, chain))
    lines.push_back(rule.ToString(family));
  return lines;
}

LayoutOptions WithRanges() {
  LayoutOptions options;
  options.cluster_ip_ranges = {Net("10.43.0.0/16"), Net("fd00:43::/112")};
  options.external_ip_ranges = {Net("198.51.100.0/24")};
  options.load_balancer_ip_ranges = {Net("203.0.113.0/24")};
  return options;
}

// ---- Texts that others recognise.

TEST(LayoutTest, CommonChainOfIPv4IsKubeRouters) {
  EXPECT_THAT(
      TextOf({}, Family::kIPv4, "KUBE-NWPLCY-COMMON"),
      ElementsAre(
          R"(-m conntrack --ctstate INVALID -m comment --comment "\"rule to drop invalid state for pod\"" -j DROP)",
          R"(-m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment "\"rule for stateful firewall for pod\"" -j ACCEPT)",
          R"(-p icmp -m icmp --icmp-type 8 -m comment --comment "allow icmp echo requests" -j ACCEPT)",
          R"(-p icmp -m icmp --icmp-type 3 -m comment --comment "allow icmp destination unreachable messages" -j ACCEPT)",
          R"(-p icmp -m icmp --icmp-type 11 -m comment --comment "allow icmp time exceeded messages" -j ACCEPT)"));
}

TEST(LayoutTest, CommonChainOfIPv6IsKubeRouters) {
  EXPECT_THAT(
      TextOf({}, Family::kIPv6, "KUBE-NWPLCY-COMMON"),
      ElementsAre(
          R"(-m conntrack --ctstate INVALID -m comment --comment "\"rule to drop invalid state for pod\"" -j DROP)",
          R"(-m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment "\"rule for stateful firewall for pod\"" -j ACCEPT)",
          R"(-p ipv6-icmp -m icmp6 --icmpv6-type 128 -m comment --comment "allow icmp echo requests" -j ACCEPT)",
          R"(-p ipv6-icmp -m icmp6 --icmpv6-type 1 -m comment --comment "allow icmp destination unreachable messages" -j ACCEPT)",
          R"(-p ipv6-icmp -m icmp6 --icmpv6-type 3 -m comment --comment "allow icmp time exceeded messages" -j ACCEPT)",
          R"(-p ipv6-icmp -m icmp6 --icmpv6-type 135 -m comment --comment "allow icmp neighbor solicitation messages" -j ACCEPT)",
          R"(-p ipv6-icmp -m icmp6 --icmpv6-type 136 -m comment --comment "allow icmp neighbor advertisement messages" -j ACCEPT)",
          R"(-p ipv6-icmp -m icmp6 --icmpv6-type 129 -m comment --comment "allow icmp echo reply messages" -j ACCEPT)"));
}

TEST(LayoutTest, PolicyModeLeavesIcmpToThePoliciesButNeighbourDiscovery) {
  LayoutOptions options;
  options.icmp = IcmpMode::kPolicy;
  EXPECT_THAT(TextOf(options, Family::kIPv4, "KUBE-NWPLCY-COMMON"), SizeIs(2));
  EXPECT_THAT(TextOf(options, Family::kIPv6, "KUBE-NWPLCY-COMMON"),
              ElementsAre(HasSubstr("INVALID"), HasSubstr("ESTABLISHED"),
                          HasSubstr("--icmpv6-type 135"),
                          HasSubstr("--icmpv6-type 136")));
}

TEST(LayoutTest, MarkingAndTailChainsAreKubeRouters) {
  EXPECT_THAT(
      TextOf({}, Family::kIPv4, "KUBE-NWPLCY-DEFAULT"),
      ElementsAre(
          R"(-m comment --comment "rule to mark traffic matching a network policy" -j MARK --set-xmark 0x10000/0x10000)"));
  EXPECT_THAT(
      TextOf({}, Family::kIPv6, "KUBE-NWPLCY-TAIL"),
      ElementsAre(
          R"(-m mark --mark 0x20000/0x20000 -m comment --comment "accept netpol-ok" -j ACCEPT)"));
}

TEST(LayoutTest, ExemptionsOfIPv4StandFirstWithTheirIds) {
  const std::vector<std::string> lines =
      TextOf(WithRanges(), Family::kIPv4, "KUBE-ROUTER-INPUT");
  ASSERT_GE(lines.size(), 6u);
  EXPECT_EQ(
      lines[0],
      R"(-d 10.43.0.0/16 -m comment --comment "allow traffic to primary/secondary cluster IP range - EKROEGTNIJ3AP3LC" -j RETURN)");
  EXPECT_THAT(
      lines[1],
      HasSubstr(
          R"(-m comment --comment "allow LOCAL TCP traffic to node ports - LR7XO7NXDBGQJD2M" -j RETURN)"));
  EXPECT_THAT(
      lines[2],
      HasSubstr(
          R"(-m comment --comment "allow LOCAL UDP traffic to node ports - 76UCBPIZNGJNWNUZ" -j RETURN)"));
  EXPECT_THAT(
      lines[3],
      HasSubstr(
          R"(-m comment --comment "allow LOCAL SCTP traffic to node ports - YU47VQ3DEDE3VDG7" -j RETURN)"));
  for (int i = 1; i <= 3; ++i) {
    EXPECT_THAT(lines[i], HasSubstr("-m addrtype --dst-type LOCAL"));
    EXPECT_THAT(lines[i], HasSubstr("30000:32767"));
  }
  EXPECT_THAT(
      lines[4],
      HasSubstr(
          R"(-d 198.51.100.0/24 -m comment --comment "allow traffic to external IP range: 198.51.100.0/24 - GPSEI22COO7LUPQG)"));
  EXPECT_THAT(
      lines[5],
      HasSubstr(
          R"(-d 203.0.113.0/24 -m comment --comment "allow traffic to load balancer IP range: 203.0.113.0/24 - 2J4EYZURXQNDHUE2)"));
}

TEST(LayoutTest, ExemptionsOfIPv6AreThoseOfItsRanges) {
  const std::vector<std::string> lines =
      TextOf(WithRanges(), Family::kIPv6, "KUBE-ROUTER-INPUT");
  ASSERT_GE(lines.size(), 4u);
  EXPECT_EQ(
      lines[0],
      R"(-d fd00:43::/112 -m comment --comment "allow traffic to primary/secondary cluster IP range - VIURHPSFNV7UF66D" -j RETURN)");
  // The ids of node ports do not depend on the family.
  EXPECT_THAT(lines[1], HasSubstr("LR7XO7NXDBGQJD2M"));
  for (const std::string& line : lines) {
    EXPECT_THAT(line, testing::Not(HasSubstr("198.51.100")));
    EXPECT_THAT(line, testing::Not(HasSubstr("203.0.113")));
  }
}

TEST(LayoutTest, ThreeHookChainsEndWithTheTailAndTheAccept) {
  for (Family family : kFamilies) {
    for (absl::string_view chain : {kInputChain, kForwardChain, kOutputChain}) {
      const std::vector<std::string> lines =
          TextOf(WithRanges(), family, chain);
      ASSERT_GE(lines.size(), 2u);
      EXPECT_EQ(
          lines[lines.size() - 2],
          R"(-m comment --comment "rule to explicitly handle traffic for network policies ACCEPT/REJECT decision" -j KUBE-NWPLCY-TAIL)");
      EXPECT_EQ(
          lines.back(),
          R"(-m mark --mark 0x20000/0x20000 -m comment --comment "rule to explicitly ACCEPT traffic that comply to network policies" -j ACCEPT)");
    }
  }
}

TEST(LayoutTest, OnlyPacketsOfLocalPodsAreJudged) {
  for (Family family : kFamilies) {
    const std::string set = LocalPodsSet(family).value();
    for (absl::string_view chain : {kInputChain, kForwardChain, kOutputChain}) {
      int egress = 0;
      int ingress = 0;
      for (const std::string& line : TextOf({}, family, chain)) {
        if (absl::StrContains(line, "-j KUBE-POD-FW-EGRESS")) {
          ++egress;
          // What has the node's own address there is what the node sends.
          EXPECT_EQ(absl::StrContains(line, "-m addrtype ! --src-type LOCAL"),
                    chain == kOutputChain);
          EXPECT_THAT(line, HasSubstr("--match-set " + set + " src"));
        }
        if (absl::StrContains(line, "-j KUBE-POD-FW-INGRESS")) {
          ++ingress;
          EXPECT_THAT(line, HasSubstr("--match-set " + set + " dst"));
        }
      }
      EXPECT_EQ(egress, 1) << chain;
      // What is delivered to the node itself goes to no pod.
      EXPECT_EQ(ingress, chain == kInputChain ? 0 : 1) << chain;
    }
  }
}

// What the kernel says of a node's own address; in IPv6 the first of a subnet
// is anycast, though a tunnel may have it.
std::string OwnType(Family family) {
  return family == Family::kIPv4 ? "LOCAL" : "LOCAL,ANYCAST";
}

TEST(LayoutTest, WhatTheNodeSendsToItsPodsPassesInOutputAlone) {
  for (Family family : kFamilies) {
    const std::string set = LocalPodsSet(family).value();
    const std::vector<std::string> output =
        TextOf({}, family, "KUBE-ROUTER-OUTPUT");
    ASSERT_THAT(output, SizeIs(6));
    EXPECT_THAT(output[0], HasSubstr("clear marks of others"));
    EXPECT_EQ(output[1], "-m set --match-set " + set +
                             " dst -m comment --comment \"to local pods\" -j "
                             "KUBE-POD-FW-NODE");
    // Open connections first, and the mark that says so to others.
    EXPECT_THAT(
        TextOf({}, family, "KUBE-POD-FW-NODE"),
        ElementsAre(
            "-m comment --comment \"common netpol rules\" -j "
            "KUBE-NWPLCY-COMMON",
            absl::StrCat("-m addrtype --src-type ", OwnType(family),
                         " -m comment --comment \"from local node\" -j MARK "
                         "--set-xmark 0x20000/0x20000"),
            "-m mark --mark 0x20000/0x20000 -m comment --comment \"accept "
            "netpol-ok\" -j ACCEPT"));
    for (absl::string_view chain : {kInputChain, kForwardChain}) {
      for (const std::string& line : TextOf({}, family, chain))
        EXPECT_THAT(line, testing::Not(HasSubstr("src-type"))) << chain;
    }
  }
}

// Nearly all packets are of these, so one comparison tells them, and what they
// meet has no comments, each of which the kernel would call as a match. What is
// no local pod's returns to FORWARD.
TEST(LayoutTest, ForwardedPacketsOfKnownConnectionsLeaveAtTheFirstRule) {
  for (const bool default_deny : {false, true}) {
    LayoutOptions options = WithRanges();
    options.default_deny = default_deny;
    for (Family family : kFamilies) {
      const std::string set = LocalPodsSet(family).value();
      const std::vector<std::string> forward =
          TextOf(options, family, "KUBE-ROUTER-FORWARD");
      ASSERT_THAT(forward, SizeIs(6));
      EXPECT_EQ(forward[0],
                "-m conntrack --ctstate RELATED,ESTABLISHED -g "
                "KUBE-POD-FW-ESTABLISHED");
      EXPECT_THAT(forward[1], HasSubstr("clear marks of others"));
      const auto accept = [&](absl::string_view side) {
        return absl::StrCat("-m set --match-set ", set, " ", side,
                            " -j ACCEPT");
      };
      EXPECT_THAT(TextOf(options, family, "KUBE-POD-FW-ESTABLISHED"),
                  ElementsAre(accept("dst"), accept("src")));
    }
  }
}

// The other hooks see few, and the node's own among them.
TEST(LayoutTest, NoOtherHookTellsKnownConnectionsBeforeItKnowsThePod) {
  for (Family family : kFamilies) {
    for (absl::string_view chain : {kInputChain, kOutputChain}) {
      for (const std::string& line : TextOf(WithRanges(), family, chain)) {
        EXPECT_THAT(line, testing::Not(HasSubstr("ESTABLISHED"))) << chain;
      }
    }
  }
}

// ---- The default deny.

LayoutOptions WithDefaultDeny() {
  LayoutOptions options = WithRanges();
  options.default_deny = true;
  return options;
}

// kube-router has the two rules before the accept and the two after it for each
// pod CIDR, with -s and -d; here the CIDRs are members of a set, which change
// without a commit and at the right moment of a batch. What may pass all the
// same is told apart in the rules.
TEST(LayoutTest, TheDefaultDenyHasKubeRoutersOrderAndComments) {
  for (const Family family : kFamilies) {
    const bool v4 = family == Family::kIPv4;
    const char* prefix = v4 ? "" : "inet6:";
    const char* reject =
        v4 ? "icmp-port-unreachable" : "icmp6-port-unreachable";
    std::vector<std::string> lines =
        TextOf(WithDefaultDeny(), family, "KUBE-NWPLCY-TAIL");
    if (family == Family::kIPv6) {
      ASSERT_THAT(lines, SizeIs(9));
      for (int type : {133, 134, 135, 136}) {
        EXPECT_EQ(lines.front(),
                  absl::StrCat("-p ipv6-icmp -m icmp6 --icmpv6-type ", type,
                               " -m comment --comment \"allow neighbor "
                               "discovery\" -j RETURN"));
        lines.erase(lines.begin());
      }
    }
    const auto rule = [&](absl::string_view comment, absl::string_view side,
                          bool gated) {
      return absl::StrCat(
          "-m set --match-set ", prefix, "kube-router-pod-cidrs ", side,
          gated ? absl::StrCat(" -m set ! --match-set ", prefix,
                               "kube-router-local-pods ", side)
                : "",
          " -m conntrack ! --ctstate RELATED,ESTABLISHED -m addrtype ! --",
          side, "-type ", OwnType(family), " -m comment --comment \"", comment,
          "\" -j REJECT --reject-with ", reject);
    };
    const std::string unprogrammed =
        "reject unprogrammed local pod (default-deny)";
    const std::string early = "reject pre-netpol (default-deny)";
    EXPECT_THAT(
        lines,
        ElementsAre(rule(unprogrammed, "src", true),
                    rule(unprogrammed, "dst", true),
                    "-m mark --mark 0x20000/0x20000 -m comment --comment "
                    "\"accept netpol-ok\" -j ACCEPT",
                    rule(early, "src", false), rule(early, "dst", false)));
  }
}

TEST(LayoutTest, WithoutTheDefaultDenyNothingOfItIsThere) {
  for (Family family : kFamilies) {
    EXPECT_THAT(TextOf(WithRanges(), family, "KUBE-NWPLCY-TAIL"), SizeIs(1));
    for (const Chain& chain : FixedChains(WithRanges(), family)) {
      for (const Rule& rule : chain.rules)
        EXPECT_THAT(rule.ToString(family),
                    testing::Not(HasSubstr("pod-cidrs")));
    }
  }
}

TEST(LayoutTest, TheDefaultDenyComesBeforeTheExemptionsThatAreForPods) {
  const std::vector<std::string> input =
      TextOf(WithDefaultDeny(), Family::kIPv4, "KUBE-ROUTER-INPUT");
  ASSERT_GE(input.size(), 3u);
  EXPECT_THAT(input[0], HasSubstr("clear marks of others"));
  EXPECT_EQ(input[1],
            "-m set --match-set kube-router-pod-cidrs src -m set ! "
            "--match-set kube-router-local-pods src -m comment --comment "
            "\"from unprogrammed local pods\" -j KUBE-NWPLCY-TAIL");
  EXPECT_THAT(input[2], HasSubstr("cluster IP range"));
  for (size_t i = 3; i < input.size(); ++i)
    EXPECT_THAT(input[i], testing::Not(HasSubstr("clear marks")));
}

TEST(LayoutTest, TheNodeReachesItsPodCidrsWhateverIsKnownOfThem) {
  const std::vector<std::string> output =
      TextOf(WithDefaultDeny(), Family::kIPv4, "KUBE-ROUTER-OUTPUT");
  ASSERT_THAT(output, SizeIs(7));
  EXPECT_EQ(output[4],
            "-m set --match-set kube-router-pod-cidrs dst -m addrtype "
            "--src-type LOCAL -m comment --comment \"from local node\" -j "
            "RETURN");
  EXPECT_THAT(output[5], HasSubstr("-j KUBE-NWPLCY-TAIL"));
}

// ---- Marks.

TEST(LayoutTest, OtherMarkBitsAreNeverTouched) {
  LayoutOptions options = WithRanges();
  options.allowed_mark = 0x4;
  options.passed_mark = 0x100;
  const uint32_t ours = 0x104;
  int marks = 0;
  std::vector<Rule> rules = RootChainHead(options);
  for (Family family : kFamilies) {
    for (const Chain& chain : FixedChains(options, family))
      rules.insert(rules.end(), chain.rules.begin(), chain.rules.end());
  }
  for (const Rule& rule : rules) {
    if (const auto* set = absl::get_if<SetMarkAction>(&rule.action)) {
      ++marks;
      EXPECT_EQ(set->mask & ~ours, 0u) << rule;
      EXPECT_EQ(set->value & ~set->mask, 0u) << rule;
    }
    for (const Match& match : rule.matches) {
      if (const auto* mark = absl::get_if<MarkMatch>(&match)) {
        EXPECT_EQ(mark->mask & ~ours, 0u) << rule;
      }
    }
  }
  EXPECT_GE(marks, 3);
  EXPECT_EQ(AllowedMark(options), (MarkMatch{0x4, 0x4}));
}

TEST(LayoutTest,
     WhatReturnsFromTheDispatchHasPassedAndIsNotYetAllowedElsewhere) {
  const std::vector<Rule> head = RootChainHead({});
  ASSERT_THAT(head, SizeIs(2));
  ASSERT_NE(TargetChain(head[0]), nullptr);
  EXPECT_EQ(*TargetChain(head[0]), CommonChain());
  EXPECT_EQ(head[1].ToString(Family::kIPv4),
            "-m comment --comment \"set netpol-ok mark\" -j MARK --set-xmark "
            "0x20000/0x30000");
}

// ---- Names.

TEST(LayoutTest, NamesTellEverythingApart) {
  const std::vector<ObjectKey> keys = {{"a", "bc"}, {"ab", "c"}, {"bc", "a"}};
  std::set<ChainName> names = {CommonChain(), AllowChain(), TailChain(),
                               EstablishedChain(), FromNodeChain()};
  size_t count = names.size();
  for (Direction direction : kDirections) {
    names.insert(RootChain(direction));
    names.insert(DispatchChain(direction, Net("10.0.0.0/8")));
    names.insert(DispatchChain(direction, Net("10.0.0.0/12")));
    names.insert(DispatchChain(direction, Net("fd00::/8")));
    count += 4;
    for (Family family : kFamilies) {
      for (const ObjectKey& key : keys) {
        names.insert(PodChain(key, direction, family));
        names.insert(PolicyChain(key, direction, family));
        names.insert(GroupChain({key}, direction, family));
        count += 3;
      }
      names.insert(GroupChain({keys[0], keys[1]}, direction, family));
      names.insert(GroupChain(keys, direction, family));
      count += 2;
    }
  }
  EXPECT_EQ(names.size(), count);
  for (const ChainName& name : names) {
    EXPECT_TRUE(ChainName::IsOurs(name.value())) << name;
    EXPECT_LE(name.value().size(), ChainName::kMaxLength);
  }
}

TEST(LayoutTest, LocalPodsSetIsKubeRouters) {
  EXPECT_EQ(LocalPodsSet(Family::kIPv4).value(), "kube-router-local-pods");
  EXPECT_EQ(LocalPodsSet(Family::kIPv6).value(),
            "inet6:kube-router-local-pods");
}

TEST(LayoutTest, CommentsFitIntoTheKernel) {
  LayoutOptions options = WithRanges();
  options.external_ip_ranges = {
      Net("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff/128")};
  options.load_balancer_ip_ranges = options.external_ip_ranges;
  for (const Chain& chain : FixedChains(options, Family::kIPv6)) {
    for (const Rule& rule : chain.rules)
      EXPECT_LE(rule.comment.size(), Rule::kMaxComment) << rule;
  }
}

}  // namespace
}  // namespace netpol
