// What the engine does when nothing goes wrong.
#include "netpol/sync/sync_engine.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/sync/engine_fixture.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using SyncEngineTest = EngineTest;

RulesetChange WithPolicy(std::vector<Rule> rules) {
  RulesetChange change;
  change.table(kV4).chains = {{ChainName(kPolicy), std::move(rules)}};
  return change;
}

RulesetChange WithMembers(std::vector<MemberChange> members) {
  RulesetChange change;
  change.members = std::move(members);
  return change;
}

// ---- Difference.

TEST_F(SyncEngineTest, FirstSyncBuildsEverythingInOneCommit) {
  RulesetChange change = Base(kV4);
  change.sets.push_back(Allowing("KUBE-SRC-A", {"10.0.0.1", "10.0.0.2"}));
  change.table(kV4).chains.back().rules = {AcceptFrom("KUBE-SRC-A")};
  const SyncReport report = Apply(std::move(change));
  EXPECT_EQ(report.sets_created, 2);
  EXPECT_EQ(report.chains_written, 4);
  EXPECT_EQ(report.writes.table_commits, 1u);
  EXPECT_THAT(MembersInKernel("KUBE-SRC-A"),
              ElementsAre("10.0.0.1", "10.0.0.2"));
  EXPECT_THAT(RulesInKernel(kV4, kPolicy),
              ElementsAre(AcceptFrom("KUBE-SRC-A").ToString(kV4)));
  EXPECT_TRUE(kernel_.table(kV4).Observe().hooks_in_place);
}

TEST_F(SyncEngineTest, SecondSyncFindsNothingToDo) {
  Apply(Base(kV4));
  absl::StatusOr<Plan> plan = engine_.Preview();
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->ToString(), "");
  EXPECT_TRUE(plan->empty());
  EXPECT_EQ(Sync().writes.total(), 0u);
  engine_.QueueResync();
  EXPECT_EQ(Sync().writes.total(), 0u) << "also after another look";
}

TEST_F(SyncEngineTest, StagingTheSameAgainIsNoWork) {
  Apply(Base(kV4));
  kernel_.ClearLog();
  Apply(Base(kV4));
  EXPECT_THAT(Deeds(kernel_), IsEmpty());
}

TEST_F(SyncEngineTest, PreviewSaysWhatSyncWillDoAndWritesNothing) {
  engine_.Stage(Base(kV4));
  absl::StatusOr<Plan> plan = engine_.Preview();
  ASSERT_TRUE(plan.ok());
  EXPECT_THAT(plan->create_sets, SizeIs(1));
  ASSERT_THAT(plan->tables, SizeIs(1));
  EXPECT_THAT(plan->tables[0].chains, SizeIs(4));
  EXPECT_EQ(plan->tables[0].hooks, HookChange::kEnsure);
  EXPECT_EQ(kernel_.writes().total(), 0u);
  EXPECT_TRUE(kernel_.state().sets.empty());
  Sync();
  EXPECT_TRUE(engine_.Preview()->empty());
}

TEST_F(SyncEngineTest, OnlyWhatChangedIsWritten) {
  RulesetChange change = Base(kV4);
  change.sets.push_back(Allowing("KUBE-SRC-A", {"10.0.0.1"}));
  change.table(kV4).chains.back().rules = {AcceptFrom("KUBE-SRC-A")};
  Apply(std::move(change));
  kernel_.ClearLog();
  const SyncReport report = Apply(WithMembers(
      {Present("KUBE-SRC-A", "10.0.0.2"), Present("KUBE-SRC-A", "10.0.0.1")}));
  EXPECT_THAT(Deeds(kernel_), ElementsAre("AddMembers KUBE-SRC-A"));
  EXPECT_EQ(report.members_added, 1);
}

TEST_F(SyncEngineTest, LaterOfTwoChangesOfAMemberCounts) {
  RulesetChange change = Base(kV4);
  change.sets.push_back(Allowing("KUBE-SRC-A", {"10.0.0.1"}));
  change.table(kV4).chains.back().rules = {AcceptFrom("KUBE-SRC-A")};
  Apply(std::move(change));
  Apply(WithMembers(
      {Absent("KUBE-SRC-A", "10.0.0.1"), Present("KUBE-SRC-A", "10.0.0.2"),
       Present("KUBE-SRC-A", "10.0.0.1"), Absent("KUBE-SRC-A", "10.0.0.2")}));
  EXPECT_THAT(MembersInKernel("KUBE-SRC-A"), ElementsAre("10.0.0.1"));
}

TEST_F(SyncEngineTest, ChangesAddUpUntilTheNextSync) {
  Apply(Base(kV4));
  kernel_.ClearLog();
  for (int i = 1; i <= 5; ++i) {
    engine_.Stage(WithMembers(
        {{SetName(kJudged), Member(absl::StrCat("10.0.0.", i)), true}}));
  }
  EXPECT_THAT(Deeds(kernel_), IsEmpty());
  Sync();
  EXPECT_THAT(Deeds(kernel_), ElementsAre("AddMembers kube-router-local-pods"));
}

// ---- Sets that refuse what is not judged.

SetContent Refusing(std::initializer_list<absl::string_view> members) {
  SetContent content = Allowing("kube-router-pod-cidrs", members);
  content.effect = SetEffect::kRefuses;
  return content;
}

Rule RejectTo(absl::string_view set) {
  Rule rule;
  rule.matches = {SetMatch{SetName(set), Side::kDestination}};
  rule.action = RejectAction{};
  return rule;
}

TEST_F(SyncEngineTest, WhatRefusesIsFilledLastThoughItIsNew) {
  RulesetChange before = Base(kV4);
  Apply(std::move(before));
  kernel_.ClearLog();
  RulesetChange change = WithPolicy({RejectTo("kube-router-pod-cidrs")});
  change.sets = {Refusing({"10.0.0.1"})};
  change.members = {Present(kJudged, "10.0.0.1")};
  Apply(std::move(change));
  EXPECT_THAT(Deeds(kernel_),
              ElementsAre("CreateSet kube-router-pod-cidrs", "CommitTable IPv4",
                          "AddMembers kube-router-local-pods",
                          "AddMembers kube-router-pod-cidrs"));
  EXPECT_THAT(MembersInKernel("kube-router-pod-cidrs"),
              ElementsAre("10.0.0.1"));
}

TEST_F(SyncEngineTest, WhatRefusesIsFilledAfterWhatJudgesAndEmptiedAfterToo) {
  RulesetChange before = Base(kV4);
  before.sets.push_back(Refusing({"10.0.0.1"}));
  before.table(kV4).chains.back().rules = {RejectTo("kube-router-pod-cidrs")};
  Apply(std::move(before));
  kernel_.ClearLog();
  RulesetChange change =
      WithMembers({Present("kube-router-pod-cidrs", "10.0.0.2"),
                   Absent("kube-router-pod-cidrs", "10.0.0.1"),
                   Present(kJudged, "10.0.0.2")});
  change.table(kV4).chains = {{ChainName(kPolicy), {}}};
  Apply(std::move(change));
  // Its name comes first in the order of names.
  EXPECT_THAT(
      Deeds(kernel_),
      ElementsAre("CommitTable IPv4", "AddMembers kube-router-local-pods",
                  "AddMembers kube-router-pod-cidrs",
                  "RemoveMembers kube-router-pod-cidrs"));
  EXPECT_THAT(MembersInKernel("kube-router-pod-cidrs"),
              ElementsAre("10.0.0.2"));
}

TEST_F(SyncEngineTest, WhatRefusesStaysAsItIsWhileTheTableCannotBeWritten) {
  RulesetChange before = Base(kV4);
  before.sets.push_back(Refusing({}));
  before.table(kV4).chains.back().rules = {RejectTo("kube-router-pod-cidrs")};
  Apply(std::move(before));
  RulesetChange change =
      WithMembers({Present("kube-router-pod-cidrs", "10.0.0.1")});
  change.table(kV4).chains = {
      {ChainName(kPolicy),
       {RejectTo("kube-router-pod-cidrs"), AcceptFrom(kJudged)}}};
  engine_.Stage(std::move(change));
  kernel_.FailNext(OperationKind::kCommitTable,
                   absl::UnavailableError("no lock"));
  EXPECT_FALSE(engine_.Sync().ok());
  EXPECT_THAT(MembersInKernel("kube-router-pod-cidrs"), IsEmpty());
  Sync();
  EXPECT_THAT(MembersInKernel("kube-router-pod-cidrs"),
              ElementsAre("10.0.0.1"));
}

TEST_F(SyncEngineTest, CountsAreOfWhatIsWanted) {
  Apply(Base(kV4));
  EXPECT_EQ(engine_.wanted_sets(), 1);
  EXPECT_EQ(engine_.wanted_chains(), 4);
  EXPECT_EQ(engine_.wanted_rules(), 3);
}

// ---- Order.

TEST_F(SyncEngineTest, BatchWidensSwitchesAndNarrows) {
  RulesetChange base = Base(kV4);
  base.sets[0] = Judging(kV4, {"10.9.0.1", "10.9.0.2"});
  base.sets.push_back(Allowing("KUBE-SRC-A", {"10.0.0.1"}));
  base.sets.push_back(Allowing("KUBE-SRC-OLD", {"10.0.0.9"}));
  base.table(kV4).chains.back().rules = {AcceptFrom("KUBE-SRC-A"),
                                         AcceptFrom("KUBE-SRC-OLD")};
  Apply(std::move(base));
  kernel_.ClearLog();

  RulesetChange change =
      WithPolicy({AcceptFrom("KUBE-SRC-A"), AcceptFrom("KUBE-SRC-NEW")});
  change.sets = {Allowing("KUBE-SRC-NEW", {"10.0.0.5"})};
  change.gone_sets = {SetName("KUBE-SRC-OLD")};
  change.members = {Present("KUBE-SRC-A", "10.0.0.2"),
                    Absent("KUBE-SRC-A", "10.0.0.1"),
                    Present(kJudged, "10.9.0.3"), Absent(kJudged, "10.9.0.1")};
  Apply(std::move(change));
  EXPECT_THAT(
      Deeds(kernel_),
      ElementsAre("CreateSet KUBE-SRC-NEW", "AddMembers KUBE-SRC-A",
                  // One address less is judged before its rules go.
                  "RemoveMembers kube-router-local-pods", "CommitTable IPv4",
                  // One more only once its rules are there.
                  "AddMembers kube-router-local-pods",
                  "RemoveMembers KUBE-SRC-A", "DestroySet KUBE-SRC-OLD"));
}

TEST_F(SyncEngineTest, NewSetIsFilledBeforeARuleUsesIt) {
  Apply(Base(kV4));
  RulesetChange change = WithPolicy({AcceptFrom("KUBE-SRC-A")});
  change.sets = {Allowing("KUBE-SRC-A", {"10.0.0.1", "10.0.0.2"})};
  size_t members_at_commit = 0;
  kernel_.set_gate([&](const Operation& operation) {
    if (operation.kind == OperationKind::kCommitTable)
      members_at_commit = MembersInKernel("KUBE-SRC-A").size();
    return absl::OkStatus();
  });
  Apply(std::move(change));
  EXPECT_EQ(members_at_commit, 2u);
}

// ---- Capacity.

std::vector<SetMember> ManyMembers(uint32_t first, int count) {
  std::vector<SetMember> members;
  for (int i = 0; i < count; ++i)
    members.push_back(SetMember::Address({kV4, absl::uint128(first) + i}));
  return members;
}

TEST_F(SyncEngineTest, SetThatOutgrowsItsCapacityIsReplacedUnderItsRules) {
  RulesetChange change = Base(kV4);
  change.sets.push_back(Allowing("KUBE-SRC-A", {}));
  change.sets.back().members = ManyMembers(0x0a000001, 65536);
  change.table(kV4).chains.back().rules = {AcceptFrom("KUBE-SRC-A")};
  Apply(std::move(change));
  EXPECT_EQ(kernel_.sets().FindOrNull(SetName("KUBE-SRC-A"))->spec.max_elements,
            65536u);
  const SyncReport grown =
      Apply(WithMembers({Present("KUBE-SRC-A", "10.200.0.1")}));
  EXPECT_EQ(grown.sets_replaced, 1);
  EXPECT_EQ(grown.writes.table_commits, 0u);
  EXPECT_THAT(MembersInKernel("KUBE-SRC-A"), SizeIs(65537));
  EXPECT_TRUE(engine_.Preview()->empty());
}

TEST_F(SyncEngineTest, MembersThatGoMakeNoRoomForThoseThatCome) {
  // Old and new together do not fit, and none of either may be refused.
  RulesetChange change = Base(kV4);
  change.sets.push_back(Allowing("KUBE-SRC-A", {}));
  change.sets.back().members = ManyMembers(0x0a000001, 40000);
  change.table(kV4).chains.back().rules = {AcceptFrom("KUBE-SRC-A")};
  Apply(std::move(change));
  RulesetChange other;
  other.sets.push_back(Allowing("KUBE-SRC-A", {}));
  other.sets.back().members = ManyMembers(0x0b000001, 40000);
  Apply(std::move(other));
  EXPECT_THAT(MembersInKernel("KUBE-SRC-A"), SizeIs(40000));
  EXPECT_TRUE(engine_.Preview()->empty());
}

// ---- Clean-up.

TEST_F(SyncEngineTest, WantingNothingRemovesEverythingOfOurs) {
  RulesetChange change = Base(kV4);
  change.sets.push_back(Allowing("KUBE-SRC-A", {"10.0.0.1"}));
  change.table(kV4).chains.back().rules = {AcceptFrom("KUBE-SRC-A")};
  Apply(std::move(change));
  kernel_.table(kV4).InsertForeignRule("FORWARD", 1);
  engine_.WantNothing();
  const SyncReport report = Sync();
  EXPECT_FALSE(report.retry);
  EXPECT_TRUE(kernel_.state().sets.empty());
  EXPECT_TRUE(kernel_.state().table(kV4).chains.empty());
  EXPECT_EQ(kernel_.state().table(kV4).hooks_found, 0);
  EXPECT_EQ(kernel_.table(kV4).foreign_rules("FORWARD"), 1);
  EXPECT_TRUE(engine_.Preview()->empty());
  EXPECT_EQ(engine_.wanted_sets(), 0);
  EXPECT_EQ(engine_.wanted_chains(), 0);
  EXPECT_EQ(engine_.wanted_rules(), 0);
}

TEST_F(SyncEngineTest, FreshEngineThatWantsNothingRemovesWhatItFinds) {
  Apply(Base(kV4));
  SyncEngine cleaner(&kernel_, {kV4});
  cleaner.WantNothing();
  absl::StatusOr<SyncReport> report = cleaner.Sync();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->chains_removed, 4);
  EXPECT_EQ(report->sets_destroyed, 1);
  EXPECT_TRUE(kernel_.state().sets.empty());
  EXPECT_TRUE(kernel_.state().table(kV4).chains.empty());
}

TEST_F(SyncEngineTest, WantingNothingInAnEmptyKernelIsNoWork) {
  engine_.WantNothing();
  EXPECT_EQ(Sync().writes.total(), 0u);
}

}  // namespace
}  // namespace netpol
