// C075: rules first, sets afterwards; a set that cannot be destroyed blocks
// nothing and is gone one sync after it can be.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cases/sets_and_syncs/memory_node.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// How the removal of a set may fail.
struct DestroyFailure {
  absl::Status status;
  FakeDataplane::FailurePoint point;
  bool is_a_problem;  // To be told of; a set in use is not.
};

std::vector<DestroyFailure> Failures() {
  using Point = FakeDataplane::FailurePoint;
  return {
      {absl::UnavailableError("set is in use"), Point::kBefore, false},
      {absl::InternalError("resource busy"), Point::kBefore, true},
      {absl::InternalError("the answer was lost"), Point::kAfter, true},
      {absl::UnavailableError("the answer was lost"), Point::kAfter, false},
  };
}

class BusySetsTest : public testing::Test {
 protected:
  void SetUp() override {
    steps_ = StepsOf("C075");
    ASSERT_EQ(steps_.size(), 2u);
    node_.Follow({steps_[0]});
    ASSERT_THAT(node_.contents(), HasSubstr("198.51.100.0/24"));
    node_.kernel().ClearLog();
  }

  std::vector<OperationKind> DestroysAndCommits() {
    std::vector<OperationKind> kinds;
    for (const Operation& operation : node_.kernel().log()) {
      if (operation.kind == OperationKind::kDestroySet ||
          operation.kind == OperationKind::kCommitTable)
        kinds.push_back(operation.kind);
    }
    return kinds;
  }

  std::vector<CaseStep> steps_;
  MemoryNode node_;
};

TEST_F(BusySetsTest, C075RulesGoBeforeTheirSets) {
  node_.Follow({steps_[1]});
  EXPECT_THAT(DestroysAndCommits(), ElementsAre(OperationKind::kCommitTable,
                                                OperationKind::kDestroySet));
  EXPECT_THAT(node_.contents(), Not(HasSubstr("busy/one")));
  EXPECT_EQ(node_.contents(), FreshContents(node_.cluster()));
}

TEST_F(BusySetsTest, C075VerdictsHoldThoughTheFirstDestroyFails) {
  for (const DestroyFailure& failure : Failures()) {
    SCOPED_TRACE(failure.status.ToString());
    MemoryNode node;
    node.Follow({steps_[0]});
    node.kernel().FailNext(OperationKind::kDestroySet, failure.status,
                           failure.point);
    node.TellStep(steps_[1]);
    const absl::StatusOr<SyncReport> report = node.controller().Sync();
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->retry);
    EXPECT_EQ(!report->problems.empty(), failure.is_a_problem);
    node.ExpectVerdicts(steps_[1].checks);
    // One sync later nothing of busy/one is left.
    const SyncReport second = node.Sync();
    EXPECT_FALSE(second.retry);
    EXPECT_EQ(second.writes.table_commits, 0u) << "rules are written once";
    EXPECT_EQ(node.contents(), FreshContents(node.cluster()));
    node.ExpectVerdicts(steps_[1].checks);
  }
}

TEST_F(BusySetsTest, C075SetThatStaysBusyBlocksNoLaterChange) {
  node_.kernel().FailAlways(OperationKind::kDestroySet,
                            absl::UnavailableError("set is in use"));
  for (int round = 0; round < 5; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    for (const CaseStep& step : {steps_[1], steps_[0], steps_[1]}) {
      node_.TellStep(step);
      node_.Sync();
      // Step 1 is told on top of step 2, so both policies are there then.
      if (step.number == 2) {
        node_.ExpectVerdicts(step.checks);
      } else {
        node_.ExpectVerdicts(steps_[0].checks);
      }
    }
  }
  node_.kernel().StopFailing();
  EXPECT_FALSE(node_.Sync().retry);
  EXPECT_EQ(node_.contents(), FreshContents(node_.cluster()));
}

TEST_F(BusySetsTest, C075SetOfTheOldPolicyIsWantedAgainWhileItCannotGo) {
  node_.kernel().FailNext(OperationKind::kDestroySet,
                          absl::UnavailableError("set is in use"));
  node_.TellStep(steps_[1]);
  EXPECT_TRUE(node_.Sync().retry);
  node_.TellStep(steps_[0]);
  const SyncReport report = node_.Sync();
  EXPECT_FALSE(report.retry);
  EXPECT_EQ(report.sets_created, 0) << "it is still there, and right";
  node_.ExpectVerdicts(steps_[0].checks);
  EXPECT_EQ(node_.contents(), FreshContents(node_.cluster()));
}

TEST_F(BusySetsTest, C075FailedCommitDestroysNothing) {
  const std::string before = node_.contents();
  node_.kernel().FailNext(OperationKind::kCommitTable,
                          absl::UnavailableError("the table is locked"));
  node_.TellStep(steps_[1]);
  EXPECT_FALSE(node_.controller().Sync().ok());
  EXPECT_EQ(node_.contents(), before) << "all of busy/one still works";
  node_.Sync();
  node_.ExpectVerdicts(steps_[1].checks);
  EXPECT_EQ(node_.contents(), FreshContents(node_.cluster()));
}

// Any single operation of the sync of any step may fail in any way.
TEST_F(BusySetsTest, C075OneFailureAnywhereIsMendedByTheNextSync) {
  for (OperationKind kind :
       {OperationKind::kRead, OperationKind::kCreateSet,
        OperationKind::kAddMembers, OperationKind::kRemoveMembers,
        OperationKind::kDestroySet, OperationKind::kCommitTable}) {
    for (auto point : {FakeDataplane::FailurePoint::kBefore,
                       FakeDataplane::FailurePoint::kAfter}) {
      for (size_t failing : {0, 1}) {
        SCOPED_TRACE(absl::StrCat(OperationName(kind), " in step ", failing));
        MemoryNode node;
        for (size_t i = 0; i < steps_.size(); ++i) {
          node.TellStep(steps_[i]);
          if (i == failing) {
            node.kernel().FailNext(kind, absl::InternalError("injected"),
                                   point);
            node.controller().Sync().IgnoreError();
            node.kernel().StopFailing();
          }
          node.Sync();
          node.ExpectVerdicts(steps_[i].checks);
          EXPECT_EQ(node.contents(), FreshContents(node.cluster()));
        }
      }
    }
  }
}

}  // namespace
}  // namespace netpol
