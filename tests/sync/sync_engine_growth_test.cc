// Sets that grow: rebuilt in time, seldom, and never at the cost of a packet.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/sync/engine_fixture.h"

namespace netpol {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kGrowing[] = "KUBE-SRC-A";

SetMember NumberedMember(int number) {
  return SetMember::Address({kV4, absl::uint128(0x0a000000) + number});
}

// Members first to last of kGrowing come, or go.
std::vector<MemberChange> Members(int first, int last, bool present) {
  std::vector<MemberChange> changes;
  for (int i = first; i <= last; ++i)
    changes.push_back({SetName(kGrowing), NumberedMember(i), present});
  return changes;
}

RulesetChange Comes(int first, int last) {
  RulesetChange change;
  change.members = Members(first, last, true);
  return change;
}

class SyncEngineGrowthTest : public EngineTest {
 protected:
  // kGrowing with members 1 to `count`, and a rule that uses it.
  void Start(int count) {
    RulesetChange change = Base(kV4);
    change.sets.push_back(Allowing(kGrowing, {}));
    for (int i = 1; i <= count; ++i)
      change.sets.back().members.push_back(NumberedMember(i));
    change.table(kV4).chains.back().rules = {AcceptFrom(kGrowing)};
    Apply(std::move(change));
    kernel_.ClearLog();
  }
  uint32_t HashSize(absl::string_view set = kGrowing) const {
    return kernel_.sets().FindOrNull(SetName(set))->hash_size;
  }
};

TEST_F(SyncEngineGrowthTest, SetThatOutgrowsItsHashIsReplacedUnderItsRules) {
  Start(10);
  EXPECT_EQ(HashSize(), 64u);
  Apply(Comes(11, 2000));
  EXPECT_THAT(Deeds(kernel_), ElementsAre("ReplaceSet KUBE-SRC-A"));
  EXPECT_EQ(HashSize(), 2048u);
  EXPECT_THAT(MembersInKernel(kGrowing), SizeIs(2000));
  EXPECT_EQ(kernel_.sets().doublings(), 0);
  EXPECT_TRUE(engine_.Preview()->empty());
}

TEST_F(SyncEngineGrowthTest, SetThatGrowsWithinItsHashIsOnlyAddedTo) {
  Start(2000);
  const SyncReport report = Apply(Comes(2001, 4000));
  EXPECT_THAT(Deeds(kernel_), ElementsAre("AddMembers KUBE-SRC-A"));
  EXPECT_EQ(report.members_added, 2000);
}

TEST_F(SyncEngineGrowthTest, SetThatGrowsOneByOneIsSeldomRebuilt) {
  Start(1);
  int replaced = 0;
  for (int i = 2; i <= 20000; ++i) replaced += Apply(Comes(i, i)).sets_replaced;
  // At 129, 513, 2049 and 8193.
  EXPECT_EQ(replaced, 4);
  EXPECT_EQ(kernel_.sets().doublings(), 0) << "and the kernel never waited";
  EXPECT_THAT(MembersInKernel(kGrowing), SizeIs(20000));
}

TEST_F(SyncEngineGrowthTest, LargeSetIsLeftToTheKernelWhenOneDoublingDoes) {
  Start(10000);
  EXPECT_EQ(HashSize(), 16384u);
  EXPECT_EQ(Apply(Comes(10001, 32769)).sets_replaced, 0);
  EXPECT_EQ(Apply(Comes(32770, 65536)).sets_replaced, 0);
}

TEST_F(SyncEngineGrowthTest, SetThatShrankIsNotRebuilt) {
  Start(5000);
  RulesetChange change;
  change.members = Members(10, 5000, false);
  Apply(std::move(change));
  EXPECT_THAT(Deeds(kernel_), ElementsAre("RemoveMembers KUBE-SRC-A"));
  kernel_.ClearLog();
  Apply(Comes(10, 20));
  EXPECT_THAT(Deeds(kernel_), ElementsAre("AddMembers KUBE-SRC-A"));
  EXPECT_EQ(HashSize(), 8192u);
}

TEST_F(SyncEngineGrowthTest, CrowdedSetIsNotRebuiltWhenMembersOnlyGo) {
  Start(1000);
  ObservedSet crowded = *kernel_.sets().FindOrNull(SetName(kGrowing));
  crowded.hash_size = 128;
  kernel_.sets().Put(crowded);
  engine_.QueueResync();
  RulesetChange change;
  change.members = Members(1000, 1000, false);
  Apply(std::move(change));
  EXPECT_THAT(Deeds(kernel_), ElementsAre("RemoveMembers KUBE-SRC-A"));
}

TEST_F(SyncEngineGrowthTest, HashIsLearnedFromTheKernel) {
  Start(1000);
  ObservedSet roomy = *kernel_.sets().FindOrNull(SetName(kGrowing));
  roomy.hash_size = 2048;
  kernel_.sets().Put(roomy);
  SyncEngine successor(&kernel_, {kV4});
  RulesetChange change = Base(kV4);
  change.sets.push_back(Allowing(kGrowing, {}));
  for (int i = 1; i <= 4096; ++i)
    change.sets.back().members.push_back(NumberedMember(i));
  change.table(kV4).chains.back().rules = {AcceptFrom(kGrowing)};
  successor.Stage(change);
  ASSERT_EQ(successor.Sync()->sets_replaced, 0) << "2048 buckets suffice";
  successor.Stage(Comes(4097, 4097));
  EXPECT_EQ(successor.Sync()->sets_replaced, 1);
}

// ---- Nothing visible is half done.

TEST_F(SyncEngineGrowthTest, WhatGoesStaysInTheNewContentUntilTheRulesChanged) {
  Start(100);
  RulesetChange change = Comes(101, 1000);
  for (const MemberChange& gone : Members(1, 50, false))
    change.members.push_back(gone);
  change.table(kV4).chains = {{ChainName(kPolicy), {}}};
  size_t members_at_commit = 0;
  kernel_.set_gate([&](const Operation& operation) {
    if (operation.kind == OperationKind::kCommitTable)
      members_at_commit = MembersInKernel(kGrowing).size();
    return absl::OkStatus();
  });
  Apply(std::move(change));
  EXPECT_EQ(members_at_commit, 1000u);
  EXPECT_THAT(Deeds(kernel_),
              ElementsAre("ReplaceSet KUBE-SRC-A", "CommitTable IPv4",
                          "RemoveMembers KUBE-SRC-A"));
  EXPECT_THAT(MembersInKernel(kGrowing), SizeIs(950));
}

TEST_F(SyncEngineGrowthTest, SetThatJudgesIsFilledInPlaceAfterTheRules) {
  Start(10);
  RulesetChange change;
  for (int i = 1; i <= 1000; ++i)
    change.members.push_back({SetName(kJudged), NumberedMember(i), true});
  change.table(kV4).chains = {{ChainName(kPolicy), {}}};
  Apply(std::move(change));
  EXPECT_THAT(Deeds(kernel_), ElementsAre("CommitTable IPv4",
                                          "AddMembers kube-router-local-pods"));
}

TEST_F(SyncEngineGrowthTest, SetThatJudgesBeyondItsCapacityWaitsForTheRules) {
  Start(10);
  ObservedSet small = *kernel_.sets().FindOrNull(SetName(kJudged));
  small.spec.max_elements = 2;
  kernel_.sets().Put(small);
  engine_.QueueResync();
  RulesetChange change;
  for (int i = 1; i <= 3; ++i)
    change.members.push_back({SetName(kJudged), NumberedMember(i), true});
  change.table(kV4).chains = {{ChainName(kPolicy), {}}};
  size_t judged_at_commit = 99;
  kernel_.set_gate([&](const Operation& operation) {
    if (operation.kind == OperationKind::kCommitTable)
      judged_at_commit = MembersInKernel(kJudged).size();
    return absl::OkStatus();
  });
  Apply(std::move(change));
  EXPECT_EQ(judged_at_commit, 0u);
  EXPECT_THAT(MembersInKernel(kJudged), SizeIs(3));
  EXPECT_TRUE(engine_.Preview()->empty());
}

TEST_F(SyncEngineGrowthTest, SetThatCannotBeRebuiltIsFilledInPlace) {
  Start(10);
  kernel_.FailNext(OperationKind::kReplaceSet,
                   absl::ResourceExhaustedError("no room for another set"));
  engine_.Stage(Comes(11, 1000));
  const SyncReport report = Sync();
  EXPECT_THAT(report.problems, ElementsAre(HasSubstr(kGrowing)));
  EXPECT_TRUE(report.retry);
  EXPECT_EQ(report.members_added, 990);
  EXPECT_THAT(MembersInKernel(kGrowing), SizeIs(1000));
  EXPECT_THAT(Sync().problems, IsEmpty());
}

// ---- Order of creation.

SetContent Sized(absl::string_view name, int members, SetType type) {
  SetContent content = Allowing(name, {});
  content.type = type;
  for (int i = 1; i <= members; ++i)
    content.members.push_back(NumberedMember(i));
  return content;
}

TEST_F(SyncEngineGrowthTest, SetsAreCreatedInTheOrderOfHowOftenTheyChange) {
  RulesetChange change = Base(kV4);
  change.sets.push_back(Sized("KUBE-SRC-BLOCKS", 90, SetType::kHashNet));
  change.sets.push_back(Sized("KUBE-SRC-A", 1, SetType::kHashIp));
  change.sets.push_back(Sized("KUBE-SRC-B", 20, SetType::kHashIp));
  change.sets.push_back(Sized("KUBE-SRC-C", 1, SetType::kHashIp));
  change.sets.push_back(Sized("KUBE-DST-D", 0, SetType::kHashIp));
  engine_.Stage(change);
  Sync();
  std::vector<std::string> created = Deeds(kernel_);
  created.resize(6);
  EXPECT_THAT(
      created,
      ElementsAre("CreateSet kube-router-local-pods", "CreateSet KUBE-SRC-B",
                  "CreateSet KUBE-SRC-A", "CreateSet KUBE-SRC-C",
                  "CreateSet KUBE-DST-D", "CreateSet KUBE-SRC-BLOCKS"));
}

}  // namespace
}  // namespace netpol
