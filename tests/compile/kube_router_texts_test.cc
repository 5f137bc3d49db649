// Comments, names and fixed rules, held to what kube-router's own tests hold
// its.
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/compile/layout.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

// ---- Comments.

TEST(KubeRouterCommentsTest, ControlCharactersAreTakenOut) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"plain", "plain"},
      {"", ""},
      {"a\nb", "ab"},
      {"a\tb", "ab"},
      {"a\rb", "ab"},
      {std::string("a\0b", 3), "ab"},
      {"a\x1b[31mb\x7f", "a[31mb"},
      {"n\xc3\xa9t", "n\xc3\xa9t"},
  };
  for (const auto& [text, clean] : cases)
    EXPECT_EQ(MakeComment(text, ""), clean);
}

TEST(KubeRouterCommentsTest, LongOnesAreCutToTheLimit) {
  EXPECT_EQ(MakeComment(std::string(100, 'x'), ""), std::string(100, 'x'));
  EXPECT_THAT(MakeComment(std::string(170, 'x'), "in"), SizeIs(120));
  // What nft takes; iptables takes twice as much.
  EXPECT_LE(Rule::kMaxComment, 128u);
}

TEST(KubeRouterCommentsTest, EveryTagOutlivesTheLongestNames) {
  const std::string ns(63, 'n');
  const std::string key = absl::StrCat(ns, "/", std::string(253, 'p'));
  for (const char* tag :
       {"ingress pods", "ingress any", "ingress cidr", "egress pods",
        "egress any", "egress cidr", "ingress pods np", "ingress any np",
        "ingress cidr np", "egress pods np", "egress any np", "egress cidr np",
        "policy", "log-drop", "reject", "in", "out"}) {
    const std::string comment = MakeComment(key, tag);
    EXPECT_LE(comment.size(), 128u) << tag;
    EXPECT_TRUE(absl::StartsWith(comment, absl::StrCat(ns, "/"))) << tag;
    EXPECT_TRUE(absl::EndsWith(comment, absl::StrCat(" ", tag))) << tag;
  }
}

// ---- Names.

// Without separators in the hash these pairs would share a chain.
TEST(KubeRouterNamesTest, NamespaceAndNameDoNotRunIntoEachOther) {
  for (Direction direction : kDirections) {
    for (Family family : kFamilies) {
      EXPECT_NE(PolicyChain({"a", "bc"}, direction, family),
                PolicyChain({"ab", "c"}, direction, family));
      EXPECT_NE(PodChain({"a", "bc"}, direction, family),
                PodChain({"ab", "c"}, direction, family));
    }
  }
}

TEST(KubeRouterNamesTest, LongestNamesFitAndAreFoundByPrefix) {
  const ObjectKey key{std::string(63, 'n'), std::string(253, 'p')};
  for (Direction direction : kDirections) {
    for (Family family : kFamilies) {
      const std::string policy = PolicyChain(key, direction, family).value();
      const std::string pod = PodChain(key, direction, family).value();
      EXPECT_TRUE(absl::StartsWith(policy, "KUBE-NWPLCY-")) << policy;
      EXPECT_TRUE(absl::StartsWith(pod, "KUBE-POD-FW-")) << pod;
      EXPECT_EQ(policy.size(), ChainName::kMaxLength);
      EXPECT_EQ(pod.size(), ChainName::kMaxLength);
    }
  }
}

// ---- ICMP.

std::vector<int> AcceptedIcmpTypes(Family family) {
  std::vector<int> types;
  for (const Chain& chain : FixedChains(LayoutOptions(), family)) {
    if (chain.name != CommonChain()) continue;
    for (const Rule& rule : chain.rules) {
      for (const Match& match : rule.matches) {
        if (const auto* icmp = absl::get_if<IcmpTypeMatch>(&match)) {
          EXPECT_TRUE(absl::holds_alternative<AcceptAction>(rule.action));
          types.push_back(icmp->type);
        }
      }
    }
  }
  return types;
}

TEST(KubeRouterIcmpTest, TypesThatAlwaysPass) {
  EXPECT_THAT(AcceptedIcmpTypes(Family::kIPv4), ElementsAre(8, 3, 11));
  EXPECT_THAT(AcceptedIcmpTypes(Family::kIPv6),
              ElementsAre(128, 1, 3, 135, 136, 129));
}

// ---- Node ports and service ranges.

std::vector<std::string> Exemptions(const LayoutOptions& options,
                                    Family family) {
  std::vector<std::string> texts;
  for (const Chain& chain : FixedChains(options, family)) {
    if (chain.name != ChainName(kInputChain)) continue;
    for (const Rule& rule : chain.rules) {
      if (absl::holds_alternative<ReturnAction>(rule.action))
        texts.push_back(rule.ToString(family));
    }
  }
  return texts;
}

TEST(KubeRouterExemptionsTest, RangesAndNodePortsReturnInOrder) {
  LayoutOptions options;
  options.cluster_ip_ranges = {*IpPrefix::Parse("10.43.0.0/16"),
                               *IpPrefix::Parse("fd00:43::/112")};
  options.external_ip_ranges = {*IpPrefix::Parse("10.44.0.0/16")};
  const std::string id = "[A-Z2-7]{16}";
  const std::string ports = "--dports? 30000:32767 ";
  EXPECT_THAT(
      Exemptions(options, Family::kIPv4),
      ElementsAre(
          testing::ContainsRegex("^-d 10.43.0.0/16 .*cluster IP range - " + id),
          testing::ContainsRegex("^-p tcp .*" + ports +
                                 ".*--dst-type LOCAL .*LOCAL TCP .* - " + id),
          testing::ContainsRegex("^-p udp .*" + ports +
                                 ".*--dst-type LOCAL .*LOCAL UDP .* - " + id),
          testing::ContainsRegex("^-p sctp .*" + ports +
                                 ".*--dst-type LOCAL .*LOCAL SCTP .* - " + id),
          testing::ContainsRegex("^-d 10.44.0.0/16 .*external IP range: "
                                 "10.44.0.0/16 - " +
                                 id)));
  EXPECT_THAT(Exemptions(options, Family::kIPv6), SizeIs(4));
}

// However the range was written, it is one range.
TEST(KubeRouterExemptionsTest, NodePortsAreNarrowedToTheirRange) {
  LayoutOptions options;
  options.node_ports = {8080, 8090};
  const std::vector<std::string> rules = Exemptions(options, Family::kIPv4);
  ASSERT_THAT(rules, SizeIs(3));
  for (const std::string& rule : rules)
    EXPECT_THAT(rule, testing::ContainsRegex("--dports? 8080:8090 "));
}

}  // namespace
}  // namespace netpol
