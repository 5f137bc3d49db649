#include "bench/floor/table_floor.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"
#include "netpol/sync/dataplane.h"
#include "tests/bench/floor/floor_fixture.h"

namespace netpol {
namespace {

class TableFloorTest : public FloorFixture {
 protected:
  // Hooks into three chains with jumps, gotos, set and comment matches.
  void FillTable() {
    ASSERT_TRUE(kernel_->CreateSet(AddressSet("KUBE-SRC-A"), {}).ok());
    Rule goes;
    goes.comment = "a rule with a set";
    goes.matches = {SetMatch{SetName("KUBE-SRC-A")}};
    goes.action = GotoAction{ChainName("KUBE-NWPLCY-A")};
    Rule marks;
    marks.action = SetMarkAction{0x10000, 0x10000};
    Rule jumps;
    jumps.action = JumpAction{ChainName("KUBE-POD-FW-A")};
    TableChange change;
    for (absl::string_view hook : {kInputChain, kForwardChain, kOutputChain})
      change.write.push_back({ChainName(hook), {jumps}});
    change.write.push_back({ChainName("KUBE-POD-FW-A"), {goes, goes}});
    change.write.push_back({ChainName("KUBE-NWPLCY-A"), {marks}});
    change.hooks = HookChange::kEnsure;
    const absl::Status committed = kernel_->CommitTable(change);
    ASSERT_TRUE(committed.ok()) << committed;
  }
};

void ExpectSame(const ObservedTable& before, const ObservedTable& after) {
  EXPECT_TRUE(after.hooks_in_place);
  EXPECT_EQ(before.chains.size(), 5u);
  EXPECT_EQ(after.chains, before.chains);
}

TEST_F(TableFloorTest, BareCommitLeavesTheRulesAsTheyAre) {
  ASSERT_NO_FATAL_FAILURE(FillTable());
  const Snapshot before = Read();
  const absl::StatusOr<CommitCost> cost = MeasureBareCommit();
  ASSERT_TRUE(cost.ok()) << cost.status();
  for (const Cost& part : {cost->init, cost->change, cost->commit})
    EXPECT_GT(part.wall, absl::ZeroDuration());
  EXPECT_GE(cost->total().wall, cost->init.wall + cost->commit.wall);
  ExpectSame(before.table(Family::kIPv4), Read().table(Family::kIPv4));
}

TEST_F(TableFloorTest, BareReplaceLeavesTheRulesAsTheyAre) {
  ASSERT_NO_FATAL_FAILURE(FillTable());
  const Snapshot before = Read();
  const absl::StatusOr<Cost> cost = MeasureBareReplace();
  ASSERT_TRUE(cost.ok()) << cost.status();
  EXPECT_GT(cost->wall, absl::ZeroDuration());
  ExpectSame(before.table(Family::kIPv4), Read().table(Family::kIPv4));
}

TEST_F(TableFloorTest, AnEmptyTableHasNoFloor) {
  EXPECT_TRUE(absl::IsFailedPrecondition(MeasureBareCommit().status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(MeasureBareReplace().status()));
}

}  // namespace
}  // namespace netpol
