#include "netpol/dataplane/legacy/filter_table.h"

#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/dataplane/legacy/entry_codec.h"
#include "netpol/dataplane/legacy/extension_support.h"
#include "netpol/dataplane/legacy/xtables_lock.h"
#include "tests/dataplane/legacy/filter_lab.h"
#include "tests/dataplane/legacy/rule_corpus.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kInputHook[] =
    "-m comment --comment \"kube-router netpol - 4IA2OSFRMVNDXBVV\" -j "
    "KUBE-ROUTER-INPUT";
constexpr char kForwardHook[] =
    "-m comment --comment \"kube-router netpol - TEMCG2JMHZYE7H7T\" -j "
    "KUBE-ROUTER-FORWARD";
constexpr char kOutputHook[] =
    "-m comment --comment \"kube-router netpol - VEAAIY32XVBHCSCY\" -j "
    "KUBE-ROUTER-OUTPUT";

class FilterTableTest : public FilterLabTest {
 protected:
  absl::Status Commit(const std::vector<Chain>& write,
                      const std::vector<ChainName>& remove = {},
                      HookChange hooks = HookChange::kNone) {
    return table_.Commit({family(), write, remove, hooks});
  }
  ObservedTable Read() {
    absl::StatusOr<ObservedTable> observed = table_.Read();
    EXPECT_TRUE(observed.ok()) << observed.status();
    return observed.ok() ? *observed : ObservedTable();
  }
  // Our three hook chains, INPUT with `input`.
  static std::vector<Chain> HookChains(const std::vector<Rule>& input = {}) {
    return {{ChainName(kInputChain), input},
            {ChainName(kForwardChain), {}},
            {ChainName(kOutputChain), {}}};
  }
  static Rule Return(const std::string& comment) {
    return PlainRule(comment, ReturnAction{});
  }
  static Rule Jump(const ChainName& chain) {
    return PlainRule("", JumpAction{chain});
  }
  // Rules of other owners, some of kinds that we have no word for.
  static void AddForeignRules() {
    Iptables("-N OTHER");
    Iptables("-A OTHER -m string --algo bm --string secret -j DROP");
    Iptables("-A OTHER -p udp -m udp --dport 7001 -j RETURN");
    Iptables("-A INPUT -i eth0 -j ACCEPT");
    Iptables("-A INPUT -j OTHER");
    Iptables("-A OUTPUT -m owner --uid-owner 4711 -j LOG --log-prefix odd");
    Iptables("-A FORWARD -m limit --limit 3/sec -j NFQUEUE --queue-num 9");
    Iptables("-A FORWARD -m recent --set --name seen -j DROP");
    Iptables("-P FORWARD DROP");
  }

  const ChainName a_{"KUBE-NWPLCY-A"};
  const ChainName b_{"KUBE-NWPLCY-B"};
  FilterTable table_{family(), {absl::Seconds(20)}};
};

TEST_P(FilterTableTest, EmptyKernelHasNothingOfOurs) {
  const ObservedTable table = Read();
  EXPECT_THAT(table.chains, IsEmpty());
  EXPECT_FALSE(table.hooks_in_place);
  EXPECT_EQ(table.hooks_found, 0);
}

TEST_P(FilterTableTest, ChainsMayReferToOneAnotherInAnyOrder) {
  ASSERT_TRUE(Commit({{a_, {Jump(b_)}}, {b_, {Return("b")}}}).ok());
  EXPECT_THAT(Read().chains,
              ElementsAre(std::make_pair(a_, std::vector<Rule>{Jump(b_)}),
                          std::make_pair(b_, std::vector<Rule>{Return("b")})));
}

TEST_P(FilterTableTest, SameChangeAgainWritesNothing) {
  const std::vector<Chain> chains = HookChains({Return("x"), Return("y")});
  ASSERT_TRUE(Commit(chains, {}, HookChange::kEnsure).ok());
  EXPECT_EQ(table_.commits(), 1u);
  EXPECT_TRUE(Commit(chains, {a_}, HookChange::kEnsure).ok());
  EXPECT_EQ(table_.commits(), 1u);
}

TEST_P(FilterTableTest, UnchangedRulesKeepTheirCounters) {
  ASSERT_TRUE(Commit(HookChains({Return("1"), Return("2"), Return("3")}), {},
                     HookChange::kEnsure)
                  .ok());
  // Rules that return shadow the next: let packets pass all three.
  std::vector<Rule> rules;
  for (uint32_t i = 1; i <= 3; ++i)
    rules.push_back(PlainRule(absl::StrCat(i), SetMarkAction{i, i}));
  ASSERT_TRUE(Commit(HookChains(rules)).ok());
  SendOverLoopback(7000, 5);
  ASSERT_EQ(PacketsOf("KUBE-ROUTER-INPUT", 3), 5);

  rules.erase(rules.begin() + 1);
  rules.insert(rules.begin(), Return("new"));
  rules.push_back(Return("last"));
  rules[0].protocol = 132;  // passes nothing
  ASSERT_TRUE(Commit(HookChains(rules)).ok());
  EXPECT_EQ(PacketsOf("KUBE-ROUTER-INPUT", 1), 0);
  EXPECT_EQ(PacketsOf("KUBE-ROUTER-INPUT", 2), 5);
  EXPECT_EQ(PacketsOf("KUBE-ROUTER-INPUT", 3), 5);
  EXPECT_EQ(PacketsOf("KUBE-ROUTER-INPUT", 4), 0);
}

TEST_P(FilterTableTest, ForeignRulesAndCountersStayAsTheyAre) {
  AddForeignRules();
  SendOverLoopback(7001, 4);
  const std::vector<std::string> before = SavedOfOthers();
  ASSERT_EQ(PacketsOf("OTHER", 2), 4);

  ASSERT_TRUE(Commit(HookChains({Return("x")}), {}, HookChange::kEnsure).ok());
  EXPECT_EQ(SavedOfOthers(), before);
  ASSERT_TRUE(Commit(HookChains({Jump(a_)})).code() ==
              absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(Commit({{a_, {Return("a")}}}).ok());
  ASSERT_TRUE(Commit(HookChains({Jump(a_)})).ok());
  EXPECT_EQ(SavedOfOthers(), before);
  std::vector<ChainName> all = {a_};
  for (const Chain& chain : HookChains()) all.push_back(chain.name);
  ASSERT_TRUE(Commit({}, all, HookChange::kRemove).ok());
  EXPECT_EQ(SavedOfOthers(), before);
  EXPECT_THAT(Read().chains, IsEmpty());
}

TEST_P(FilterTableTest, EnsurePutsOneJumpFirstInEachBuiltinChain) {
  AddForeignRules();
  ASSERT_TRUE(Commit(HookChains(), {}, HookChange::kEnsure).ok());
  EXPECT_EQ(SavedRules("INPUT").front(), kInputHook);
  EXPECT_EQ(SavedRules("FORWARD").front(), kForwardHook);
  EXPECT_EQ(SavedRules("OUTPUT").front(), kOutputHook);
  const ObservedTable table = Read();
  EXPECT_TRUE(table.hooks_in_place);
  EXPECT_EQ(table.hooks_found, 3);
}

TEST_P(FilterTableTest, EnsureLeavesTheRightJumpAndItsCounters) {
  ASSERT_TRUE(Commit(HookChains()).ok());
  Iptables(absl::StrCat("-A INPUT ", kInputHook));
  SendOverLoopback(7000, 3);
  Iptables("-A INPUT -m comment --comment stray -j KUBE-ROUTER-INPUT");
  Iptables("-A INPUT -i lo -j RETURN");
  Iptables("-A INPUT -g KUBE-ROUTER-INPUT");
  ASSERT_TRUE(Commit({}, {}, HookChange::kEnsure).ok());
  EXPECT_THAT(SavedRules("INPUT"), ElementsAre(kInputHook, "-i lo -j RETURN"));
  EXPECT_EQ(PacketsOf("INPUT", 1), 3);
}

TEST_P(FilterTableTest, AJumpThatIsMovedTakesItsCountersAlong) {
  ASSERT_TRUE(Commit(HookChains()).ok());
  Iptables("-A INPUT -p sctp -j RETURN");
  Iptables(absl::StrCat("-A INPUT ", kInputHook));
  SendOverLoopback(7000, 3);
  ObservedTable table = Read();
  EXPECT_FALSE(table.hooks_in_place);
  EXPECT_EQ(table.hooks_found, 1);
  ASSERT_TRUE(Commit({}, {}, HookChange::kEnsure).ok());
  EXPECT_THAT(SavedRules("INPUT"),
              ElementsAre(kInputHook, "-p sctp -j RETURN"));
  EXPECT_EQ(PacketsOf("INPUT", 1), 3);
}

TEST_P(FilterTableTest, EnsureWithoutOurChainsSaysSo) {
  const absl::Status status = Commit({}, {}, HookChange::kEnsure);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("KUBE-ROUTER-INPUT"));
}

TEST_P(FilterTableTest, RemoveTakesEveryJumpIntoOurChainsOut) {
  ASSERT_TRUE(Commit(HookChains(), {}, HookChange::kEnsure).ok());
  Iptables("-N KUBE-POD-FW-X");
  Iptables("-A FORWARD -p tcp -j KUBE-POD-FW-X");
  Iptables("-A FORWARD -p udp -j ACCEPT");
  ASSERT_TRUE(Commit({}, {}, HookChange::kRemove).ok());
  EXPECT_THAT(SavedRules("FORWARD"), ElementsAre("-p udp -j ACCEPT"));
  EXPECT_THAT(SavedRules("INPUT"), IsEmpty());
  EXPECT_EQ(Read().hooks_found, 0);
}

TEST_P(FilterTableTest, RemovedChainsMayReferToOneAnother) {
  ASSERT_TRUE(Commit({{a_, {Jump(b_)}}, {b_, {}}}).ok());
  ASSERT_TRUE(Commit({}, {b_, a_, ChainName("KUBE-NWPLCY-NEVER")}).ok());
  EXPECT_THAT(Read().chains, IsEmpty());
}

TEST_P(FilterTableTest, AChainThatOthersLeadToIsEmptiedAndKept) {
  ASSERT_TRUE(Commit({{a_, {Return("a")}}, {b_, {}}}).ok());
  Iptables("-N OTHER");
  Iptables("-A OTHER -p tcp -j KUBE-NWPLCY-A");
  const std::vector<std::string> others = SavedOfOthers();
  ASSERT_TRUE(Commit({{b_, {Return("b")}}}, {a_}).ok());
  EXPECT_THAT(SavedRules(b_.value()),
              ElementsAre(Return("b").ToString(family())));
  ASSERT_THAT(Read().chains, SizeIs(2));
  EXPECT_THAT(Read().chains.at(a_), IsEmpty());
  ASSERT_THAT(table_.kept_chains(), SizeIs(1));
  EXPECT_EQ(table_.kept_chains()[0].chain, a_);
  EXPECT_EQ(table_.kept_chains()[0].referrer, "OTHER");
  EXPECT_EQ(SavedOfOthers(), others);
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

TEST_P(FilterTableTest, AReferenceByOurOwnForbidsRemovalAndAppliesNothing) {
  ASSERT_TRUE(Commit({{a_, {Return("a")}}, {b_, {Jump(a_)}}}).ok());
  const absl::Status status = Commit({}, {a_});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr(a_.value()));
  EXPECT_THAT(std::string(status.message()), HasSubstr(b_.value()));
  EXPECT_THAT(SavedRules(a_.value()),
              ElementsAre(Return("a").ToString(family())));
}

TEST_P(FilterTableTest, WhatOthersChangeIsSeenWithoutReading) {
  EXPECT_TRUE(*table_.MayHaveChanged()) << "nothing is known yet";
  Read();
  ASSERT_TRUE(Commit({{a_, {Return("a")}}, {b_, {}}}).ok());
  EXPECT_FALSE(*table_.MayHaveChanged());
  Iptables("-I FORWARD -j ACCEPT");
  EXPECT_TRUE(*table_.MayHaveChanged());
  EXPECT_TRUE(*table_.MayHaveChanged()) << "until it is read";
  Read();
  EXPECT_FALSE(*table_.MayHaveChanged());
  Iptables("-F KUBE-NWPLCY-A");
  EXPECT_TRUE(*table_.MayHaveChanged());
  // A commit of ours does not hide it.
  ASSERT_TRUE(Commit({{b_, {Return("b")}}}).ok());
  EXPECT_TRUE(*table_.MayHaveChanged());
  Read();
  EXPECT_FALSE(*table_.MayHaveChanged());
}

TEST_P(FilterTableTest, AJumpToNowhereAppliesNothing) {
  const absl::Status status = Commit({{a_, {Jump(b_)}}});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("KUBE-NWPLCY-B"));
  EXPECT_THAT(Read().chains, IsEmpty());
}

TEST_P(FilterTableTest, ALoopIsRefusedAndNamed) {
  const absl::Status status = Commit({{ChainName(kInputChain), {Jump(a_)}},
                                      {ChainName(kForwardChain), {}},
                                      {ChainName(kOutputChain), {}},
                                      {a_, {Jump(b_)}},
                                      {b_, {Jump(a_)}}},
                                     {}, HookChange::kEnsure);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("loop"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("KUBE-NWPLCY-A"));
  EXPECT_THAT(Read().chains, IsEmpty());
}

TEST_P(FilterTableTest, ChainsOfOthersAreRefused) {
  EXPECT_EQ(Commit({{ChainName("INPUT"), {}}}).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Commit({}, {ChainName("OTHER")}).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Commit({{a_, {}}}, {a_}).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(FilterTableTest, AForeignRuleInOurChainIsReplaced) {
  ASSERT_TRUE(Commit({{a_, {Return("a")}}}).ok());
  Iptables("-I KUBE-NWPLCY-A -m owner --uid-owner 0 -j ACCEPT");
  EXPECT_FALSE(Read().chains[a_][0].foreign.empty());
  ASSERT_TRUE(Commit({{a_, {Return("a")}}}).ok());
  EXPECT_EQ(Read().chains[a_], std::vector<Rule>{Return("a")});
}

TEST_P(FilterTableTest, WaitsForTheLockOnlySoLong) {
  FilterTable impatient(family(), {absl::Milliseconds(50)});
  const auto held = XtablesLock::Acquire(lock_file(), absl::Seconds(1));
  ASSERT_TRUE(held.ok()) << held.status();
  const absl::Time start = absl::Now();
  const absl::Status status = impatient.Commit({family(), {{a_, {}}}});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));
  EXPECT_THAT(std::string(status.message()), HasSubstr(lock_file()));
  EXPECT_TRUE(impatient.Read().ok()) << "reading needs no lock";
}

TEST_P(FilterTableTest, AnotherWriterLosesNoRule) {
  constexpr int kRules = 25;
  Iptables("-N OTHER");
  for (int i = 0; i < kRules; ++i)
    Iptables("-A OTHER -m comment --comment old -j RETURN");
  ASSERT_TRUE(Commit(HookChains(), {}, HookChange::kEnsure).ok());
  const pid_t writer = fork();
  if (writer == 0) {
    // Replacing keeps the number of entries, so only the lock protects it.
    for (int i = 1; i <= kRules; ++i)
      Iptables(absl::StrCat("-w 30 -R OTHER ", i,
                            " -m comment --comment new -j RETURN"));
    _exit(HasFailure() ? 1 : 0);
  }
  int round = 0;
  int status = 0;
  while (waitpid(writer, &status, WNOHANG) == 0) {
    const std::string text = absl::StrCat("round", ++round);
    const absl::Status commit = Commit(HookChains({Return(text)}));
    ASSERT_TRUE(commit.ok()) << commit;
    ASSERT_EQ(Read().chains[ChainName(kInputChain)],
              std::vector<Rule>{Return(text)});
  }
  EXPECT_EQ(status, 0);
  EXPECT_GT(round, 0);
  const std::string expected = "-m comment --comment new -j RETURN";
  EXPECT_EQ(SavedRules("OTHER"), std::vector<std::string>(kRules, expected));
}

TEST_P(FilterTableTest, AWriterWithoutTheLockIsOutlasted) {
  std::vector<Chain> chains = HookChains();
  for (int i = 0; i < 500; ++i)
    chains.push_back({ChainName(absl::StrCat("KUBE-NWPLCY-", i)),
                      std::vector<Rule>(4, Return("x"))});
  ASSERT_TRUE(Commit(chains).ok());
  int round = 0;
  for (int burst = 0; burst < 10; ++burst) {
    const pid_t writer = fork();
    if (writer == 0) {
      setenv("XTABLES_LOCKFILE", absl::StrCat(lock_file(), ".other").c_str(),
             1);
      // Each can come between at most once, and a commit tries five times. The
      // writer itself may lose, too.
      for (int i = 0; i < 4; ++i)
        Iptables("-A OUTPUT -p sctp -j ACCEPT || true");
      _exit(0);
    }
    int status = 0;
    while (waitpid(writer, &status, WNOHANG) == 0) {
      const absl::Status commit =
          Commit(HookChains({Return(absl::StrCat("round", ++round))}));
      ASSERT_TRUE(commit.ok()) << commit;
    }
  }
  EXPECT_GT(round, 0);
  ASSERT_TRUE(Commit(HookChains({Return("last")})).ok());
  EXPECT_EQ(Read().chains[ChainName(kInputChain)],
            std::vector<Rule>{Return("last")});
}

TEST_P(FilterTableTest, WithoutRightsSaysWhichAreMissing) {
  const auto check = [&] {
    if (setuid(65534) != 0) _exit(2);
    const absl::Status status = table_.Read().status();
    _exit(status.code() == absl::StatusCode::kPermissionDenied ? 0 : 1);
  };
  EXPECT_EXIT(check(), testing::ExitedWithCode(0), "");
}

TEST_P(FilterTableTest, ExtensionsThatTheKernelLacksAreNamed) {
  SetIndex sets;
  absl::StatusOr<EntryParts> parts =
      EncodeRule(PlainRule("c", RejectAction{}), family(), sets);
  ASSERT_TRUE(parts.ok());
  EXPECT_THAT(UnsupportedExtensions(family(), {{a_, {*parts}}}), IsEmpty());
  parts->matches.push_back({"mystery", 3, ""});
  parts->matches[0].revision = 77;
  EXPECT_THAT(
      UnsupportedExtensions(family(), {{a_, {*parts}}}),
      ElementsAre("match comment revision 77", "match mystery revision 3"));
}

TEST_P(FilterTableTest, ManyChainsAreWrittenEditedAndRemoved) {
  constexpr int kChains = 5000;
  std::vector<Chain> chains = HookChains();
  for (int i = 0; i < kChains; ++i) {
    const ChainName name(absl::StrCat("KUBE-NWPLCY-", i));
    chains.push_back({name, {Return(absl::StrCat("in ", i)), Return("x")}});
    chains[1].rules.push_back(Jump(name));
  }
  const absl::Time start = absl::Now();
  ASSERT_TRUE(Commit(chains, {}, HookChange::kEnsure).ok());
  const absl::Time written = absl::Now();
  ObservedTable table = Read();
  ASSERT_EQ(table.chains.size(), chains.size());
  for (const Chain& chain : chains)
    ASSERT_EQ(table.chains[chain.name], chain.rules);
  const absl::Time read = absl::Now();
  ASSERT_TRUE(Commit({{chains.back().name, {Return("only")}}}).ok());
  const absl::Time edited = absl::Now();
  std::vector<ChainName> names;
  for (const Chain& chain : chains) names.push_back(chain.name);
  ASSERT_TRUE(Commit({}, names, HookChange::kRemove).ok());
  const absl::Time removed = absl::Now();
  EXPECT_THAT(Read().chains, IsEmpty());
  // A quadratic step would take minutes.
  EXPECT_LT(removed - start, absl::Seconds(60));
  RecordProperty("write", absl::FormatDuration(written - start));
  RecordProperty("read", absl::FormatDuration(read - written));
  RecordProperty("edit", absl::FormatDuration(edited - read));
  RecordProperty("remove", absl::FormatDuration(removed - edited));
}

INSTANTIATE_TEST_SUITE_P(Families, FilterTableTest,
                         testing::ValuesIn(kFamilies), FamilyTestName);

}  // namespace
}  // namespace netpol
