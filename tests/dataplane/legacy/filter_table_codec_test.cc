// Rules in a real kernel against what iptables-legacy makes of their text.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/dataplane/legacy/filter_table.h"
#include "tests/dataplane/legacy/filter_lab.h"
#include "tests/dataplane/legacy/rule_corpus.h"

namespace netpol {
namespace {

using testing::ElementsAreArray;

class FilterTableCodecTest : public FilterLabTest {
 protected:
  void SetUp() override {
    FilterLabTest::SetUp();
    if (IsSkipped()) return;
    const std::string inet = family() == Family::kIPv4 ? "inet" : "inet6";
    // So that the sets under test are not number 0.
    Run("ipset create first hash:ip");
    Run(absl::StrCat("ipset create ", addresses_.value(), " hash:ip family ",
                     inet));
    Run(absl::StrCat("ipset create ", services_.value(),
                     " hash:ip,port family ", inet));
  }

  std::vector<Rule> Corpus() {
    std::vector<Rule> rules = RulesWithoutNames(family());
    for (Rule& rule : RulesWithSets(addresses_, services_))
      rules.push_back(std::move(rule));
    rules.push_back(PlainRule("", JumpAction{target_}));
    rules.push_back(PlainRule("go", GotoAction{target_}));
    return rules;
  }

  std::vector<std::string> Texts(const std::vector<Rule>& rules) {
    std::vector<std::string> texts;
    for (const Rule& rule : rules) texts.push_back(rule.ToString(family()));
    return texts;
  }

  std::vector<Rule> ReadChain(const ChainName& chain) {
    absl::StatusOr<ObservedTable> observed = table_.Read();
    EXPECT_TRUE(observed.ok()) << observed.status();
    return observed.ok() ? observed->chains[chain] : std::vector<Rule>();
  }

  const ChainName target_{"KUBE-NWPLCY-TARGET"};
  const ChainName chain_{"KUBE-NWPLCY-CORPUS"};
  const SetName addresses_{family(), "KUBE-SRC-A"};
  const SetName services_{family(), "KUBE-DST-B"};
  FilterTable table_{family()};
};

TEST_P(FilterTableCodecTest, SaveShowsEveryRuleAsItsOwnText) {
  const std::vector<Rule> rules = Corpus();
  const absl::Status status =
      table_.Commit({family(), {{chain_, rules}, {target_, {}}}});
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(SavedRules(chain_.value()), ElementsAreArray(Texts(rules)));
}

TEST_P(FilterTableCodecTest, ReadsBackWhatItWrote) {
  const std::vector<Rule> rules = Corpus();
  const absl::Status status =
      table_.Commit({family(), {{chain_, rules}, {target_, {}}}});
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(ReadChain(chain_), ElementsAreArray(rules));
}

TEST_P(FilterTableCodecTest, ReadsWhatIptablesWroteFromTheText) {
  const std::vector<Rule> rules = Corpus();
  std::string input = absl::StrCat("*filter\n:", chain_.value(),
                                   " -\n:", target_.value(), " -\n");
  for (const std::string& text : Texts(rules))
    absl::StrAppend(&input, "-A ", chain_.value(), " ", text, "\n");
  absl::StrAppend(&input, "COMMIT\n");
  Run(absl::StrCat(family() == Family::kIPv4 ? "iptables" : "ip6tables",
                   "-legacy-restore --noflush <<'RULES'\n", input, "RULES\n#"));
  EXPECT_THAT(ReadChain(chain_), ElementsAreArray(rules));
  // Byte for byte: nothing is left to be done.
  EXPECT_TRUE(table_.Commit({family(), {{chain_, rules}, {target_, {}}}}).ok());
  EXPECT_EQ(table_.commits(), 0u);
}

TEST_P(FilterTableCodecTest, ForeignRulesAreSeenAsSuch) {
  const bool v4 = family() == Family::kIPv4;
  Iptables(absl::StrCat("-N ", chain_.value()));
  const std::string inverted = v4 ? "! -s 10.0.0.1" : "! -s fd00::1";
  const std::string reject = v4 ? "icmp-net-unreachable" : "icmp6-no-route";
  const std::vector<std::string> foreign = {
      "-m owner --uid-owner 0 -j ACCEPT",
      "-m string --algo bm --string secret -j DROP",
      "-i eth0 -j ACCEPT",
      "-o eth+ -j ACCEPT",
      inverted + " -j ACCEPT",
      "! -p tcp -j ACCEPT",
      "-p tcp -m tcp --sport 80 -j ACCEPT",
      "-p tcp -m tcp --syn -j ACCEPT",
      "-p udp -m udp ! --dport 53 -j ACCEPT",
      "-p tcp -m multiport --sports 1,2 -j ACCEPT",
      "-p tcp -m multiport ! --dports 1,2 -j ACCEPT",
      "-m state --state NEW -j ACCEPT",
      "-m conntrack --ctstate NEW --ctproto 6 -j ACCEPT",
      "-m conntrack --ctstate NEW,UNTRACKED -j ACCEPT",
      "-m addrtype --src-type MULTICAST -j ACCEPT",
      "-m addrtype ! --dst-type LOCAL --src-type LOCAL -j ACCEPT",
      "-m comment --comment early -m mark --mark 1 -j ACCEPT",
      "-m mark --mark 1 -m comment --comment amid -m conntrack --ctstate NEW "
      "-j ACCEPT",
      "-m limit --limit 13/hour -j ACCEPT",
      "-m set --match-set " + services_.value() + " src,dst -j ACCEPT",
      "-m set --match-set " + addresses_.value() +
          " src --return-nomatch -j ACCEPT",
      "-j REJECT --reject-with " + reject,
      "-p tcp -j REJECT --reject-with tcp-reset",
      "-j NFLOG --nflog-threshold 20",
      "-j NFQUEUE --queue-num 1",
      "-j LOG",
      "-m comment --comment counts-only",
  };
  for (const std::string& arguments : foreign)
    Iptables(absl::StrCat("-A ", chain_.value(), " ", arguments));
  const std::vector<Rule> rules = ReadChain(chain_);
  ASSERT_EQ(rules.size(), foreign.size());
  for (size_t i = 0; i < rules.size(); ++i)
    EXPECT_FALSE(rules[i].foreign.empty()) << foreign[i];
}

// As kube-router and older versions of this program have them: valid, but a
// call for each packet.
TEST_P(FilterTableCodecTest, ARuleWithItsCommentFirstIsWrittenAnew) {
  const std::string set =
      absl::StrCat("-m set --match-set ", addresses_.value(), " src ");
  const std::string comment = "-m comment --comment \"two words\" ";
  Iptables(absl::StrCat("-N ", chain_.value()));
  Iptables(absl::StrCat("-A ", chain_.value(), " ", comment, set, "-j ACCEPT"));
  Rule rule = PlainRule("two words", AcceptAction{});
  rule.matches = {SetMatch{addresses_}};

  const std::vector<Rule> old = ReadChain(chain_);
  ASSERT_EQ(old.size(), 1u);
  EXPECT_NE(old[0], rule);
  EXPECT_EQ(old[0].foreign, "other options of match comment");
  // What it needs is known all the same, so that the set outlives it.
  EXPECT_EQ(old[0].matches, rule.matches);

  ASSERT_TRUE(table_.Commit({family(), {{chain_, {rule}}}}).ok());
  EXPECT_EQ(table_.commits(), 1u);
  EXPECT_THAT(SavedRules(chain_.value()),
              testing::ElementsAre(absl::StrCat(set, comment, "-j ACCEPT")));
  EXPECT_THAT(ReadChain(chain_), testing::ElementsAre(rule));
}

TEST_P(FilterTableCodecTest, AMissingSetIsNamed) {
  Rule rule = PlainRule("", AcceptAction{});
  rule.matches = {SetMatch{SetName(family(), "KUBE-SRC-NONE")}};
  const absl::Status status = table_.Commit({family(), {{chain_, {rule}}}});
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("SRC-NONE"));
  EXPECT_THAT(std::string(status.message()),
              testing::HasSubstr(chain_.value()));
}

TEST_P(FilterTableCodecTest, ASetMadeAnewIsLookedUpAgain) {
  Rule rule = PlainRule("", AcceptAction{});
  rule.matches = {SetMatch{addresses_}};
  ASSERT_TRUE(table_.Commit({family(), {{chain_, {rule}}}}).ok());
  ASSERT_TRUE(table_.Commit({family(), {{chain_, {}}}}).ok());
  // The freed numbers go to the next sets, in another order.
  Run(absl::StrCat("ipset destroy first; ipset destroy ", addresses_.value()));
  Run(absl::StrCat("ipset create ", addresses_.value(), " hash:ip family ",
                   family() == Family::kIPv4 ? "inet" : "inet6",
                   "; ipset create second hash:ip"));
  ASSERT_TRUE(table_.Commit({family(), {{chain_, {rule}}}}).ok());
  EXPECT_THAT(SavedRules(chain_.value()), ElementsAreArray(Texts({rule})));
}

INSTANTIATE_TEST_SUITE_P(Families, FilterTableCodecTest,
                         testing::ValuesIn(kFamilies), FamilyTestName);

}  // namespace
}  // namespace netpol
