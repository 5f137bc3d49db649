#include "netpol/dataplane/nft/nft_filter_table.h"

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/dataplane/nft/nft_table_fixture.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST_P(NftFilterTableTest, EmptyKernelHasNothingOfOursAndGetsNothing) {
  const ObservedTable table = Read();
  EXPECT_THAT(table.chains, IsEmpty());
  EXPECT_FALSE(table.hooks_in_place);
  EXPECT_EQ(table.hooks_found, 0);
  EXPECT_THAT(table.rules_before_hook, ElementsAre(-1, -1, -1));
  EXPECT_TRUE(Commit({}, {a_}, HookChange::kRemove).ok());
  EXPECT_EQ(table_.commits(), 0u);
  EXPECT_EQ(Nft("list ruleset"), "");
}

TEST_P(NftFilterTableTest, ReadsBackEveryKindOfRuleAsIptablesShowsIt) {
  const SetName addresses(family(), "KUBE-SRC-A");
  const SetName services(family(), "KUBE-DST-B");
  const std::string inet = family() == Family::kIPv4 ? "inet" : "inet6";
  Run(absl::StrCat("ipset create ", addresses.value(), " hash:ip family ",
                   inet));
  Run(absl::StrCat("ipset create ", services.value(), " hash:ip,port family ",
                   inet));
  std::vector<Rule> rules = RulesWithoutNames(family());
  for (const Rule& rule : RulesWithSets(addresses, services))
    rules.push_back(rule);
  rules.push_back(Jump(b_));
  rules.push_back(PlainRule("go", GotoAction{b_}));
  const absl::Status status = Commit({{a_, rules}, {b_, {}}});
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(Read().chains[a_], ElementsAreArray(rules));
  std::vector<std::string> texts;
  for (const Rule& rule : rules) texts.push_back(rule.ToString(family()));
  EXPECT_THAT(SavedRules(a_.value()), ElementsAreArray(texts));
  // Another one that knows nothing finds nothing to do.
  NftFilterTable other(family());
  EXPECT_TRUE(other.Commit({family(), {{a_, rules}, {b_, {}}}}).ok());
  EXPECT_EQ(other.commits(), 0u);
}

TEST_P(NftFilterTableTest, ChainsMayReferToOneAnotherInAnyOrder) {
  ASSERT_TRUE(Commit({{a_, {Jump(b_)}}, {b_, {Return("b")}}}).ok());
  EXPECT_THAT(Read().chains,
              ElementsAre(std::make_pair(a_, std::vector<Rule>{Jump(b_)}),
                          std::make_pair(b_, std::vector<Rule>{Return("b")})));
}

TEST_P(NftFilterTableTest, APrefixOfAllAddressesIsNoCondition) {
  Rule rule = Return("all");
  rule.source =
      *IpPrefix::Parse(family() == Family::kIPv4 ? "0.0.0.0/0" : "::/0");
  ASSERT_TRUE(Commit({{a_, {rule}}}).ok());
  EXPECT_EQ(Read().chains[a_], std::vector<Rule>{Return("all")});
  ASSERT_TRUE(Commit({{a_, {rule}}}).ok());
  EXPECT_EQ(table_.commits(), 1u);
}

TEST_P(NftFilterTableTest, SameChangeAgainWritesNothing) {
  const std::vector<Chain> chains = HookChains({Return("x"), Return("y")});
  ASSERT_TRUE(Commit(chains, {}, HookChange::kEnsure).ok());
  EXPECT_EQ(table_.commits(), 1u);
  EXPECT_TRUE(Commit(chains, {a_}, HookChange::kEnsure).ok());
  EXPECT_EQ(table_.commits(), 1u);
  Read();
  EXPECT_TRUE(Commit(chains, {a_}, HookChange::kEnsure).ok());
  NftFilterTable other(family());
  EXPECT_TRUE(other.Commit({family(), chains, {a_}, HookChange::kEnsure}).ok());
  EXPECT_EQ(table_.commits(), 1u);
  EXPECT_EQ(other.commits(), 0u);
}

TEST_P(NftFilterTableTest, ChainsThatAreTheSameKeepTheirCounters) {
  std::vector<Chain> chains =
      HookChains({PlainRule("count", SetMarkAction{1, 1})});
  chains.push_back({a_, {Return("a")}});
  ASSERT_TRUE(Commit(chains, {}, HookChange::kEnsure).ok());
  SendOverLoopback(7000, 5);
  ASSERT_EQ(PacketsOf("KUBE-ROUTER-INPUT", 1), 5);
  chains.back().rules.push_back(Return("b"));
  NftFilterTable other(family());
  ASSERT_TRUE(other.Commit({family(), chains, {}, HookChange::kEnsure}).ok());
  EXPECT_EQ(other.commits(), 1u);
  EXPECT_EQ(PacketsOf("KUBE-ROUTER-INPUT", 1), 5);
  EXPECT_EQ(PacketsOf("INPUT", 1), 5);
  EXPECT_THAT(SavedRules(a_.value()), SizeIs(2));
}

TEST_P(NftFilterTableTest, ForeignRulesAndCountersStayAsTheyAre) {
  AddForeignRules();
  SendOverLoopback(7001, 4);
  const std::vector<std::string> before = RulesetOfOthers();
  ASSERT_EQ(PacketsOf("OTHER", 2), 4);

  absl::Status status =
      Commit(HookChains({Return("x")}), {}, HookChange::kEnsure);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(RulesetOfOthers(), before);
  EXPECT_TRUE(Read().hooks_in_place);
  ASSERT_EQ(Commit(HookChains({Jump(a_)})).code(),
            absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(Commit({{a_, {Return("a")}}}).ok());
  ASSERT_TRUE(Commit(HookChains({Jump(a_)})).ok());
  EXPECT_EQ(RulesetOfOthers(), before);
  std::vector<ChainName> all = HookChainNames();
  all.push_back(a_);
  ASSERT_TRUE(Commit({}, all, HookChange::kRemove).ok());
  EXPECT_EQ(RulesetOfOthers(), before);
  EXPECT_THAT(Read().chains, IsEmpty());
  EXPECT_EQ(Read().hooks_found, 0);
}

TEST_P(NftFilterTableTest, RemovedChainsMayReferToOneAnother) {
  ASSERT_TRUE(Commit({{a_, {Jump(b_)}}, {b_, {}}}).ok());
  ASSERT_TRUE(Commit({}, {b_, a_, ChainName("KUBE-NWPLCY-NEVER")}).ok());
  EXPECT_THAT(Read().chains, IsEmpty());
  EXPECT_EQ(table_.commits(), 2u);
}

TEST_P(NftFilterTableTest, WritesAndRemovesInOneTransaction) {
  ASSERT_TRUE(Commit({{a_, {Jump(b_)}}, {b_, {}}}).ok());
  const ChainName c("KUBE-NWPLCY-C");
  ASSERT_TRUE(Commit({{a_, {Jump(c)}}, {c, {}}}, {b_}).ok());
  EXPECT_EQ(table_.commits(), 2u);
  const ObservedTable table = Read();
  EXPECT_THAT(table.chains, SizeIs(2));
  EXPECT_EQ(table.chains.at(a_), std::vector<Rule>{Jump(c)});
}

TEST_P(NftFilterTableTest, AChainThatOthersLeadToIsEmptiedAndKept) {
  ASSERT_TRUE(Commit({{a_, {Return("a")}}, {b_, {}}}).ok());
  Iptables("-N OTHER");
  Iptables("-A OTHER -p tcp -j KUBE-NWPLCY-A");
  const std::vector<std::string> others = SavedRules("OTHER");
  ASSERT_TRUE(Commit({{b_, {Return("b")}}}, {a_}).ok());
  EXPECT_THAT(SavedRules(b_.value()),
              ElementsAre(Return("b").ToString(family())));
  ASSERT_THAT(Read().chains, SizeIs(2));
  EXPECT_THAT(Read().chains.at(a_), IsEmpty());
  ASSERT_THAT(table_.kept_chains(), SizeIs(1));
  EXPECT_EQ(table_.kept_chains()[0].chain, a_);
  EXPECT_EQ(table_.kept_chains()[0].referrer, "OTHER");
  EXPECT_EQ(SavedRules("OTHER"), others);
  // Nothing more can be done, so nothing is written.
  const uint64_t commits = table_.commits();
  ASSERT_TRUE(Commit({}, {a_}).ok());
  EXPECT_EQ(table_.commits(), commits);
  EXPECT_THAT(table_.kept_chains(), SizeIs(1));
  Iptables("-F OTHER");
  ASSERT_TRUE(Commit({}, {a_}).ok());
  EXPECT_THAT(table_.kept_chains(), IsEmpty());
  EXPECT_FALSE(Read().chains.contains(a_));
}

TEST_P(NftFilterTableTest, AReferenceByOurOwnForbidsRemovalAndAppliesNothing) {
  ASSERT_TRUE(Commit({{a_, {Return("a")}}, {b_, {Jump(a_)}}}).ok());
  for (const std::vector<Chain>& write :
       {std::vector<Chain>(), HookChains({Return("x")})}) {
    const absl::Status status = Commit(write, {a_});
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(a_.value()));
    EXPECT_THAT(std::string(status.message()), HasSubstr(b_.value()));
    EXPECT_THAT(SavedRules(a_.value()),
                ElementsAre(Return("a").ToString(family())));
    EXPECT_THAT(Read().chains, SizeIs(2));
  }
  EXPECT_EQ(Commit({{b_, {Return("b"), Jump(a_)}}}, {a_}).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_P(NftFilterTableTest, AJumpToNowhereAppliesNothing) {
  const absl::Status status = Commit({{a_, {Jump(b_)}}});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("KUBE-NWPLCY-B"));
  Iptables("-A INPUT -j ACCEPT");
  EXPECT_EQ(Commit({{a_, {Jump(ChainName("INPUT"))}}}).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Read().chains, IsEmpty());
}

TEST_P(NftFilterTableTest, ALoopIsRefusedAndNamed) {
  const absl::Status status =
      Commit({{a_, {Return("x"), Jump(b_)}}, {b_, {Jump(a_)}}});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("loop"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("KUBE-NWPLCY-A"));
  EXPECT_THAT(Read().chains, IsEmpty());
  // One that only the kernel can see.
  std::vector<Chain> chains = HookChains({Jump(a_)});
  chains.push_back({a_, {Jump(b_)}});
  chains.push_back({b_, {}});
  ASSERT_TRUE(Commit(chains, {}, HookChange::kEnsure).ok());
  const absl::Status seen = Commit({{b_, {Jump(a_)}}});
  EXPECT_EQ(seen.code(), absl::StatusCode::kFailedPrecondition) << seen;
  EXPECT_THAT(std::string(seen.message()), HasSubstr("loop"));
  EXPECT_THAT(Read().chains[b_], IsEmpty());
}

TEST_P(NftFilterTableTest, WhatIsWrongWithAChangeIsSaidBeforeAnythingRuns) {
  setenv("PATH", "/nowhere", 1);
  EXPECT_EQ(Commit({{ChainName("INPUT"), {}}}).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Commit({}, {ChainName("OTHER")}).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Commit({{a_, {}}}, {a_}).code(),
            absl::StatusCode::kInvalidArgument);
  Rule ports = Return("x");
  ports.matches = {PortsMatch{{{80, 80}}}};
  Rule foreign = Return("x");
  foreign.foreign = "something";
  Rule limit = Return("x");
  limit.matches = {LimitMatch{0, 1}};
  for (const Rule& rule :
       {ports, foreign, limit, Return("two\nlines"),
        Return(std::string(300, 'x')), PlainRule("", LogAction{1, "a\nb"})}) {
    const absl::Status status = Commit({{a_, {rule}}});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(a_.value()));
  }
  EXPECT_EQ(
      table_
          .Commit({family() == Family::kIPv4 ? Family::kIPv6 : Family::kIPv4,
                   {{a_, {}}}})
          .code(),
      absl::StatusCode::kInvalidArgument);
}

TEST_P(NftFilterTableTest, AMissingSetIsNamedAndNothingIsApplied) {
  Rule rule = Return("x");
  rule.matches = {SetMatch{SetName(family(), "KUBE-SRC-NONE")}};
  const absl::Status status = Commit({{b_, {Return("b")}}, {a_, {rule}}});
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("KUBE-SRC-NONE"));
  EXPECT_THAT(Read().chains, IsEmpty());
}

TEST_P(NftFilterTableTest, AForeignRuleInOurChainIsReplaced) {
  ASSERT_TRUE(Commit({{a_, {Return("a")}}}).ok());
  Iptables("-I KUBE-NWPLCY-A -m owner --uid-owner 0 -j ACCEPT");
  EXPECT_EQ(Read().chains[a_][0].foreign, "match owner");
  ASSERT_TRUE(Commit({{a_, {Return("a")}}}).ok());
  EXPECT_EQ(Read().chains[a_], std::vector<Rule>{Return("a")});
}

// Nothing is read between the other's change and the commit.
TEST_P(NftFilterTableTest, WhatOthersChangedInAChainIsWrittenOver) {
  const std::vector<Chain> chains = {{a_, {Return("a")}}, {b_, {Return("b")}}};
  ASSERT_TRUE(Commit(chains).ok());
  Iptables("-I KUBE-NWPLCY-A -j ACCEPT");
  ASSERT_TRUE(Commit(chains).ok());
  EXPECT_THAT(SavedRules(a_.value()), SizeIs(1));
  Iptables("-F KUBE-NWPLCY-B");
  Iptables("-X KUBE-NWPLCY-B");
  ASSERT_TRUE(Commit(chains).ok());
  EXPECT_THAT(SavedRules(b_.value()), SizeIs(1));
  Nft("delete table FAMILY filter");
  ASSERT_TRUE(Commit(chains).ok());
  EXPECT_THAT(SavedRules(a_.value()), SizeIs(1));
  EXPECT_EQ(table_.commits(), 4u);
}

TEST_P(NftFilterTableTest, AChainOfRulesThatOnlyNftKnowsIsForeign) {
  ASSERT_TRUE(Commit({{a_, {Return("a")}}, {b_, {Return("b")}}}).ok());
  Nft("add rule FAMILY filter KUBE-NWPLCY-A ct state established accept");
  const ObservedTable table = Read();
  ASSERT_THAT(table.chains.at(a_), SizeIs(1));
  EXPECT_THAT(table.chains.at(a_)[0].foreign, HasSubstr("nft"));
  EXPECT_EQ(table.chains.at(b_), std::vector<Rule>{Return("b")});
  ASSERT_TRUE(Commit({{a_, {Return("a")}}}).ok());
  EXPECT_EQ(Read().chains[a_], std::vector<Rule>{Return("a")});
}

TEST_P(NftFilterTableTest, GarbageInTheTableIsNoObstacle) {
  ASSERT_TRUE(Commit({{a_, {Return("a")}}}).ok());
  Nft("add chain FAMILY filter KUBE-NWPLCY-A-NAME-LONGER-THAN-ANY-OF-OURS");
  Nft("add chain FAMILY filter KUBE-NWPLCY-BASE '{ type filter hook input "
      "priority 5; }'");
  Nft("add rule FAMILY filter KUBE-NWPLCY-A counter comment '\"native\"'");
  Iptables("-A KUBE-NWPLCY-A -m comment --comment '-j \"KUBE\" \\ x'");
  const ObservedTable table = Read();
  EXPECT_THAT(table.chains, SizeIs(1));
  EXPECT_THAT(table.chains.at(a_), SizeIs(3));
  EXPECT_EQ(table.chains.at(a_)[2].foreign, "no target");
  EXPECT_EQ(table.chains.at(a_)[2].comment, "-j \"KUBE\" \\ x");
  ASSERT_TRUE(Commit({{a_, {Return("b")}}}).ok());
  EXPECT_EQ(Read().chains[a_], std::vector<Rule>{Return("b")});
}

TEST_P(NftFilterTableTest, WithoutTheProgramSaysWhatToInstall) {
  ASSERT_TRUE(Commit(HookChains({Return("x")}), {}, HookChange::kEnsure).ok());
  // Nothing but an empty folder hides the system's own.
  const std::string folder = absl::StrCat(testing::TempDir(), "/no-programs");
  Run(absl::StrCat("mkdir -p ", folder));
  const auto check = [&] {
    if (unshare(CLONE_NEWNS) != 0) _exit(2);
    Run("mount --make-rprivate /");
    setenv("PATH", folder.c_str(), 1);
    for (const char* system : {"/usr/sbin", "/usr/local/sbin"}) {
      if (mount(folder.c_str(), system, "", MS_BIND, nullptr) != 0) _exit(3);
    }
    const absl::Status status = Commit({{a_, {Return("a")}}});
    fprintf(stderr, "%s\n", status.ToString().c_str());
    if (status.code() != absl::StatusCode::kUnimplemented) _exit(4);
    // What only removes needs none.
    const absl::Status removed =
        Commit({}, HookChainNames(), HookChange::kRemove);
    _exit(removed.ok() ? 0 : 5);
  };
  EXPECT_EXIT(check(), testing::ExitedWithCode(0),
              "tables-nft-restore.*package iptables.*backend=legacy");
}

TEST_P(NftFilterTableTest, WithoutRightsSaysWhichAreMissing) {
  const auto check = [&] {
    if (setuid(65534) != 0) _exit(2);
    const absl::Status status = table_.Read().status();
    _exit(status.code() == absl::StatusCode::kPermissionDenied ? 0 : 1);
  };
  EXPECT_EXIT(check(), testing::ExitedWithCode(0), "");
}

TEST_P(NftFilterTableTest, ManyChainsAreWrittenEditedAndRemoved) {
  constexpr int kChains = 2000;
  std::vector<Chain> chains = HookChains();
  for (int i = 0; i < kChains; ++i) {
    const ChainName name(absl::StrCat("KUBE-NWPLCY-", i));
    chains.push_back({name, {Return(absl::StrCat("in ", i)), Return("x")}});
    chains[1].rules.push_back(Jump(name));
  }
  ASSERT_TRUE(Commit(chains, {}, HookChange::kEnsure).ok());
  EXPECT_FALSE(MayHaveChanged()) << "though it was so much";
  ObservedTable table = Read();
  ASSERT_EQ(table.chains.size(), chains.size());
  for (const Chain& chain : chains)
    ASSERT_EQ(table.chains[chain.name], chain.rules);
  ASSERT_TRUE(Commit({{chains.back().name, {Return("only")}}}).ok());
  EXPECT_EQ(table_.commits(), 2u);
  std::vector<ChainName> names;
  for (const Chain& chain : chains) names.push_back(chain.name);
  ASSERT_TRUE(Commit({}, names, HookChange::kRemove).ok());
  EXPECT_EQ(table_.commits(), 3u);
  EXPECT_THAT(Read().chains, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Families, NftFilterTableTest,
                         testing::ValuesIn(kFamilies), FamilyTestName);

}  // namespace
}  // namespace netpol
