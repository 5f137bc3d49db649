// More sets than there may be: those that there are go on working, the rest is
// left out, named, and made up for when there is room.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/random.h"
#include "tests/sync/engine_fixture.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr size_t kLimit = 4;

// Sets `names`, with a rule of kPolicy that allows by each, named as the set.
RulesetChange WithSets(const std::vector<std::string>& names) {
  RulesetChange change;
  std::vector<Rule> rules;
  for (const std::string& name : names) {
    change.sets.push_back(Allowing(name, {"10.0.0.1"}));
    rules.push_back(AcceptFrom(name));
    rules.back().comment = absl::StrCat("for ", name);
  }
  change.table(kV4).chains = {{ChainName(kPolicy), std::move(rules)}};
  return change;
}

class SyncEngineLimitTest : public testing::Test {
 protected:
  SyncEngineLimitTest() : engine_(&kernel_, {kV4}, {kLimit}) {
    engine_.Stage(Base(kV4));
  }

  SyncReport Sync() {
    absl::StatusOr<SyncReport> report = engine_.Sync();
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *std::move(report) : SyncReport();
  }
  SyncReport Apply(RulesetChange change) {
    engine_.Stage(std::move(change));
    return Sync();
  }
  std::vector<std::string> SetsInKernel() const {
    std::vector<std::string> names;
    for (const auto& [name, set] : kernel_.sets().all())
      names.push_back(name.value());
    return names;
  }
  // By which sets the rules in the kernel allow.
  std::vector<std::string> Allowed() const {
    std::vector<std::string> names;
    const ObservedTable table = kernel_.table(kV4).Observe();
    for (const Rule& rule : table.chains.at(ChainName(kPolicy)))
      names.push_back(absl::get<SetMatch>(rule.matches[0]).set.value());
    return names;
  }
  int Reads() const {
    int reads = 0;
    for (const Operation& operation : kernel_.log())
      reads += operation.kind == OperationKind::kRead ? 1 : 0;
    return reads;
  }

  FakeDataplane kernel_;
  SyncEngine engine_;
};

TEST_F(SyncEngineLimitTest, SetBeyondTheLimitCostsOnlyTheRulesThatUseIt) {
  const SyncReport report =
      Apply(WithSets({"KUBE-SRC-A", "KUBE-SRC-B", "KUBE-SRC-C", "KUBE-SRC-D"}));
  EXPECT_THAT(
      report.problems,
      ElementsAre("set KUBE-SRC-D: not created: of at most 4 sets 0 exist "
                  "already, 0 of them of others; remove sets that nobody "
                  "needs, or ask for fewer; left out: \"for KUBE-SRC-D\""));
  EXPECT_TRUE(report.retry);
  EXPECT_THAT(SetsInKernel(), ElementsAre("KUBE-SRC-A", "KUBE-SRC-B",
                                          "KUBE-SRC-C", std::string(kJudged)));
  EXPECT_THAT(Allowed(), ElementsAre("KUBE-SRC-A", "KUBE-SRC-B", "KUBE-SRC-C"));
  EXPECT_TRUE(kernel_.table(kV4).Observe().hooks_in_place);
}

TEST_F(SyncEngineLimitTest, SetsUpToTheLimitAreNoProblem) {
  const SyncReport report =
      Apply(WithSets({"KUBE-SRC-A", "KUBE-SRC-B", "KUBE-SRC-C"}));
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_FALSE(report.retry);
  EXPECT_EQ(report.sets_created, 4);
}

TEST_F(SyncEngineLimitTest, WhatExistsStaysAndTheNewestAreLeftOut) {
  Apply(WithSets({"KUBE-SRC-M", "KUBE-SRC-N"}));
  // The names of the new come first in their order; a chain is rewritten that
  // uses old and new.
  EXPECT_THAT(
      Apply(WithSets({"KUBE-SRC-A", "KUBE-SRC-B", "KUBE-SRC-M", "KUBE-SRC-N"}))
          .problems,
      ElementsAre(HasSubstr("KUBE-SRC-B")));
  EXPECT_THAT(Allowed(), ElementsAre("KUBE-SRC-A", "KUBE-SRC-M", "KUBE-SRC-N"));
}

TEST_F(SyncEngineLimitTest, WhoWaitedLongerIsMadeFirst) {
  Apply(WithSets({"KUBE-SRC-M", "KUBE-SRC-N", "KUBE-SRC-O", "KUBE-SRC-Z"}));
  RulesetChange change =
      WithSets({"KUBE-SRC-A", "KUBE-SRC-N", "KUBE-SRC-O", "KUBE-SRC-Z"});
  change.gone_sets = {SetName("KUBE-SRC-M")};
  // M is there until the rules have changed, so that its room is free only
  // then.
  EXPECT_THAT(Apply(std::move(change)).problems, SizeIs(2));
  EXPECT_THAT(Sync().problems, ElementsAre(HasSubstr("KUBE-SRC-A")));
  EXPECT_THAT(Allowed(), ElementsAre("KUBE-SRC-N", "KUBE-SRC-O", "KUBE-SRC-Z"));
}

TEST_F(SyncEngineLimitTest, NothingIsWrittenOrReadAgainWhileThereIsNoRoom) {
  Apply(WithSets({"KUBE-SRC-A", "KUBE-SRC-B", "KUBE-SRC-C", "KUBE-SRC-D"}));
  kernel_.ClearLog();
  const SyncReport again = Sync();
  EXPECT_THAT(kernel_.log(), IsEmpty());
  EXPECT_THAT(again.problems, ElementsAre(HasSubstr("KUBE-SRC-D")));
  EXPECT_TRUE(again.retry);
  // Everything else goes on.
  RulesetChange change;
  change.members = {Present("KUBE-SRC-A", "10.0.0.2")};
  EXPECT_EQ(Apply(std::move(change)).writes.total(), 1u);
  EXPECT_EQ(Reads(), 0);
}

TEST_F(SyncEngineLimitTest, LeftOutRulesComeBackWhenSetsGo) {
  Apply(WithSets({"KUBE-SRC-A", "KUBE-SRC-B", "KUBE-SRC-C", "KUBE-SRC-D"}));
  RulesetChange change = WithSets({"KUBE-SRC-A", "KUBE-SRC-D"});
  change.gone_sets = {SetName("KUBE-SRC-B"), SetName("KUBE-SRC-C")};
  Apply(std::move(change));
  EXPECT_THAT(Allowed(), ElementsAre("KUBE-SRC-A"));
  const SyncReport report = Sync();
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_FALSE(report.retry);
  EXPECT_THAT(Allowed(), ElementsAre("KUBE-SRC-A", "KUBE-SRC-D"));
  EXPECT_TRUE(engine_.Preview()->empty());
}

TEST_F(SyncEngineLimitTest, SetsOfOthersCountAndAreCountedAgain) {
  kernel_.sets().set_foreign_count(2);
  EXPECT_THAT(Apply(WithSets({"KUBE-SRC-A", "KUBE-SRC-B"})).problems,
              ElementsAre(AllOf(HasSubstr("KUBE-SRC-B"),
                                HasSubstr("2 of them of others"))));
  kernel_.sets().set_foreign_count(1);
  EXPECT_THAT(Sync().problems, IsEmpty());
  EXPECT_THAT(Allowed(), ElementsAre("KUBE-SRC-A", "KUBE-SRC-B"));
}

TEST_F(SyncEngineLimitTest, SetsOfFixedPurposeAreMadeBeyondTheLimit) {
  kernel_.sets().set_foreign_count(kLimit + 10);
  RulesetChange change = WithSets({"KUBE-SRC-A"});
  SetContent refusing = Allowing("kube-router-pod-cidrs", {"10.0.0.1"});
  refusing.effect = SetEffect::kRefuses;
  change.sets.push_back(refusing);
  EXPECT_THAT(Apply(std::move(change)).problems,
              ElementsAre(HasSubstr("KUBE-SRC-A")));
  EXPECT_THAT(SetsInKernel(),
              ElementsAre(std::string(kJudged), "kube-router-pod-cidrs"));
  EXPECT_TRUE(kernel_.table(kV4).Observe().hooks_in_place);
}

TEST_F(SyncEngineLimitTest, PlanSaysWhatIsRefused) {
  engine_.Stage(
      WithSets({"KUBE-SRC-A", "KUBE-SRC-B", "KUBE-SRC-C", "KUBE-SRC-D"}));
  const absl::StatusOr<Plan> plan = engine_.Preview();
  ASSERT_TRUE(plan.ok());
  EXPECT_THAT(plan->ToString(),
              AllOf(HasSubstr("! set KUBE-SRC-D not created"),
                    HasSubstr("+ set KUBE-SRC-C"),
                    testing::Not(HasSubstr("+ set KUBE-SRC-D"))));
}

TEST(SyncEngineDefaultLimitTest, SetsAreRefusedLongBeforeTheKernelDoes) {
  FakeDataplane kernel;
  kernel.sets().set_foreign_count(59998);
  SyncEngine engine(&kernel, {kV4});
  engine.Stage(Base(kV4));
  engine.Stage(WithSets({"KUBE-SRC-A", "KUBE-SRC-B"}));
  const absl::StatusOr<SyncReport> report = engine.Sync();
  ASSERT_TRUE(report.ok());
  EXPECT_THAT(report->problems, ElementsAre(HasSubstr("KUBE-SRC-B")));
}

// The sets that rules use are there, at most kLimit, and in the end everything
// that has room.
TEST(SyncEngineLimitRandomTest, AnySequenceHealsOnceThereIsRoom) {
  int refusals = 0;
  for (int seed = 1; seed <= 100; ++seed) {
    Random random(seed);
    FakeDataplane kernel;
    SyncEngine engine(&kernel, {kV4}, {kLimit});
    engine.Stage(Base(kV4));
    std::map<std::string, bool> wanted;
    for (int round = 0; round < 30; ++round) {
      for (int i = random.Between(1, 3); i > 0; --i)
        wanted[absl::StrCat("KUBE-SRC-", random.Between(0, 6))] =
            random.Chance(55);
      kernel.sets().set_foreign_count(random.Chance(20) ? 1 : 0);
      std::vector<std::string> names;
      std::vector<SetName> gone;
      for (const auto& [name, on] : wanted) {
        if (on) names.push_back(name);
        if (!on) gone.push_back(SetName(name));
      }
      RulesetChange change = WithSets(names);
      change.gone_sets = gone;
      engine.Stage(std::move(change));
      absl::StatusOr<SyncReport> report = engine.Sync();
      ASSERT_TRUE(report.ok()) << report.status();
      ASSERT_LE(kernel.sets().all().size(), kLimit) << seed << "/" << round;
      refusals += static_cast<int>(report->problems.size());
      if (names.size() >= kLimit) continue;
      kernel.sets().set_foreign_count(0);
      engine.QueueResync();
      ASSERT_TRUE(engine.Sync().ok());
      report = engine.Sync();
      ASSERT_TRUE(report.ok());
      ASSERT_THAT(report->problems, IsEmpty()) << seed << "/" << round;
      ASSERT_EQ(kernel.sets().all().size(), names.size() + 1);
      ASSERT_TRUE(engine.Preview()->empty());
    }
  }
  EXPECT_GT(refusals, 500);
}

}  // namespace
}  // namespace netpol
