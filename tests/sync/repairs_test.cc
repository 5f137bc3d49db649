// What the engine says of others' changes, and of the time that it took.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/fake_dataplane.h"
#include "netpol/testing/forwarding_dataplane.h"
#include "tests/sync/engine_fixture.h"

namespace netpol {
namespace {

using testing::ElementsAre;

// Two families, an allowing set with two members in IPv4's rules.
class RepairsTest : public EngineTest {
 protected:
  RepairsTest() : EngineTest({kV4, kV6}) {}

  static RulesetChange Wanted() {
    RulesetChange change = Base(kV4);
    RulesetChange other = Base(kV6);
    change.sets.push_back(other.sets[0]);
    change.table(kV6) = std::move(other.table(kV6));
    change.sets.push_back(Allowing("KUBE-SRC-A", {"10.0.0.1", "10.0.0.2"}));
    change.table(kV4).chains.back().rules = {AcceptFrom("KUBE-SRC-A")};
    return change;
  }

  // Repairs that the next sync reports when it reads the kernel anew.
  int RepairsFound() {
    engine_.QueueResync();
    return static_cast<int>(Sync().repaired.size());
  }
};

TEST_F(RepairsTest, WhatTheFirstReadingFindsIsNoRepair) {
  Snapshot left;
  ObservedSet set;
  set.spec.name = SetName("KUBE-SRC-A");
  set.members = {Member("10.0.0.9")};
  left.sets[set.spec.name] = set;
  left.table(kV4).chains[ChainName("KUBE-POD-FW-OLD")] = {};
  ASSERT_TRUE(kernel_.Load(left).ok());
  const SyncReport report = Apply(Wanted());
  EXPECT_EQ(report.chains_removed, 1);
  EXPECT_EQ(report.repaired.size(), 0u);
}

TEST_F(RepairsTest, OwnChangesAreNoRepairs) {
  Apply(Wanted());
  EXPECT_EQ(RepairsFound(), 0);
  RulesetChange change;
  change.members = {Present("KUBE-SRC-A", "10.0.0.3"),
                    Absent("KUBE-SRC-A", "10.0.0.1")};
  change.table(kV4).gone_chains = {ChainName(kPolicy)};
  for (absl::string_view hook : {kInputChain, kForwardChain, kOutputChain})
    change.table(kV4).chains.push_back({ChainName(hook), {}});
  change.gone_sets = {SetName(kV6, kJudged)};
  change.table(kV6) = change.table(kV4);
  Apply(std::move(change));
  EXPECT_EQ(RepairsFound(), 0);
  EXPECT_EQ(RepairsFound(), 0);
}

TEST_F(RepairsTest, EachThingThatSomebodyChangedCountsOnce) {
  Apply(Wanted());
  kernel_.table(kV4).Flush(ChainName(kPolicy));
  kernel_.sets().Flush(SetName("KUBE-SRC-A"));
  EXPECT_EQ(Sync().repaired.size(), 0u) << "nobody has looked";
  EXPECT_EQ(RepairsFound(), 2);
  EXPECT_THAT(MembersInKernel("KUBE-SRC-A"),
              ElementsAre("10.0.0.1", "10.0.0.2"));
  EXPECT_EQ(RepairsFound(), 0);
}

TEST_F(RepairsTest, HooksCountForEachFamily) {
  Apply(Wanted());
  kernel_.table(kV4).RemoveJumps();
  EXPECT_EQ(RepairsFound(), 1);
  kernel_.table(kV4).RemoveJumps();
  kernel_.table(kV6).InsertForeignRule("FORWARD", 0);
  EXPECT_EQ(RepairsFound(), 2);
  EXPECT_EQ(RepairsFound(), 0);
}

TEST_F(RepairsTest, WhatSomebodyAddsUnderOurNamesCountsWhenItIsTakenAway) {
  Apply(Wanted());
  ObservedSet set;
  set.spec.name = SetName("KUBE-SRC-THEIRS");
  kernel_.sets().Put(set);
  ASSERT_TRUE(
      kernel_.table(kV4).Put({ChainName("KUBE-POD-FW-THEIRS"), {}}).ok());
  ASSERT_TRUE(kernel_.sets()
                  .Add({SetName("KUBE-SRC-A"), SetType::kHashIp, kV4, 65536},
                       {Member("10.6.6.6")})
                  .ok());
  EXPECT_EQ(RepairsFound(), 3);
  EXPECT_FALSE(SetInKernel("KUBE-SRC-THEIRS"));
  EXPECT_THAT(MembersInKernel("KUBE-SRC-A"),
              ElementsAre("10.0.0.1", "10.0.0.2"));
}

TEST_F(RepairsTest, TableThatSomebodyEmptiedCountsWithAllThatWasInIt) {
  Apply(Wanted());
  kernel_.table(kV4).Clear();
  // Four chains, and the hooks.
  EXPECT_EQ(RepairsFound(), 5);
  EXPECT_THAT(RulesInKernel(kV4, kPolicy),
              ElementsAre(testing::HasSubstr("KUBE-SRC-A")));
}

TEST_F(RepairsTest, ChangeByOthersThatIsWantedMeanwhileIsNone) {
  Apply(Wanted());
  ASSERT_TRUE(kernel_.sets()
                  .Add({SetName("KUBE-SRC-A"), SetType::kHashIp, kV4, 65536},
                       {Member("10.0.0.3")})
                  .ok());
  RulesetChange change;
  change.members = {Present("KUBE-SRC-A", "10.0.0.3")};
  engine_.Stage(std::move(change));
  EXPECT_EQ(RepairsFound(), 0);
}

TEST_F(RepairsTest, ChangeByOthersToWhatIsToChangeAnywayIsOne) {
  Apply(Wanted());
  kernel_.table(kV4).Flush(ChainName(kPolicy));
  RulesetChange change;
  change.table(kV4).chains.push_back(
      {ChainName(kPolicy),
       {AcceptFrom("KUBE-SRC-A"), AcceptFrom("KUBE-SRC-A")}});
  engine_.Stage(std::move(change));
  EXPECT_EQ(RepairsFound(), 1);
}

TEST_F(RepairsTest, OnlyWhatIsMendedCountsAndTheRestWhenItIs) {
  Apply(Wanted());
  kernel_.table(kV4).Flush(ChainName(kPolicy));
  kernel_.sets().Flush(SetName("KUBE-SRC-A"));
  kernel_.FailNext(OperationKind::kCommitTable,
                   absl::UnavailableError("the lock is held"));
  engine_.QueueResync();
  // The set is mended, but no report says so.
  EXPECT_FALSE(engine_.Sync().ok());
  EXPECT_EQ(Sync().repaired.size(), 2u);
  kernel_.sets().Flush(SetName("KUBE-SRC-A"));
  kernel_.FailNext(OperationKind::kAddMembers,
                   absl::UnavailableError("no memory"));
  EXPECT_EQ(RepairsFound(), 0);
  EXPECT_EQ(Sync().repaired.size(), 1u);
}

// It was done though the answer was bad; and by the next reading it is not
// wanted any more.
TEST_F(RepairsTest, WhatAFailedStepLeftIsNobodyElses) {
  Apply(Wanted());
  const auto fail_after = [&](OperationKind kind, RulesetChange change,
                              RulesetChange back) {
    engine_.Stage(std::move(change));
    kernel_.FailNext(kind, absl::InternalError("no answer"),
                     FakeDataplane::FailurePoint::kAfter);
    const absl::StatusOr<SyncReport> failed = engine_.Sync();
    EXPECT_TRUE(!failed.ok() || !failed->problems.empty());
    engine_.Stage(std::move(back));
    kernel_.ClearLog();
    const SyncReport report = Sync();
    EXPECT_THAT(Deeds(kernel_), testing::Not(testing::IsEmpty()));
    EXPECT_EQ(report.repaired.size(), 0u) << OperationName(kind);
    EXPECT_TRUE(engine_.Preview()->empty());
  };
  RulesetChange add, remove;
  add.members = {Present("KUBE-SRC-A", "10.0.0.3")};
  remove.members = {Absent("KUBE-SRC-A", "10.0.0.3")};
  fail_after(OperationKind::kAddMembers, add, remove);
  Apply(add);
  fail_after(OperationKind::kRemoveMembers, remove, add);
  RulesetChange create, destroy;
  create.sets = {Allowing("KUBE-SRC-B", {"10.0.0.7"})};
  destroy.gone_sets = {SetName("KUBE-SRC-B")};
  fail_after(OperationKind::kCreateSet, create, destroy);
  Apply(create);
  fail_after(OperationKind::kDestroySet, destroy, create);
  RulesetChange write, back;
  write.table(kV4).chains = {{ChainName(kPolicy), {}},
                             {ChainName("KUBE-POD-FW-NEW"), {}}};
  back.table(kV4).chains = {{ChainName(kPolicy), {AcceptFrom("KUBE-SRC-A")}}};
  back.table(kV4).gone_chains = {ChainName("KUBE-POD-FW-NEW")};
  fail_after(OperationKind::kCommitTable, write, back);
  Apply(write);
  fail_after(OperationKind::kCommitTable, back, write);
}

TEST_F(RepairsTest, ContentThatCouldNotBePutInPlaceIsNobodyElses) {
  Apply(Wanted());
  RulesetChange grow;
  SetContent content = Allowing("KUBE-SRC-A", {});
  for (int i = 0; i < 1000; ++i)
    content.members.push_back(
        Member(absl::StrCat("10.1.", i / 250, ".", i % 250)));
  grow.sets = {content};
  engine_.Stage(std::move(grow));
  kernel_.FailNext(OperationKind::kReplaceSet,
                   absl::UnavailableError("no memory"));
  EXPECT_FALSE(Sync().problems.empty());
  ObservedSet left;
  left.spec.name = SetName("kube-router-tmp-0123456789ab");
  kernel_.sets().Put(left);
  EXPECT_EQ(Sync().repaired.size(), 0u);
  EXPECT_FALSE(SetInKernel(left.spec.name.value()));
}

TEST_F(RepairsTest, ALookBeforeTheSyncLosesNone) {
  Apply(Wanted());
  kernel_.table(kV4).Flush(ChainName(kPolicy));
  engine_.QueueResync();
  ASSERT_TRUE(engine_.Preview().ok());
  EXPECT_EQ(Sync().repaired.size(), 1u);
}

TEST_F(RepairsTest, TimesAreThoseOfWhatWasDone) {
  const SyncReport first = Apply(Wanted());
  EXPECT_GT(first.times.of(kV4).commit, absl::ZeroDuration());
  EXPECT_GT(first.times.of(kV6).commit, absl::ZeroDuration());
  EXPECT_GT(first.times.of(kV4).sets, absl::ZeroDuration());
  EXPECT_GE(first.times.engine,
            first.times.of(kV4).commit + first.times.of(kV4).sets +
                first.times.of(kV6).commit + first.times.of(kV6).sets);
  RulesetChange change;
  change.members = {Present("KUBE-SRC-A", "10.0.0.3")};
  const SyncReport second = Apply(std::move(change));
  EXPECT_EQ(second.times.of(kV4).commit, absl::ZeroDuration());
  EXPECT_EQ(second.times.of(kV6).sets, absl::ZeroDuration());
  EXPECT_GT(second.times.of(kV4).sets, absl::ZeroDuration());
  EXPECT_EQ(second.times.preparing, absl::ZeroDuration());
}

// A kernel that says how long it took to read a table.
class TimedKernel : public ForwardingDataplane {
 public:
  TimedKernel() : ForwardingDataplane(std::make_unique<FakeDataplane>()) {}
  absl::StatusOr<Snapshot> Read(absl::Span<const Family> families) override {
    absl::StatusOr<Snapshot> snapshot = ForwardingDataplane::Read(families);
    if (snapshot.ok()) snapshot->table(kV6).read_time = absl::Seconds(7);
    return snapshot;
  }
};

TEST(SyncTimesTest, ReadingIsToldOfWhereItHappened) {
  TimedKernel kernel;
  SyncEngine engine(&kernel, {kV4, kV6});
  engine.Stage(Base(kV4));
  engine.Stage(Base(kV6));
  EXPECT_EQ(engine.Sync()->times.of(kV6).read, absl::Seconds(7));
  EXPECT_EQ(engine.Sync()->times.of(kV6).read, absl::ZeroDuration());
  engine.QueueResync();
  EXPECT_EQ(engine.Sync()->times.of(kV6).read, absl::Seconds(7));
}

}  // namespace
}  // namespace netpol
