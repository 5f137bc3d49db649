#include "netpol/rules/rule_text.h"

#include <netinet/in.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/random.h"
#include "netpol/testing/random_cluster.h"
#include "tests/compile/compiled_node.h"
#include "tests/dataplane/legacy/rule_corpus.h"

namespace netpol {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

Rule Read(const std::string& text, Family family = Family::kIPv4) {
  const absl::StatusOr<RuleLine> line =
      ParseRuleLine(absl::StrCat("-A CHAIN ", text), family);
  EXPECT_TRUE(line.ok()) << line.status();
  if (!line.ok()) return Rule();
  EXPECT_EQ(line->chain, "CHAIN");
  return line->rule;
}

std::string ForeignOf(const std::string& text, Family family = Family::kIPv4) {
  return Read(text, family).foreign;
}

void ExpectSurvives(const Rule& rule, Family family) {
  const std::string text = rule.ToString(family);
  const Rule again = Read(text, family);
  EXPECT_EQ(again.foreign, "") << text;
  EXPECT_TRUE(again == rule) << text << "\nread as " << again.ToString(family);
}

TEST(RuleTextTest, EveryKindOfRuleSurvives) {
  for (const Family family : kFamilies) {
    std::vector<Rule> rules = RulesWithoutNames(family);
    for (const Rule& rule :
         RulesWithSets(SetName(family, "KUBE-SRC-A"), SetName("KUBE-DST-B")))
      rules.push_back(rule);
    rules.push_back(PlainRule("", JumpAction{ChainName("KUBE-NWPLCY-A")}));
    rules.push_back(PlainRule("c", GotoAction{ChainName("KUBE-NWPLCY-A")}));
    EXPECT_GT(rules.size(), 100u);
    for (const Rule& rule : rules) ExpectSurvives(rule, family);
  }
}

TEST(RuleTextTest, EveryByteOfACommentSurvives) {
  for (int c = 1; c < 256; ++c) {
    if (c == '\n') continue;
    ExpectSurvives(
        PlainRule(absl::StrCat("a", std::string(1, static_cast<char>(c)), "b"),
                  AcceptAction{}),
        Family::kIPv4);
  }
  for (const char* comment : {"-j", "-m", "-g", "!", "--comment", " ", "\"",
                              "\\", "a  b", "-j DROP", "# not one"})
    ExpectSurvives(PlainRule(comment, AcceptAction{}), Family::kIPv4);
}

TEST(RuleTextTest, WhatIsCompiledForRandomClustersSurvives) {
  RandomClusterOptions options;
  options.node = kNode;
  for (int i = 0; i < 12; ++i) {
    options.local_pods.push_back({absl::StrCat("10.42.0.", 20 + 17 * i),
                                  absl::StrCat("fd00:42::", 20 + 17 * i)});
  }
  int rules = 0;
  for (int seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    CompiledNode node;
    for (const v1::WatchEvent& event :
         ListingOf(RandomCluster(random, options)))
      node.Tell(event);
    node.Compile();
    for (const Family family : kFamilies) {
      for (const auto& [name, chain] : node.model().chains(family)) {
        for (const Rule& rule : chain) ExpectSurvives(rule, family);
        rules += static_cast<int>(chain.size());
      }
    }
  }
  EXPECT_GT(rules, 1000);
}

TEST(RuleTextTest, OtherSpellingsMeanTheSame) {
  const std::pair<const char*, const char*> kSame[] = {
      {"-s 10.0.0.1 -j ACCEPT", "-s 10.0.0.1/32 -j ACCEPT"},
      {"-s 0.0.0.0/0 -j ACCEPT", "-j ACCEPT"},
      {"-p 6 -j ACCEPT", "-p tcp -j ACCEPT"},
      {"-p all -j ACCEPT", "-j ACCEPT"},
      {"-p tcp -m tcp --dport 0:65535 -j ACCEPT", "-p tcp -m tcp -j ACCEPT"},
      {"-m mark --mark 65536/0x10000 -j DROP",
       "-m mark --mark 0x10000/0x10000 -j DROP"},
      {"-m mark --mark 0x1/0xffffffff -j DROP", "-m mark --mark 0x1 -j DROP"},
      {"-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
       "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"},
      {"-m limit --limit 10/minute --limit-burst 5 -j DROP",
       "-m limit --limit 10/min -j DROP"},
      {"-m comment --comment \"word\" -j DROP",
       "-m comment --comment word -j DROP"},
      {"-j NFLOG --nflog-group 7 --nflog-prefix \"x\"",
       "-j NFLOG --nflog-prefix x --nflog-group 7"},
  };
  for (const auto& [one, other] : kSame) {
    EXPECT_EQ(ForeignOf(one), "") << one;
    EXPECT_TRUE(Read(one) == Read(other)) << one;
  }
}

TEST(RuleTextTest, AForeignRuleSaysWhatWasNotUnderstoodAndKeepsItsTarget) {
  const std::pair<const char*, const char*> kForeign[] = {
      {"-m owner --uid-owner 0 -j KUBE-POD-FW-X", "match owner"},
      {"-d 10.0.0.1/32 -m physdev --physdev-is-bridged -m comment --comment "
       "\"shop/web in\" -j KUBE-POD-FW-X",
       "match physdev"},
      {"-i eth0 -j KUBE-POD-FW-X", "interface name"},
      {"! -s 10.0.0.1/32 -j KUBE-POD-FW-X", "inverted address"},
      {"-s 10.0.0.0/255.0.255.0 -j KUBE-POD-FW-X", "10.0.0.0/255.0.255.0"},
      {"-s fd00::1/128 -j KUBE-POD-FW-X", "fd00::1"},
      {"-p gre -j KUBE-POD-FW-X", "protocol gre"},
      {"-f -j KUBE-POD-FW-X", "option -f"},
      {"-p tcp -m tcp --sport 80 -j KUBE-POD-FW-X", "match tcp"},
      {"-p tcp -m tcp ! --dport 80 -j KUBE-POD-FW-X", "match tcp"},
      {"-p udp -m tcp --dport 80 -j KUBE-POD-FW-X", "match tcp"},
      {"-p tcp -m tcp --dport 80 --syn -j KUBE-POD-FW-X", "match tcp"},
      {"-p tcp -m tcp --dport 70000 -j KUBE-POD-FW-X", "match tcp"},
      {"-p tcp -m tcp --dport 9:8 -j KUBE-POD-FW-X", "match tcp"},
      {"-p tcp -m multiport --dports 80 -j KUBE-POD-FW-X", "match multiport"},
      {"-p tcp -m multiport --sports 80,81 -j KUBE-POD-FW-X",
       "match multiport"},
      {"-m set --match-set A src,dst -j KUBE-POD-FW-X", "match set"},
      {"-m set --match-set A \"\" -j KUBE-POD-FW-X", "match set"},
      {"-m set --match-set A src --return-nomatch -j KUBE-POD-FW-X",
       "match set"},
      {"-m conntrack --ctstate SNAT -j KUBE-POD-FW-X", "match conntrack"},
      {"-m conntrack --ctproto 6 -j KUBE-POD-FW-X", "match conntrack"},
      {"-m addrtype --src-type UNICAST -j KUBE-POD-FW-X", "match addrtype"},
      {"-m addrtype --src-type LOCAL --limit-iface-in -j KUBE-POD-FW-X",
       "match addrtype"},
      {"-p icmp -m icmp --icmp-type 3/4 -j KUBE-POD-FW-X", "match icmp"},
      {"-p icmp -m icmp --icmp-type any -j KUBE-POD-FW-X", "match icmp"},
      {"-m icmp --icmp-type 8 -j KUBE-POD-FW-X", "match icmp"},
      {"-m limit --limit 0/sec -j KUBE-POD-FW-X", "match limit"},
      {"-m limit --limit 3/week -j KUBE-POD-FW-X", "match limit"},
      {"-m mark --mark 0x1ffffffff -j KUBE-POD-FW-X", "match mark"},
      {"-m string --string \"-j DROP\" --algo bm -j KUBE-POD-FW-X",
       "match string"},
      {"-m mark --mark 0x1 -m comment --comment x -m limit --limit 1/sec -j "
       "KUBE-POD-FW-X",
       "match comment"},
  };
  for (const auto& [text, what] : kForeign) {
    const Rule rule = Read(text);
    EXPECT_THAT(rule.foreign, HasSubstr(what)) << text;
    ASSERT_NE(TargetChain(rule), nullptr) << text;
    EXPECT_EQ(TargetChain(rule)->value(), "KUBE-POD-FW-X") << text;
  }
}

TEST(RuleTextTest, TargetsThatWeHaveNoWordForAreForeign) {
  for (const char* text :
       {"-j LOG", "-j LOG --log-prefix odd", "-j NFQUEUE --queue-num 9",
        "-j QUEUE", "-j MARK --set-mark 1", "-j MARK --or-mark 0x1",
        "-j REJECT --reject-with tcp-reset", "-j REJECT",
        "-j NFLOG --nflog-threshold 2", "-j NFLOG --nflog-group 70000",
        "-j ACCEPT --odd", "-g LOG --odd", "", "-j", "-p tcp",
        "-j A-NAME-THAT-NO-CHAIN-MAY-HAVE"})
    EXPECT_NE(ForeignOf(text), "") << text;
  EXPECT_EQ(ForeignOf("-j REJECT --reject-with icmp6-port-unreachable",
                      Family::kIPv6),
            "");
  EXPECT_NE(ForeignOf("-j REJECT --reject-with icmp6-port-unreachable"), "");
}

// Both readers, this and that of the kernel's own form, tell the comment and
// call the rule another one.
TEST(RuleTextTest, ACommentThatIsNotLastMakesItAnotherRule) {
  const Rule rule =
      Read("-p tcp -m comment --comment \"a b\" -m tcp --dport 80 -j DROP");
  EXPECT_EQ(rule.foreign, "other options of match comment");
  EXPECT_EQ(rule.comment, "a b");
  EXPECT_EQ(rule.matches.size(), 1u);
  EXPECT_NE(ForeignOf("-m comment --comment a -m comment --comment b -j DROP"),
            "");
  EXPECT_EQ(ForeignOf("-m comment --comment alone -j DROP"), "");
}

TEST(RuleTextTest, QuotesInsideACommentAreRead) {
  const Rule rule = Read(
      "-m comment --comment \"\\\"rule to drop invalid state for pod\\\"\" -m "
      "conntrack --ctstate INVALID -j DROP");
  EXPECT_EQ(rule.comment, "\"rule to drop invalid state for pod\"");
  EXPECT_EQ(rule.foreign, "other options of match comment");
  EXPECT_EQ(rule.matches,
            std::vector<Match>{CtStateMatch{CtStateMatch::kInvalid}});
}

TEST(RuleTextTest, OlderLayoutsAreReadWithoutError) {
  const std::pair<const char*, bool> kLines[] = {
      {"-m comment --comment \"kube-router netpol - 4IA2OSFRMVNDXBVV\" -j "
       "KUBE-ROUTER-INPUT",
       true},
      {"-d 10.43.0.0/16 -m comment --comment \"allow traffic to "
       "primary/secondary cluster IP range - EKROEGTNIJ3AP3LC\" -j RETURN",
       true},
      {"-p tcp -m comment --comment \"allow LOCAL TCP traffic to node ports - "
       "LR7XO7NXDBGQJD2M\" -m addrtype --dst-type LOCAL -m multiport --dports "
       "30000:32767 -j RETURN",
       false},
      {"-m comment --comment \"rule to mark traffic matching a network "
       "policy\" -j MARK --set-xmark 0x10000/0x10000",
       true},
      {"-j MARK --set-xmark 0x0/0x10000", true},
      {"-m comment --comment \"shop/web-0 log-drop\" -m mark ! --mark "
       "0x10000/0x10000 -m limit --limit 10/min --limit-burst 10 -j NFLOG "
       "--nflog-group 100",
       false},
      {"-p tcp -m comment --comment \"shop/web-in ingress pods np\" -m set "
       "--match-set KUBE-SRC-OCLNJZ3YTXPYP73J src -m set --match-set "
       "KUBE-DST-MIVLM5EFSHQGTIOW dst -m tcp --dport 8080 -m mark --mark "
       "0x10000/0x10000 -j RETURN",
       false},
      {"-s 10.42.0.0/24 -m comment --comment \"reject unprogrammed local pod "
       "(default-deny)\" -m set ! --match-set kube-router-local-pods src -j "
       "REJECT --reject-with icmp-port-unreachable",
       false},
  };
  for (const auto& [text, ours] : kLines) {
    EXPECT_EQ(ForeignOf(text).empty(), ours) << text;
    if (ours) {
      EXPECT_EQ(Read(text).ToString(Family::kIPv4), text);
    }
  }
}

TEST(RuleTextTest, ALineThatIsNoRuleIsAnError) {
  for (const char* line :
       {"", "-A", "-N CHAIN", "-P INPUT ACCEPT", ":INPUT ACCEPT [0:0]",
        "COMMIT", "*filter", "# text", "\"-A\" CHAIN -j DROP", "-A \"\"",
        "A CHAIN -j DROP"}) {
    const absl::Status status = ParseRuleLine(line, Family::kIPv4).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << line;
    EXPECT_THAT(std::string(status.message()), HasSubstr(line));
  }
}

// Cut, doubled and stirred at random places: whatever comes out, it is read.
TEST(RuleTextTest, GarbageIsReadWithoutHarm) {
  std::vector<std::string> texts;
  for (const Rule& rule : RulesWithoutNames(Family::kIPv4))
    texts.push_back(rule.ToString(Family::kIPv4));
  for (const Rule& rule : RulesWithSets(SetName("A"), SetName("B")))
    texts.push_back(rule.ToString(Family::kIPv4));
  Random random(7);
  int read = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string line = absl::StrCat("-A C ", texts[random.Below(texts.size())]);
    for (size_t edits = random.Below(4); edits > 0 && !line.empty(); --edits) {
      const size_t at = random.Below(line.size());
      switch (random.Below(4)) {
        case 0:
          line.resize(at);
          break;
        case 1:
          line[at] = static_cast<char>(random.Below(256));
          break;
        case 2:
          line.insert(at, texts[random.Below(texts.size())]);
          break;
        default:
          line.erase(at, 1 + random.Below(6));
      }
    }
    const absl::StatusOr<RuleLine> parsed = ParseRuleLine(line, Family::kIPv4);
    if (!parsed.ok()) continue;
    ++read;
    // What is taken for one of ours has a text that means the same.
    if (parsed->rule.foreign.empty()) {
      EXPECT_TRUE(Read(parsed->rule.ToString(Family::kIPv4)) == parsed->rule)
          << line;
    }
  }
  EXPECT_GT(read, 1000);
}

}  // namespace
}  // namespace netpol
