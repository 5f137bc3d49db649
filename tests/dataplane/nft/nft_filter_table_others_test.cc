// Others write while we do: nothing is lost, and what they did is noticed.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/dataplane/nft/nft_table_fixture.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class NftOthersTest : public NftFilterTableTest {
 protected:
  void SetUp() override {
    NftFilterTableTest::SetUp();
    if (IsSkipped()) return;
    folder_ = absl::StrCat(testing::TempDir(), "/bin.", getpid(), ".",
                           static_cast<int>(family()));
    Run(absl::StrCat("rm -rf ", folder_, " && mkdir ", folder_));
  }
  void TearDown() override {
    if (!folder_.empty()) Run(absl::StrCat("rm -rf ", folder_));
  }

  // From now on the restore program does `script` before its own work, in the
  // moment between what we read and what we write. CMD in it is iptables-nft,
  // `runs` a file with a line for each run.
  void BeforeEachRun(const std::string& script) {
    const bool v4 = family() == Family::kIPv4;
    const std::string command = v4 ? "iptables-nft" : "ip6tables-nft";
    const std::string path = absl::StrCat(folder_, "/", command, "-restore");
    std::ofstream(path) << "#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n"
                        << "CMD=" << command << "\n"
                        << "echo >> " << folder_ << "/runs\n"
                        << "RUN=$(wc -l < " << folder_ << "/runs)\n"
                        << script << "\nexec " << command
                        << "-restore \"$@\"\n";
    ASSERT_EQ(chmod(path.c_str(), 0755), 0);
    setenv("PATH",
           absl::StrCat(folder_, ":/usr/sbin:/usr/bin:/sbin:/bin").c_str(), 1);
  }
  int Runs() {
    std::ifstream runs(absl::StrCat(folder_, "/runs"));
    return static_cast<int>(std::count(std::istreambuf_iterator<char>(runs),
                                       std::istreambuf_iterator<char>(), '\n'));
  }

 private:
  std::string folder_;
};

TEST_P(NftOthersTest, AJumpThatVanishesMeanwhileIsMadeAllTheSame) {
  ASSERT_TRUE(Commit(HookChains()).ok());
  Iptables("-A INPUT -p sctp -j RETURN");
  Iptables(absl::StrCat("-A INPUT ", Hook(0)));
  BeforeEachRun("[ $RUN = 1 ] && $CMD -D INPUT 2");
  const absl::Status status = Commit({}, {}, HookChange::kEnsure);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(Runs(), 2);
  EXPECT_THAT(SavedRules("INPUT"), ElementsAre(Hook(0), "-p sctp -j RETURN"));
  EXPECT_TRUE(MayHaveChanged());
}

TEST_P(NftOthersTest, AJumpThatAppearsMeanwhileIsNotDoubled) {
  ASSERT_TRUE(Commit(HookChains()).ok());
  BeforeEachRun(absl::StrCat("$CMD -A INPUT ", Hook(0)));
  ASSERT_TRUE(Commit({}, {}, HookChange::kEnsure).ok());
  // It came after the look at the chain, and is told of.
  EXPECT_TRUE(MayHaveChanged());
  BeforeEachRun("");
  ASSERT_TRUE(Commit({}, {}, HookChange::kEnsure).ok());
  EXPECT_THAT(SavedRules("INPUT"), ElementsAre(Hook(0)));
}

TEST_P(NftOthersTest, ALosingWriterGivesUpAfterSomeTries) {
  ASSERT_TRUE(Commit(HookChains()).ok());
  Iptables("-A INPUT -p sctp -j RETURN");
  BeforeEachRun(
      "echo 'line 5: RULE_DELETE failed (No such file or directory): rule in "
      "chain INPUT' >&2; exit 4");
  const absl::Status status = Commit({}, {}, HookChange::kEnsure);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("RULE_DELETE failed"));
  EXPECT_EQ(Runs(), 5);
}

TEST_P(NftOthersTest, AReferenceThatAppearsMeanwhileKeepsTheChain) {
  Iptables("-N OTHER");
  ASSERT_TRUE(Commit({{a_, {Return("a")}}, {b_, {}}}).ok());
  BeforeEachRun("[ $RUN = 1 ] && $CMD -A OTHER -j KUBE-NWPLCY-A");
  ASSERT_TRUE(Commit({{b_, {Return("b")}}}, {a_}).ok());
  EXPECT_EQ(Runs(), 3) << "to look again, too";
  ASSERT_THAT(table_.kept_chains(), SizeIs(1));
  EXPECT_EQ(table_.kept_chains()[0].referrer, "OTHER");
  EXPECT_THAT(SavedRules(a_.value()), IsEmpty());
}

// Which chain such a map holds, nobody says: all that were to go are kept.
TEST_P(NftOthersTest, AVerdictMapOfOthersBlocksNothingElse) {
  ASSERT_TRUE(Commit({{a_, {Return("a")}}, {b_, {}}}).ok());
  const std::string table = family() == Family::kIPv4 ? "ip" : "ip6";
  Run(absl::StrCat("nft add chain ", table, " filter OTHER"));
  Run(absl::StrCat("nft 'add rule ", table,
                   " filter OTHER tcp dport vmap { 22 : jump ", a_.value(),
                   " }'"));
  ASSERT_TRUE(Commit({{b_, {Return("b")}}}, {a_}).ok());
  ASSERT_THAT(table_.kept_chains(), SizeIs(1));
  EXPECT_EQ(table_.kept_chains()[0].chain, a_);
  EXPECT_THAT(SavedRules(a_.value()), IsEmpty());
  EXPECT_THAT(SavedRules(b_.value()),
              ElementsAre(Return("b").ToString(family())));
  EXPECT_THAT(Run(absl::StrCat("nft list chain ", table, " filter OTHER")),
              HasSubstr("vmap"));
}

TEST_P(NftOthersTest, ATargetThatVanishesMeanwhileIsNamed) {
  ASSERT_TRUE(Commit({{a_, {}}, {b_, {}}}).ok());
  BeforeEachRun("$CMD -X KUBE-NWPLCY-B");
  const absl::Status status = Commit({{a_, {Jump(b_)}}});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(b_.value()));
}

TEST_P(NftOthersTest, ASetThatVanishesMeanwhileIsNotFound) {
  const SetName set(family(), "KUBE-SRC-A");
  Run(absl::StrCat("ipset create ", set.value(), " hash:ip family ",
                   family() == Family::kIPv4 ? "inet" : "inet6"));
  Rule rule = Return("x");
  rule.matches = {SetMatch{set}};
  BeforeEachRun(absl::StrCat("ipset destroy ", set.value()));
  const absl::Status status = Commit({{a_, {rule}}});
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
  // With the line that it is about.
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(rule.ToString(family())));
  EXPECT_THAT(Read().chains, IsEmpty());
}

TEST_P(NftOthersTest, AChainThatVanishesWhileItIsListedIsNoMore) {
  ASSERT_TRUE(Commit({{a_, {}}, {b_, {}}}).ok());
  BeforeEachRun("[ $RUN = 1 ] && $CMD -X KUBE-NWPLCY-B");
  const ObservedTable table = Read();
  EXPECT_THAT(table.chains,
              ElementsAre(std::make_pair(a_, std::vector<Rule>())));
  EXPECT_TRUE(MayHaveChanged());
}

TEST_P(NftOthersTest, AProgramThatHangsIsStopped) {
  BeforeEachRun("sleep 600");
  NftFilterTable impatient(family(), {absl::Milliseconds(100)});
  const absl::Status status = impatient.Commit({family(), {{a_, {}}}});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("stopped"));
}

TEST_P(NftOthersTest, WhatTheProgramSaysIsQuoted) {
  BeforeEachRun("echo 'line 2: it is broken' >&2; exit 7");
  const absl::Status status = Commit({{a_, {}}});
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("it is broken"));
  EXPECT_THAT(std::string(status.message()), HasSubstr(":KUBE-NWPLCY-A -"));
}

TEST_P(NftOthersTest, AHostThatIgnoresItsChildrenIsServed) {
  const auto check = [&] {
    signal(SIGCHLD, SIG_IGN);
    if (!Commit({{a_, {Return("a")}}}).ok()) _exit(2);
    if (MayHaveChanged()) _exit(3);
    if (Read().chains[a_] != std::vector<Rule>{Return("a")}) _exit(4);
    BeforeEachRun("echo 'it is broken' >&2; exit 7");
    _exit(Commit({{b_, {}}}).ok() ? 5 : 0);
  };
  EXPECT_EXIT(check(), testing::ExitedWithCode(0), "");
}

TEST_P(NftOthersTest, AnotherWriterLosesNoRule) {
  constexpr int kRules = 25;
  Iptables("-N OTHER");
  ASSERT_TRUE(Commit(HookChains(), {}, HookChange::kEnsure).ok());
  const pid_t writer = fork();
  if (writer == 0) {
    for (int i = 1; i <= kRules; ++i)
      Iptables(
          absl::StrCat("-A OTHER -m comment --comment n", i, " -j RETURN"));
    _exit(HasFailure() ? 1 : 0);
  }
  int round = 0;
  int status = 0;
  while (waitpid(writer, &status, WNOHANG) == 0) {
    const std::string text = absl::StrCat("round", ++round);
    const absl::Status commit =
        Commit(HookChains({Return(text)}), {}, HookChange::kEnsure);
    ASSERT_TRUE(commit.ok()) << commit;
    ASSERT_EQ(Read().chains[ChainName(kInputChain)],
              std::vector<Rule>{Return(text)});
  }
  EXPECT_EQ(status, 0);
  EXPECT_GT(round, 0);
  EXPECT_THAT(SavedRules("OTHER"), SizeIs(kRules));
}

TEST_P(NftOthersTest, WhatOthersChangeIsSeenWithoutReading) {
  EXPECT_TRUE(MayHaveChanged()) << "nothing is known yet";
  Read();
  EXPECT_FALSE(MayHaveChanged());
  ASSERT_TRUE(Commit({{a_, {Return("a")}}, {b_, {}}}).ok());
  EXPECT_FALSE(MayHaveChanged());
  Iptables("-I FORWARD -j ACCEPT");
  EXPECT_TRUE(MayHaveChanged());
  EXPECT_TRUE(MayHaveChanged()) << "until it is read";
  Read();
  EXPECT_FALSE(MayHaveChanged());
  Iptables("-F KUBE-NWPLCY-A");
  EXPECT_TRUE(MayHaveChanged());
  // A commit of ours does not hide it.
  ASSERT_TRUE(Commit({{b_, {Return("b")}}}).ok());
  EXPECT_TRUE(MayHaveChanged());
  Read();
  EXPECT_FALSE(MayHaveChanged());
  Nft("delete table FAMILY filter");
  EXPECT_TRUE(MayHaveChanged());
}

TEST_P(NftOthersTest, WhatDoesNotConcernUsIsNoChange) {
  ASSERT_TRUE(Commit(HookChains(), {}, HookChange::kEnsure).ok());
  Iptables("-N OTHER");
  Iptables("-A OTHER -j RETURN");
  Nft("add table inet somebody");
  Nft("add chain inet somebody KUBE-ROUTER-INPUT");
  Run(family() == Family::kIPv4 ? "ip6tables-nft -A INPUT -j ACCEPT"
                                : "iptables-nft -A INPUT -j ACCEPT");
  EXPECT_FALSE(MayHaveChanged());
  // Nor what we do ourselves.
  ASSERT_TRUE(Commit({{a_, {}}}).ok());
  ASSERT_TRUE(Commit({}, {a_}).ok());
  ASSERT_TRUE(Commit({}, {}, HookChange::kRemove).ok());
  EXPECT_EQ(table_.commits(), 4u);
  EXPECT_FALSE(MayHaveChanged());
}

// A rule that looks like ours as iptables lists it, without what it cannot say.
TEST_P(NftOthersTest, ARuleWithASetOfNfTablesIsNotTakenForOurs) {
  Rule rule;
  rule.protocol = 6;
  rule.action = AcceptAction{};
  ASSERT_TRUE(Commit({{a_, {rule}}}).ok());
  Nft("flush chain FAMILY filter KUBE-NWPLCY-A");
  Nft("add rule FAMILY filter KUBE-NWPLCY-A tcp dport '{ 80, 443 }' counter "
      "accept");
  ASSERT_THAT(SavedRules(a_.value()), ElementsAre(rule.ToString(family())));
  ASSERT_THAT(Read().chains.at(a_), SizeIs(1));
  EXPECT_NE(Read().chains.at(a_)[0].foreign, "");
  ASSERT_TRUE(Commit({{a_, {rule}}}).ok());
  EXPECT_THAT(Nft("list ruleset"), Not(HasSubstr("443")));
  EXPECT_EQ(Read().chains.at(a_), std::vector<Rule>{rule});
}

INSTANTIATE_TEST_SUITE_P(Families, NftOthersTest, testing::ValuesIn(kFamilies),
                         FamilyTestName);

}  // namespace
}  // namespace netpol
