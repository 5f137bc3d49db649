// What the engine does when the kernel refuses.
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/sync/engine_fixture.h"

namespace netpol {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

using SyncEngineFailureTest = EngineTest;
using FailurePoint = FakeDataplane::FailurePoint;

// Two sets, each with a rule of kPolicy that allows by it.
RulesetChange WithTwoSets() {
  RulesetChange change = Base(kV4);
  change.sets.push_back(Allowing("KUBE-SRC-A", {"10.0.0.1"}));
  change.sets.push_back(Allowing("KUBE-SRC-B", {"10.0.0.2"}));
  change.table(kV4).chains.back().rules = {AcceptFrom("KUBE-SRC-A"),
                                           AcceptFrom("KUBE-SRC-B")};
  return change;
}

int Reads(const FakeDataplane& kernel) {
  int reads = 0;
  for (const Operation& operation : kernel.log())
    reads += operation.kind == OperationKind::kRead ? 1 : 0;
  return reads;
}

// ---- Sets.

TEST_F(SyncEngineFailureTest, SetThatCannotBeMadeCostsOnlyTheRulesThatUseIt) {
  kernel_.set_gate([](const Operation& operation) {
    return operation.kind == OperationKind::kCreateSet &&
                   operation.set == SetName("KUBE-SRC-A")
               ? absl::ResourceExhaustedError("no room for another set")
               : absl::OkStatus();
  });
  engine_.Stage(WithTwoSets());
  const SyncReport report = Sync();
  EXPECT_THAT(report.problems, ElementsAre(HasSubstr("KUBE-SRC-A")));
  EXPECT_TRUE(report.retry);
  EXPECT_THAT(RulesInKernel(kV4, kPolicy),
              ElementsAre(AcceptFrom("KUBE-SRC-B").ToString(kV4)));
  EXPECT_TRUE(kernel_.table(kV4).Observe().hooks_in_place);
  EXPECT_FALSE(engine_.Preview()->empty()) << "it is still wanted";

  kernel_.set_gate(nullptr);
  const SyncReport second = Sync();
  EXPECT_THAT(second.problems, IsEmpty());
  EXPECT_FALSE(second.retry);
  EXPECT_THAT(RulesInKernel(kV4, kPolicy), SizeIs(2));
  EXPECT_TRUE(engine_.Preview()->empty());
}

// A kernel may have one type of sets and not another.
TEST_F(SyncEngineFailureTest, SetTypeThatTheKernelLacksCostsOnlyItsSets) {
  kernel_.set_gate([](const Operation& operation) {
    return operation.kind == OperationKind::kCreateSet &&
                   operation.set == SetName("KUBE-SRC-B")
               ? absl::UnimplementedError("no such set type")
               : absl::OkStatus();
  });
  engine_.Stage(WithTwoSets());
  EXPECT_TRUE(Sync().retry);
  EXPECT_THAT(RulesInKernel(kV4, kPolicy),
              ElementsAre(AcceptFrom("KUBE-SRC-A").ToString(kV4)));
}

TEST_F(SyncEngineFailureTest, RulesThatAMissingSetLeavesOutAreNamed) {
  RulesetChange change = Base(kV4);
  change.sets.push_back(Allowing("KUBE-SRC-A", {"10.0.0.1"}));
  std::vector<Rule>& rules = change.table(kV4).chains.back().rules;
  for (int i = 0; i < 7; ++i) {
    rules.push_back(AcceptFrom("KUBE-SRC-A"));
    rules.back().comment = "rule " + std::to_string(i);
  }
  kernel_.set_gate([](const Operation& operation) {
    return operation.kind == OperationKind::kCreateSet &&
                   operation.set == SetName("KUBE-SRC-A")
               ? absl::ResourceExhaustedError("no room")
               : absl::OkStatus();
  });
  engine_.Stage(change);
  EXPECT_THAT(Sync().problems,
              ElementsAre("set KUBE-SRC-A: no room; left out: \"rule 0\", "
                          "\"rule 1\", \"rule 2\", \"rule 3\", \"rule 4\" "
                          "and 2 more"));
}

TEST_F(SyncEngineFailureTest, WithoutPermissionNothingIsBegun) {
  engine_.Stage(WithTwoSets());
  kernel_.FailNext(OperationKind::kCreateSet,
                   absl::PermissionDeniedError("no CAP_NET_ADMIN"));
  EXPECT_TRUE(absl::IsPermissionDenied(engine_.Sync().status()));
  EXPECT_EQ(kernel_.writes().total(), 0u);
  Apply({});
  EXPECT_THAT(RulesInKernel(kV4, kPolicy), SizeIs(2));
}

TEST_F(SyncEngineFailureTest, SetOfJudgedAddressesIsNeverLeftOut) {
  // Without it the hook chains would let everything pass.
  engine_.Stage(WithTwoSets());
  kernel_.set_gate([](const Operation& operation) {
    return operation.kind == OperationKind::kCreateSet &&
                   operation.set == SetName(kJudged)
               ? absl::ResourceExhaustedError("no room for another set")
               : absl::OkStatus();
  });
  const absl::Status status = engine_.Sync().status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(std::string(kJudged)));
  EXPECT_THAT(RulesInKernel(kV4, kForwardChain), ElementsAre("no chain"));
  kernel_.set_gate(nullptr);
  Apply({});
  EXPECT_THAT(RulesInKernel(kV4, kForwardChain), SizeIs(1));
}

TEST_F(SyncEngineFailureTest, RulesKeepTheJudgedSetWhenAMemberCannotBeRemoved) {
  RulesetChange base = Base(kV4);
  base.sets[0] = Judging(kV4, {"10.9.0.1"});
  Apply(std::move(base));
  RulesetChange change;
  change.members = {Absent(kJudged, "10.9.0.1")};
  Rule judge = JumpTo(kPolicy);
  judge.comment = "another text";
  judge.matches = {SetMatch{SetName(kJudged), Side::kDestination}};
  change.table(kV4).chains = {{ChainName(kForwardChain), {judge}}};
  engine_.Stage(std::move(change));
  kernel_.FailNext(OperationKind::kRemoveMembers,
                   absl::InternalError("netlink"));
  const SyncReport report = Sync();
  EXPECT_THAT(report.problems, ElementsAre(HasSubstr(std::string(kJudged))));
  EXPECT_TRUE(report.retry);
  EXPECT_THAT(RulesInKernel(kV4, kForwardChain),
              ElementsAre(judge.ToString(kV4)));
  Apply({});
  EXPECT_THAT(MembersInKernel(kJudged), IsEmpty());
}

TEST_F(SyncEngineFailureTest, MembersThatCouldNotBeAddedAreAddedNextTime) {
  Apply(WithTwoSets());
  RulesetChange change;
  change.members = {Present("KUBE-SRC-A", "10.0.0.7"),
                    Present("KUBE-SRC-B", "10.0.0.8")};
  engine_.Stage(std::move(change));
  kernel_.FailNext(OperationKind::kAddMembers, absl::InternalError("netlink"));
  kernel_.ClearLog();
  const SyncReport report = Sync();
  EXPECT_THAT(report.problems, ElementsAre(HasSubstr("KUBE-SRC-A")));
  EXPECT_TRUE(report.retry);
  EXPECT_THAT(MembersInKernel("KUBE-SRC-B"), Contains("10.0.0.8"));
  EXPECT_THAT(RulesInKernel(kV4, kPolicy), SizeIs(2)) << "rules stay";
  Apply({});
  EXPECT_EQ(Reads(kernel_), 1) << "what was touched is not believed";
  EXPECT_THAT(MembersInKernel("KUBE-SRC-A"), Contains("10.0.0.7"));
}

TEST_F(SyncEngineFailureTest, SetThatCannotBeReplacedGoesOnWorking) {
  RulesetChange change = WithTwoSets();
  Apply(std::move(change));
  ObservedSet foreign = *kernel_.sets().FindOrNull(SetName("KUBE-SRC-A"));
  foreign.foreign_content = true;
  kernel_.sets().Put(foreign);
  engine_.QueueResync();
  kernel_.FailNext(OperationKind::kReplaceSet,
                   absl::ResourceExhaustedError("no room"));
  const SyncReport report = Sync();
  EXPECT_THAT(report.problems, ElementsAre(HasSubstr("KUBE-SRC-A")));
  EXPECT_THAT(RulesInKernel(kV4, kPolicy), SizeIs(2));
  EXPECT_EQ(Sync().sets_replaced, 1);
  EXPECT_FALSE(
      kernel_.sets().FindOrNull(SetName("KUBE-SRC-A"))->foreign_content);
}

// ---- Sets that are still in use.

RulesetChange Gone(absl::string_view set) {
  RulesetChange change;
  change.gone_sets = {SetName(set)};
  change.table(kV4).chains = {{ChainName(kPolicy), {AcceptFrom("KUBE-SRC-B")}}};
  return change;
}

TEST_F(SyncEngineFailureTest, BusySetIsDestroyedOnceItIsFree) {
  Apply(WithTwoSets());
  kernel_.sets().Refer(SetName("KUBE-SRC-A"), 1);  // somebody else's rule
  engine_.Stage(Gone("KUBE-SRC-A"));
  const SyncReport busy = Sync();
  EXPECT_TRUE(busy.retry);
  EXPECT_THAT(busy.problems, IsEmpty()) << "it does no harm";
  EXPECT_EQ(busy.sets_destroyed, 0);
  EXPECT_THAT(RulesInKernel(kV4, kPolicy), SizeIs(1));
  EXPECT_TRUE(Sync().retry);
  kernel_.sets().Refer(SetName("KUBE-SRC-A"), -1);
  const SyncReport free = Sync();
  EXPECT_FALSE(free.retry);
  EXPECT_EQ(free.sets_destroyed, 1);
  EXPECT_FALSE(SetInKernel("KUBE-SRC-A"));
}

TEST_F(SyncEngineFailureTest, BusySetThatIsWantedAgainIsBroughtUpToDate) {
  Apply(WithTwoSets());
  kernel_.sets().Refer(SetName("KUBE-SRC-A"), 1);
  engine_.Stage(Gone("KUBE-SRC-A"));
  Sync();
  RulesetChange again = WithTwoSets();
  again.sets[1] = Allowing("KUBE-SRC-A", {"10.0.0.5"});
  kernel_.ClearLog();
  Apply(std::move(again));
  EXPECT_THAT(MembersInKernel("KUBE-SRC-A"), ElementsAre("10.0.0.5"));
  EXPECT_THAT(Deeds(kernel_), Not(Contains(HasSubstr("CreateSet"))));
  EXPECT_TRUE(engine_.Preview()->empty());
}

// ---- Tables.

TEST_F(SyncEngineFailureTest, FailedCommitKeepsEverythingPending) {
  Apply(WithTwoSets());
  RulesetChange change = Gone("KUBE-SRC-A");
  change.members = {Present(kJudged, "10.9.0.1"),
                    Absent("KUBE-SRC-B", "10.0.0.2"),
                    Present("KUBE-SRC-B", "10.0.0.3")};
  engine_.Stage(std::move(change));
  kernel_.FailNext(OperationKind::kCommitTable,
                   absl::UnavailableError("the lock is held"));
  kernel_.ClearLog();
  const absl::Status status = engine_.Sync().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("IPv4"));
  // The old rules stand: what they need stays, what only the new ones may see
  // is not there.
  EXPECT_THAT(RulesInKernel(kV4, kPolicy), SizeIs(2));
  EXPECT_THAT(MembersInKernel("KUBE-SRC-B"),
              ElementsAre("10.0.0.2", "10.0.0.3"));
  EXPECT_THAT(MembersInKernel(kJudged), IsEmpty());
  EXPECT_TRUE(SetInKernel("KUBE-SRC-A"));

  kernel_.ClearLog();
  Apply({});
  EXPECT_EQ(Reads(kernel_), 1) << "the kernel is read again";
  EXPECT_THAT(RulesInKernel(kV4, kPolicy), SizeIs(1));
  EXPECT_THAT(MembersInKernel("KUBE-SRC-B"), ElementsAre("10.0.0.3"));
  EXPECT_THAT(MembersInKernel(kJudged), ElementsAre("10.9.0.1"));
  EXPECT_FALSE(SetInKernel("KUBE-SRC-A"));
}

TEST_F(SyncEngineFailureTest, CommitThatWorkedInSpiteOfItsAnswerIsFound) {
  engine_.Stage(WithTwoSets());
  kernel_.FailNext(OperationKind::kCommitTable, absl::InternalError("timeout"),
                   FailurePoint::kAfter);
  EXPECT_FALSE(engine_.Sync().ok());
  kernel_.ClearLog();
  Apply({});
  EXPECT_THAT(Deeds(kernel_), Not(Contains("CommitTable IPv4")));
  EXPECT_THAT(RulesInKernel(kV4, kPolicy), SizeIs(2));
}

TEST_F(SyncEngineFailureTest, WhatIsStagedAfterAFailureJoinsWhatIsPending) {
  engine_.Stage(WithTwoSets());
  kernel_.FailNext(OperationKind::kCommitTable, absl::InternalError("no"));
  EXPECT_FALSE(engine_.Sync().ok());
  Apply(Gone("KUBE-SRC-A"));
  EXPECT_THAT(RulesInKernel(kV4, kPolicy), SizeIs(1));
  EXPECT_FALSE(SetInKernel("KUBE-SRC-A"));
}

TEST_F(SyncEngineFailureTest, UnreadableKernelIsNotWritten) {
  engine_.Stage(WithTwoSets());
  kernel_.FailNext(OperationKind::kRead, absl::InternalError("netlink"));
  EXPECT_FALSE(engine_.Sync().ok());
  EXPECT_EQ(kernel_.writes().total(), 0u);
  kernel_.FailNext(OperationKind::kRead, absl::InternalError("netlink"));
  EXPECT_FALSE(engine_.Preview().ok());
  Apply({});
  EXPECT_THAT(RulesInKernel(kV4, kPolicy), SizeIs(2));
}

// ---- Two families.

class TwoFamiliesTest : public EngineTest {
 protected:
  TwoFamiliesTest() : EngineTest({kV4, kV6}) {}

  static RulesetChange Both() {
    RulesetChange change = Base(kV4);
    RulesetChange v6 = Base(kV6);
    change.sets.push_back(v6.sets[0]);
    change.table(kV6) = v6.table(kV6);
    return change;
  }
  // Refuses what `fails` says.
  void Refuse(OperationKind kind, Family family) {
    kernel_.set_gate([kind, family](const Operation& operation) {
      const Family of = kind == OperationKind::kCommitTable
                            ? operation.change.family
                        : operation.set.value().substr(0, 6) == "inet6:" ? kV6
                                                                         : kV4;
      return operation.kind == kind && of == family
                 ? absl::InternalError("refused")
                 : absl::OkStatus();
    });
  }
};

TEST_F(TwoFamiliesTest, FailedCommitOfOneDoesNotStopTheOther) {
  for (Family broken : kFamilies) {
    const Family sound = broken == kV4 ? kV6 : kV4;
    FakeDataplane kernel;
    SyncEngine engine(&kernel, {kV4, kV6});
    engine.Stage(Both());
    kernel.set_gate([&](const Operation& operation) {
      return operation.kind == OperationKind::kCommitTable &&
                     operation.change.family == broken
                 ? absl::InternalError("refused")
                 : absl::OkStatus();
    });
    const absl::Status status = engine.Sync().status();
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(std::string(FamilyName(broken))));
    EXPECT_TRUE(kernel.table(sound).Observe().hooks_in_place);
    EXPECT_FALSE(kernel.table(broken).Observe().hooks_in_place);
    kernel.set_gate(nullptr);
    EXPECT_TRUE(engine.Sync().ok());
    EXPECT_TRUE(kernel.table(broken).Observe().hooks_in_place);
  }
}

TEST_F(TwoFamiliesTest, FailedFamilyKeepsItsMembersAndTheOtherNarrows) {
  RulesetChange base = Both();
  base.sets.push_back(Allowing("KUBE-SRC-A", {"10.0.0.1"}));
  base.sets.push_back(Allowing("inet6:KUBE-SRC-A", {"fd00::1"}));
  base.table(kV4).chains.back().rules = {AcceptFrom("KUBE-SRC-A")};
  base.table(kV6).chains.back().rules = {AcceptFrom("inet6:KUBE-SRC-A")};
  Apply(std::move(base));
  RulesetChange change;
  change.members = {Absent("KUBE-SRC-A", "10.0.0.1"),
                    Absent("inet6:KUBE-SRC-A", "fd00::1")};
  for (Family family : kFamilies)
    change.table(family).chains = {{ChainName(kPolicy), {}}};
  engine_.Stage(std::move(change));
  Refuse(OperationKind::kCommitTable, kV6);
  EXPECT_FALSE(engine_.Sync().ok());
  EXPECT_THAT(MembersInKernel("KUBE-SRC-A"), IsEmpty());
  EXPECT_THAT(MembersInKernel("inet6:KUBE-SRC-A"), ElementsAre("fd00::1"));
}

TEST_F(TwoFamiliesTest, FamilyWithoutItsJudgedSetDoesNotStopTheOther) {
  for (Family broken : kFamilies) {
    const Family sound = broken == kV4 ? kV6 : kV4;
    FakeDataplane kernel;
    SyncEngine engine(&kernel, {kV4, kV6});
    engine.Stage(Both());
    kernel.set_gate([&](const Operation& operation) {
      return operation.kind == OperationKind::kCreateSet &&
                     operation.set == SetName(broken, kJudged)
                 ? absl::ResourceExhaustedError("refused")
                 : absl::OkStatus();
    });
    EXPECT_FALSE(engine.Sync().ok());
    EXPECT_TRUE(kernel.table(sound).Observe().hooks_in_place)
        << FamilyName(sound);
    EXPECT_TRUE(kernel.table(broken).Observe().chains.empty());
    kernel.set_gate(nullptr);
    EXPECT_TRUE(engine.Sync().ok());
    EXPECT_TRUE(kernel.table(broken).Observe().hooks_in_place);
  }
}

}  // namespace
}  // namespace netpol
