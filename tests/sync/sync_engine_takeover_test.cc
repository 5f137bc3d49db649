// What the engine does with what it finds: ours from before, and others'.
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/sync/engine_fixture.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

using SyncEngineTakeoverTest = EngineTest;

ObservedSet Found(absl::string_view name,
                  std::initializer_list<absl::string_view> members) {
  ObservedSet set;
  set.spec.name = SetName(name);
  for (absl::string_view member : members) set.members.insert(Member(member));
  return set;
}

// A kernel as another program, or an older version, left it.
Snapshot Leftovers() {
  Snapshot snapshot;
  for (const char* name : {"KUBE-SRC-A", "KUBE-SRC-OLD"})
    snapshot.sets[SetName(name)] = Found(name, {"10.0.0.1", "10.0.0.9"});
  snapshot.sets[SetName(kJudged)] = Found(kJudged, {"10.9.0.1"});
  ObservedTable& table = snapshot.table(kV4);
  for (absl::string_view hook : {kInputChain, kForwardChain, kOutputChain})
    table.chains[ChainName(hook)] = {JumpTo("KUBE-POD-FW-OLD")};
  table.chains[ChainName("KUBE-POD-FW-OLD")] = {AcceptFrom("KUBE-SRC-OLD"),
                                                JumpTo(kPolicy)};
  table.chains[ChainName(kPolicy)] = {AcceptFrom("KUBE-SRC-A")};
  table.hooks_in_place = true;
  return snapshot;
}

// kPolicy and KUBE-SRC-A are wanted as they were left, but for a member.
RulesetChange Wanted() {
  RulesetChange change = Base(kV4);
  change.sets[0] = Judging(kV4, {"10.9.0.1", "10.9.0.2"});
  change.sets.push_back(Allowing("KUBE-SRC-A", {"10.0.0.1", "10.0.0.2"}));
  change.table(kV4).chains.back().rules = {AcceptFrom("KUBE-SRC-A")};
  return change;
}

// The other layout's rules use the set of the same name otherwise, or nobody
// does, since a start was cut short: were it filled after the rules have
// changed, nothing would be judged for a moment.
TEST_F(SyncEngineTakeoverTest, SetThatNoRuleJudgesByIsFilledBeforeTheRules) {
  Snapshot left = Leftovers();
  ObservedTable& table = left.table(kV4);
  Rule unknown;
  unknown.matches = {SetMatch{SetName(kJudged), Side::kSource, 1, true}};
  unknown.action = RejectAction();
  table.chains[ChainName("KUBE-POD-FW-OLD")].push_back(unknown);
  left.sets[SetName(kJudged)] = Found(kJudged, {"10.9.0.1", "10.9.0.7"});
  ASSERT_TRUE(kernel_.Load(left).ok());
  engine_.Stage(Wanted());
  std::vector<std::string> at_commit;
  kernel_.set_gate([&](const Operation& operation) {
    if (operation.kind == OperationKind::kCommitTable)
      at_commit = MembersInKernel(kJudged);
    return absl::OkStatus();
  });
  Sync();
  EXPECT_THAT(at_commit, ElementsAre("10.9.0.1", "10.9.0.2", "10.9.0.7"))
      << "filled, and none that the old rules may need is gone";
  EXPECT_THAT(MembersInKernel(kJudged), ElementsAre("10.9.0.1", "10.9.0.2"));
  // From now on it judges.
  RulesetChange change;
  change.members = {Present(kJudged, "10.9.0.3"), Absent(kJudged, "10.9.0.1")};
  change.table(kV4).chains = {{ChainName(kPolicy), {}}};
  Apply(std::move(change));
  EXPECT_THAT(at_commit, ElementsAre("10.9.0.2"));
}

constexpr char kRefusing[] = "kube-router-pod-cidrs";

// Wanted(), with a set that refuses what is not judged.
RulesetChange WantedWithRefusal() {
  RulesetChange change = Wanted();
  SetContent refusing = Allowing(kRefusing, {"10.9.0.1", "10.9.0.9"});
  refusing.effect = SetEffect::kRefuses;
  change.sets.push_back(refusing);
  Rule reject;
  reject.matches = {
      SetMatch{SetName(kRefusing), Side::kSource},
      SetMatch{SetName(kJudged), Side::kSource, 1, /*negated=*/true}};
  reject.action = RejectAction();
  change.table(kV4).chains.back().rules.push_back(reject);
  return change;
}

// The other layout refuses too, until the commit.
TEST_F(SyncEngineTakeoverTest, SetThatRefusesIsFullWhenItsRulesCome) {
  ASSERT_TRUE(kernel_.Load(Leftovers()).ok());
  engine_.Stage(WantedWithRefusal());
  std::vector<std::string> at_commit;
  kernel_.set_gate([&](const Operation& operation) {
    if (operation.kind == OperationKind::kCommitTable)
      at_commit = MembersInKernel(kRefusing);
    return absl::OkStatus();
  });
  Sync();
  EXPECT_THAT(at_commit, ElementsAre("10.9.0.1", "10.9.0.9"));
}

TEST_F(SyncEngineTakeoverTest, SetThatRefusesIsFilledUpWhereAStartWasCutShort) {
  Snapshot left = Leftovers();
  left.sets[SetName(kRefusing)] = Found(kRefusing, {"10.9.0.1"});
  ASSERT_TRUE(kernel_.Load(left).ok());
  engine_.Stage(WantedWithRefusal());
  std::vector<std::string> at_commit;
  kernel_.set_gate([&](const Operation& operation) {
    if (operation.kind == OperationKind::kCommitTable)
      at_commit = MembersInKernel(kRefusing);
    return absl::OkStatus();
  });
  Sync();
  EXPECT_THAT(at_commit, ElementsAre("10.9.0.1", "10.9.0.9"));
}

// 10.9.0.2 is to be judged, and is judged by nobody before the commit.
TEST_F(SyncEngineTakeoverTest, SetThatRefusesWaitsForWhatIsAboutToBeJudged) {
  Snapshot left = Leftovers();
  left.table(kV4).chains[ChainName(kInputChain)].push_back(AcceptFrom(kJudged));
  ASSERT_TRUE(kernel_.Load(left).ok());
  engine_.Stage(WantedWithRefusal());
  kernel_.ClearLog();
  Sync();
  EXPECT_THAT(
      Deeds(kernel_),
      ElementsAre("CreateSet kube-router-pod-cidrs", "AddMembers KUBE-SRC-A",
                  "CommitTable IPv4", "AddMembers kube-router-local-pods",
                  "AddMembers kube-router-pod-cidrs",
                  "RemoveMembers KUBE-SRC-A", "DestroySet KUBE-SRC-OLD"));
}

TEST_F(SyncEngineTakeoverTest, SetThatIsTooSmallAndJudgesNobodyIsReplaced) {
  Snapshot left;
  ObservedSet small = Found(kJudged, {"10.9.0.1"});
  small.spec.max_elements = 1;
  left.sets[SetName(kJudged)] = small;
  ASSERT_TRUE(kernel_.Load(left).ok());
  engine_.Stage(Wanted());
  std::vector<std::string> at_commit;
  kernel_.set_gate([&](const Operation& operation) {
    if (operation.kind == OperationKind::kCommitTable)
      at_commit = MembersInKernel(kJudged);
    return absl::OkStatus();
  });
  Sync();
  EXPECT_THAT(at_commit, ElementsAre("10.9.0.1", "10.9.0.2"));
}

ObservedSet OfAnotherType() {
  ObservedSet nets = Found(kJudged, {"10.9.0.1"});
  nets.spec.type = SetType::kHashNet;
  return nets;
}

TEST_F(SyncEngineTakeoverTest, SetOfAnotherTypeThatNoRuleUsesIsMadeAnew) {
  Snapshot left = Leftovers();
  left.sets[SetName(kJudged)] = OfAnotherType();
  ASSERT_TRUE(kernel_.Load(left).ok());
  engine_.Stage(Wanted());
  EXPECT_THAT(Sync().problems, IsEmpty());
  EXPECT_THAT(MembersInKernel(kJudged), ElementsAre("10.9.0.1", "10.9.0.2"));
  EXPECT_TRUE(engine_.Preview()->empty());
}

// Rules that judge by a set that cannot be filled would judge nothing.
TEST_F(SyncEngineTakeoverTest, OldRulesStayWhereTheJudgingSetCannotBeMade) {
  Snapshot left = Leftovers();
  left.sets[SetName(kJudged)] = OfAnotherType();
  left.table(kV4).chains[ChainName("KUBE-POD-FW-OLD")].push_back(
      AcceptFrom(kJudged));
  ASSERT_TRUE(kernel_.Load(left).ok());
  engine_.Stage(Wanted());
  EXPECT_FALSE(engine_.Sync().ok());
  EXPECT_THAT(RulesInKernel(kV4, "KUBE-POD-FW-OLD"), SizeIs(3));
}

TEST_F(SyncEngineTakeoverTest, OldRulesStayWhereTheJudgingSetCannotBeFilled) {
  ASSERT_TRUE(kernel_.Load(Leftovers()).ok());
  engine_.Stage(Wanted());
  kernel_.FailNext(OperationKind::kAddMembers,
                   absl::UnavailableError("not now"));
  kernel_.FailNext(OperationKind::kAddMembers,
                   absl::UnavailableError("not now"));
  EXPECT_FALSE(engine_.Sync().ok());
  EXPECT_THAT(RulesInKernel(kV4, "KUBE-POD-FW-OLD"), SizeIs(2));
  Sync();
  EXPECT_THAT(RulesInKernel(kV4, "KUBE-POD-FW-OLD"), ElementsAre("no chain"));
}

TEST_F(SyncEngineTakeoverTest, OnlyTheDifferenceIsWritten) {
  ASSERT_TRUE(kernel_.Load(Leftovers()).ok());
  engine_.Stage(Wanted());
  absl::StatusOr<Plan> plan = engine_.Preview();
  ASSERT_TRUE(plan.ok());
  EXPECT_THAT(plan->create_sets, IsEmpty());
  ASSERT_THAT(plan->tables, SizeIs(1));
  std::vector<std::string> chains;
  for (const PlannedChain& chain : plan->tables[0].chains)
    chains.push_back(chain.name.value());
  EXPECT_THAT(chains,
              UnorderedElementsAre("KUBE-ROUTER-INPUT", "KUBE-ROUTER-FORWARD",
                                   "KUBE-ROUTER-OUTPUT", "KUBE-POD-FW-OLD"));
  EXPECT_EQ(plan->tables[0].hooks, HookChange::kNone);
  kernel_.ClearLog();
  const SyncReport report = Sync();
  EXPECT_THAT(
      Deeds(kernel_),
      ElementsAre("AddMembers KUBE-SRC-A", "AddMembers kube-router-local-pods",
                  "CommitTable IPv4", "RemoveMembers KUBE-SRC-A",
                  "DestroySet KUBE-SRC-OLD"));
  EXPECT_EQ(report.chains_removed, 1);
  EXPECT_THAT(MembersInKernel("KUBE-SRC-A"),
              ElementsAre("10.0.0.1", "10.0.0.2"));
  EXPECT_THAT(RulesInKernel(kV4, "KUBE-POD-FW-OLD"), ElementsAre("no chain"));
  EXPECT_TRUE(engine_.Preview()->empty());
}

TEST_F(SyncEngineTakeoverTest, RestartedEngineFindsNothingToDo) {
  Apply(Wanted());
  SyncEngine second(&kernel_, {kV4});
  second.Stage(Wanted());
  absl::StatusOr<SyncReport> report = second.Sync();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->writes.total(), 0u);
}

TEST_F(SyncEngineTakeoverTest, HooksInTheWrongPlaceAreMovedAndOthersStay) {
  Apply(Wanted());
  kernel_.table(kV4).InsertForeignRule("FORWARD", 0);
  engine_.QueueResync();
  kernel_.ClearLog();
  Apply({});
  EXPECT_THAT(Deeds(kernel_), ElementsAre("CommitTable IPv4"));
  EXPECT_TRUE(kernel_.table(kV4).Observe().hooks_in_place);
  EXPECT_EQ(kernel_.table(kV4).foreign_rules("FORWARD"), 1);
}

TEST_F(SyncEngineTakeoverTest, WhatWasDoneBehindOurBackIsMendedAfterALook) {
  Apply(Wanted());
  kernel_.table(kV4).Flush(ChainName(kForwardChain));
  kernel_.table(kV4).RemoveJumps();
  kernel_.sets().Flush(SetName("KUBE-SRC-A"));
  kernel_.ClearLog();
  Apply({});
  EXPECT_THAT(Deeds(kernel_), IsEmpty()) << "nobody has looked";
  engine_.QueueResync();
  Apply({});
  EXPECT_THAT(RulesInKernel(kV4, kForwardChain), SizeIs(1));
  EXPECT_TRUE(kernel_.table(kV4).Observe().hooks_in_place);
  EXPECT_THAT(MembersInKernel("KUBE-SRC-A"),
              ElementsAre("10.0.0.1", "10.0.0.2"));
  EXPECT_TRUE(engine_.Preview()->empty());
}

TEST_F(SyncEngineTakeoverTest, TableThatSomebodyEmptiedIsBuiltAgain) {
  Apply(Wanted());
  kernel_.table(kV4).Clear();
  engine_.QueueResync();
  Apply({});
  EXPECT_THAT(RulesInKernel(kV4, kPolicy), SizeIs(1));
  EXPECT_TRUE(kernel_.table(kV4).Observe().hooks_in_place);
}

TEST_F(SyncEngineTakeoverTest, SetWithContentThatIsNotOursIsReplaced) {
  Snapshot left = Leftovers();
  left.sets[SetName("KUBE-SRC-A")].foreign_content = true;
  ASSERT_TRUE(kernel_.Load(left).ok());
  engine_.Stage(Wanted());
  const SyncReport report = Sync();
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.sets_replaced, 1);
  EXPECT_THAT(MembersInKernel("KUBE-SRC-A"),
              ElementsAre("10.0.0.1", "10.0.0.2"));
  EXPECT_FALSE(
      kernel_.sets().FindOrNull(SetName("KUBE-SRC-A"))->foreign_content);
  EXPECT_TRUE(engine_.Preview()->empty());
}

TEST_F(SyncEngineTakeoverTest, RuleThatCannotBeReadIsWrittenAnew) {
  Apply(Wanted());
  Rule foreign = AcceptFrom("KUBE-SRC-A");
  foreign.foreign = "a match of its own";
  ASSERT_TRUE(kernel_.table(kV4).Put({ChainName(kPolicy), {foreign}}).ok());
  engine_.QueueResync();
  Apply({});
  EXPECT_THAT(RulesInKernel(kV4, kPolicy),
              ElementsAre(AcceptFrom("KUBE-SRC-A").ToString(kV4)));
}

TEST_F(SyncEngineTakeoverTest, FamilyThatIsNotOursToKeepIsLeftAlone) {
  RulesetChange v6 = Base(kV6);
  SyncEngine other(&kernel_, {kV6});
  other.Stage(std::move(v6));
  ASSERT_TRUE(other.Sync().ok());
  Apply(Wanted());
  EXPECT_TRUE(kernel_.table(kV6).Observe().hooks_in_place);
  EXPECT_TRUE(SetInKernel("inet6:kube-router-local-pods"));
  engine_.WantNothing();
  Sync();
  EXPECT_TRUE(kernel_.table(kV6).Observe().hooks_in_place);
  EXPECT_TRUE(SetInKernel("inet6:kube-router-local-pods"));
}

}  // namespace
}  // namespace netpol
