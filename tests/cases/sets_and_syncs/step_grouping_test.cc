// C078, and every other case in steps: what a sync leaves depends on the
// objects alone, not on how they came to be.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/cases/case_folders.h"
#include "tests/cases/sets_and_syncs/memory_node.h"

namespace netpol {
namespace {

using testing::HasSubstr;
using testing::Not;

// Tells all steps; syncs after step i if bit i of `syncs` is set, and at the
// end.
void FollowGrouped(MemoryNode& node, const std::vector<CaseStep>& steps,
                   unsigned syncs) {
  for (size_t i = 0; i < steps.size(); ++i) {
    node.TellStep(steps[i]);
    if (((syncs >> i) & 1) != 0) node.Sync();
  }
  node.Sync();
}

TEST(StepGroupingTest, C078StepsBackToBackEndWithTheLastVersion) {
  const std::vector<CaseStep> steps = StepsOf("C078");
  ASSERT_EQ(steps.size(), 4u);
  MemoryNode node;
  FollowGrouped(node, steps, 0);
  node.ExpectVerdicts(steps.back().checks);
  EXPECT_THAT(node.contents(), HasSubstr("203.0.113.128/25"));
  EXPECT_THAT(node.contents(), Not(HasSubstr("198.51.100.")))
      << "blocks of versions that are over";
}

TEST(StepGroupingTest, C078BackToBackOnARunningNodeTouchesOneSetAndOneChain) {
  const std::vector<CaseStep> steps = StepsOf("C078");
  MemoryNode node;
  FollowGrouped(node, {steps[0]}, 0);
  for (size_t i = 1; i < steps.size(); ++i) node.TellStep(steps[i]);
  const SyncReport report = node.Sync();
  EXPECT_EQ(report.writes.table_commits, 1u) << "four versions, one commit";
  EXPECT_EQ(report.chains_written, 1);
  EXPECT_EQ(report.sets_created, 1);
  EXPECT_EQ(report.sets_destroyed, 1);
  node.ExpectVerdicts(steps.back().checks);
}

TEST(StepGroupingTest, C078HundredVersionsOfOneNameEndWithTheLast) {
  const std::vector<CaseStep> steps = StepsOf("C078");
  MemoryNode node;
  node.TellStep(steps[0]);
  for (int round = 0; round < 100; ++round) {
    for (size_t i = 1; i < steps.size(); ++i) node.TellStep(steps[i]);
    if (round % 10 == 0) node.Sync();
  }
  node.Sync();
  node.ExpectVerdicts(steps.back().checks);
  EXPECT_EQ(node.contents(), FreshContents(node.cluster()));
}

TEST(StepGroupingTest, EveryGroupingOfEveryCaseEndsAsAFreshStart) {
  int runs = 0;
  for (const std::string& id : CaseIds()) {
    const std::vector<CaseStep> steps = StepsOf(id);
    for (unsigned syncs = 0; syncs < (1u << (steps.size() - 1)); ++syncs) {
      SCOPED_TRACE(absl::StrCat(id, " syncs ", syncs));
      MemoryNode node;
      FollowGrouped(node, steps, syncs);
      node.ExpectVerdicts(steps.back().checks);
      EXPECT_EQ(node.contents(), FreshContents(node.cluster()));
      ++runs;
    }
  }
  EXPECT_GT(runs, 100);
}

TEST(StepGroupingTest, EveryStepOfEveryCaseLeavesNoMoreThanAFreshStart) {
  for (const std::string& id : CaseIds()) {
    MemoryNode node;
    for (const CaseStep& step : StepsOf(id)) {
      SCOPED_TRACE(absl::StrCat(id, " step ", step.number));
      node.TellStep(step);
      node.Sync();
      EXPECT_EQ(node.contents(), FreshContents(node.cluster()));
    }
  }
}

TEST(StepGroupingTest, C006OrderOfArrivalDoesNotMatter) {
  const std::vector<CaseStep> steps = StepsOf("C006");
  ASSERT_EQ(steps.size(), 3u);
  std::vector<size_t> order = {0, 1, 2};
  do {
    SCOPED_TRACE(absl::StrCat(order[0], order[1], order[2]));
    MemoryNode node;
    for (size_t i : order) {
      node.TellStep(steps[i]);
      node.Sync();
    }
    node.ExpectVerdicts(steps.back().checks);
    EXPECT_EQ(node.contents(), FreshContents(node.cluster()));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(StepGroupingTest, C012NothingOfTheLastPolicyStaysBehind) {
  const std::vector<CaseStep> steps = StepsOf("C012");
  ASSERT_EQ(steps.size(), 3u);
  MemoryNode node;
  node.Follow({steps[0], steps[1]});
  EXPECT_THAT(node.contents(), HasSubstr("pt/both"));
  node.Follow({steps[2]});
  EXPECT_THAT(node.contents(), Not(HasSubstr("pt/both")));
  EXPECT_EQ(node.contents(), FreshContents(node.cluster()));
  EXPECT_EQ(PeerMembers(node.state()), 0u);
}

}  // namespace
}  // namespace netpol
