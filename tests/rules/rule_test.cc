#include "netpol/rules/rule.h"

#include <netinet/in.h>

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

std::string ActionTextOf(Action action, Family family = Family::kIPv4) {
  Rule rule;
  rule.action = std::move(action);
  return rule.ToString(family);
}

// The text of `match` in a rule of `protocol`, without the rest of the rule.
std::string MatchTextOf(Match match, uint8_t protocol = 0,
                        Family family = Family::kIPv4) {
  Rule rule;
  if (protocol != 0) rule.protocol = protocol;
  rule.matches = {std::move(match)};
  const std::string text = rule.ToString(family);
  const size_t start = protocol == 0 ? 0 : text.find(" -m ") + 1;
  return text.substr(start, text.rfind(" -j ") - start);
}

TEST(RuleTest, PartsComeInTheOrderOfIptablesSave) {
  Rule rule;
  rule.source = *IpPrefix::Parse("10.0.0.1/32");
  rule.destination = *IpPrefix::Parse("10.1.0.0/16");
  rule.protocol = IPPROTO_TCP;
  rule.comment = "default/web ingress";
  rule.matches = {SetMatch{SetName("KUBE-SRC-X")}, PortsMatch{{{80, 80}}}};
  rule.action = AcceptAction{};
  EXPECT_EQ(rule.ToString(Family::kIPv4),
            "-s 10.0.0.1/32 -d 10.1.0.0/16 -p tcp -m set --match-set "
            "KUBE-SRC-X src -m tcp --dport 80 -m comment --comment "
            "\"default/web ingress\" -j ACCEPT");
}

// To the kernel it is a match too, called for what the others let pass.
TEST(RuleTest, CommentIsTheLastMatch) {
  Rule rule;
  rule.protocol = IPPROTO_TCP;
  rule.comment = "x";
  EXPECT_EQ(rule.ToString(Family::kIPv4),
            "-p tcp -m comment --comment x -j RETURN");
  rule.matches = {PortsMatch{{{80, 80}}}, MarkMatch{1, 1}};
  EXPECT_EQ(rule.ToString(Family::kIPv4),
            "-p tcp -m tcp --dport 80 -m mark --mark 0x1/0x1 -m comment "
            "--comment x -j RETURN");
  rule.comment.clear();
  EXPECT_EQ(rule.ToString(Family::kIPv4),
            "-p tcp -m tcp --dport 80 -m mark --mark 0x1/0x1 -j RETURN");
}

TEST(RuleTest, ActionsHaveTheirText) {
  const ChainName chain("KUBE-POD-FW-A");
  EXPECT_EQ(ActionTextOf(ReturnAction{}), "-j RETURN");
  EXPECT_EQ(ActionTextOf(AcceptAction{}), "-j ACCEPT");
  EXPECT_EQ(ActionTextOf(DropAction{}), "-j DROP");
  EXPECT_EQ(ActionTextOf(RejectAction{}),
            "-j REJECT --reject-with icmp-port-unreachable");
  EXPECT_EQ(ActionTextOf(RejectAction{}, Family::kIPv6),
            "-j REJECT --reject-with icmp6-port-unreachable");
  EXPECT_EQ(ActionTextOf(JumpAction{chain}), "-j KUBE-POD-FW-A");
  EXPECT_EQ(ActionTextOf(GotoAction{chain}), "-g KUBE-POD-FW-A");
  EXPECT_EQ(ActionTextOf(SetMarkAction{0x10000, 0x30000}),
            "-j MARK --set-xmark 0x10000/0x30000");
  EXPECT_EQ(ActionTextOf(LogAction{100, "drop \"x\""}),
            "-j NFLOG --nflog-prefix \"drop \\\"x\\\"\" --nflog-group 100");
  EXPECT_EQ(ActionTextOf(LogAction{100, ""}), "-j NFLOG --nflog-group 100");
}

TEST(RuleTest, MatchesHaveTheirText) {
  const SetName set("KUBE-DST-X");
  EXPECT_EQ(MatchTextOf(SetMatch{set, Side::kDestination, 2}),
            "-m set --match-set KUBE-DST-X dst,dst");
  EXPECT_EQ(MatchTextOf(SetMatch{set, Side::kSource, 1, /*negated=*/true}),
            "-m set ! --match-set KUBE-DST-X src");
  EXPECT_EQ(MatchTextOf(CtStateMatch{CtStateMatch::kEstablished |
                                     CtStateMatch::kRelated}),
            "-m conntrack --ctstate RELATED,ESTABLISHED");
  EXPECT_EQ(MatchTextOf(CtStateMatch{CtStateMatch::kInvalid, /*negated=*/true}),
            "-m conntrack ! --ctstate INVALID");
  EXPECT_EQ(MatchTextOf(LocalAddressMatch{Side::kDestination}),
            "-m addrtype --dst-type LOCAL");
  EXPECT_EQ(MatchTextOf(LocalAddressMatch{Side::kSource, /*negated=*/true}),
            "-m addrtype ! --src-type LOCAL");
  EXPECT_EQ(MatchTextOf(LocalAddressMatch{Side::kSource, /*negated=*/false,
                                          /*anycast=*/true}),
            "-m addrtype --src-type LOCAL,ANYCAST");
  EXPECT_EQ(MatchTextOf(MarkMatch{0x1, 0x3, /*negated=*/true}),
            "-m mark ! --mark 0x1/0x3");
  EXPECT_EQ(MatchTextOf(LimitMatch{10, 10}),
            "-m limit --limit 10/min --limit-burst 10");
  EXPECT_EQ(MatchTextOf(IcmpTypeMatch{8}, IPPROTO_ICMP),
            "-m icmp --icmp-type 8");
  EXPECT_EQ(MatchTextOf(IcmpTypeMatch{128}, IPPROTO_ICMPV6, Family::kIPv6),
            "-m icmp6 --icmpv6-type 128");
}

TEST(RuleTest, OneRangeOfTcpOrUdpIsNotMultiport) {
  EXPECT_EQ(MatchTextOf(PortsMatch{{{80, 90}}}, IPPROTO_UDP),
            "-m udp --dport 80:90");
  EXPECT_EQ(MatchTextOf(PortsMatch{{{80, 80}}}, IPPROTO_SCTP),
            "-m multiport --dports 80");
  EXPECT_EQ(MatchTextOf(PortsMatch{{{80, 80}, {90, 99}}}, IPPROTO_TCP),
            "-m multiport --dports 80,90:99");
}

TEST(RuleTest, EveryPartCountsForEquality) {
  Rule rule;
  rule.matches = {MarkMatch{1, 1}};
  EXPECT_EQ(rule, Rule(rule));
  Rule other = rule;
  other.comment = "x";
  EXPECT_NE(rule, other);
  other = rule;
  other.protocol = IPPROTO_TCP;
  EXPECT_NE(rule, other);
  other = rule;
  other.matches = {MarkMatch{1, 1, /*negated=*/true}};
  EXPECT_NE(rule, other);
  other = rule;
  other.action = DropAction{};
  EXPECT_NE(rule, other);
}

TEST(RuleTest, ForeignRuleEqualsNoneNotEvenItself) {
  Rule rule;
  rule.foreign = "-m time";
  EXPECT_NE(rule, rule);
  EXPECT_EQ(rule.ToString(Family::kIPv4), "[-m time] -j RETURN");
}

TEST(TargetChainTest, JumpAndGotoHaveOne) {
  Rule rule;
  EXPECT_EQ(TargetChain(rule), nullptr);
  rule.action = JumpAction{ChainName("KUBE-POD-FW-A")};
  ASSERT_NE(TargetChain(rule), nullptr);
  EXPECT_EQ(TargetChain(rule)->value(), "KUBE-POD-FW-A");
  rule.action = GotoAction{ChainName("KUBE-POD-FW-B")};
  ASSERT_NE(TargetChain(rule), nullptr);
  EXPECT_EQ(TargetChain(rule)->value(), "KUBE-POD-FW-B");
}

TEST(MakeCommentTest, TagFollowsTheText) {
  EXPECT_EQ(MakeComment("default/web", "ingress pods"),
            "default/web ingress pods");
  EXPECT_EQ(MakeComment("default/web", ""), "default/web");
}

TEST(MakeCommentTest, ControlCharactersGo) {
  EXPECT_EQ(MakeComment("a\nb\tc\x7f\x01", ""), "abc");
}

TEST(MakeCommentTest, TagSurvivesTheCut) {
  const std::string comment = MakeComment(std::string(300, 'x'), "egress pods");
  EXPECT_EQ(comment.size(), Rule::kMaxComment);
  EXPECT_TRUE(absl::EndsWith(comment, "x egress pods"));
  EXPECT_EQ(MakeComment(std::string(300, 'x'), "").size(), Rule::kMaxComment);
}

TEST(MakeCommentTest, LongNamesThatBeginAlikeStayApart) {
  const std::string longest =
      std::string(63, 'n') + "/" + std::string(251, 'p');
  EXPECT_NE(MakeComment(longest + "-1", "policy"),
            MakeComment(longest + "-2", "policy"));
  EXPECT_TRUE(absl::StartsWith(MakeComment(longest, "policy"),
                               std::string(63, 'n') + "/p"));
}

TEST(FitTextTest, WhatFitsIsLeftAlone) {
  EXPECT_EQ(FitText("default/web", 11), "default/web");
  EXPECT_EQ(FitText("", 3), "");
}

TEST(FitTextTest, HeadAndTailOfWhatDoesNotFitStay) {
  EXPECT_EQ(FitText("0123456789", 9), "012...789");
  EXPECT_EQ(FitText("0123456789", 8), "012...89");
  EXPECT_EQ(FitText("0123456789", 3), "...");
}

TEST(FitTextTest, CutsAreAtCharacterBoundaries) {
  std::string text;  // of two bytes each
  for (int i = 0; i < 100; ++i) text += "\xc3\xa4";
  for (const std::string& whole : {text, "x" + text}) {
    for (size_t room = 3; room < 60; ++room) {
      const std::string fitted = FitText(whole, room);
      EXPECT_LE(fitted.size(), room);
      const size_t cut = fitted.find("...");
      ASSERT_NE(cut, std::string::npos);
      const size_t before = whole[0] == 'x' && cut > 0 ? cut - 1 : cut;
      EXPECT_EQ(before % 2, 0u) << room;
      EXPECT_EQ((fitted.size() - cut - 3) % 2, 0u) << room;
    }
  }
}

}  // namespace
}  // namespace netpol
