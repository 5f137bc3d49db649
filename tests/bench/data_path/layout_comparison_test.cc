#include "bench/data_path/layout_comparison.h"

#include "bench/data_path/crowded_node.h"
#include "gtest/gtest.h"
#include "tests/kernel/lab/lab_fixture.h"

namespace netpol {
namespace {

TEST(MedianOfTest, IsOfEachFigureByItself) {
  const PacketCost median = MedianOf(
      std::vector<PacketCost>{{1, 30, 200}, {3, 10, 100}, {2, 20, 300}});
  EXPECT_EQ(median.bare, 2);
  EXPECT_EQ(median.ours, 20);
  EXPECT_EQ(median.yardstick, 200);
}

TEST(MedianOfTest, OneRoundIsItsOwnMedian) {
  const PacketCost median = MedianOf(std::vector<PacketCost>{{1, 2, 3}});
  EXPECT_EQ(median.bare, 1);
  EXPECT_EQ(median.ours, 2);
  EXPECT_EQ(median.yardstick, 3);
}

using LayoutComparisonTest = LabFixture;

// More rounds than there are first packets for, so that it has to forget.
TEST_F(LayoutComparisonTest, MeasuresEveryKindOfPacketRoundAfterRound) {
  const auto comparison = LayoutComparison::Create(MakeCrowdedNode(3, 2));
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  for (PacketKind kind : kPacketKinds) {
    for (int round = 0; round < 30; ++round) {
      const auto cost = (*comparison)->MeasureRound(kind);
      ASSERT_TRUE(cost.ok()) << cost.status();
      ASSERT_GT(cost->bare, 0);
    }
  }
}

}  // namespace
}  // namespace netpol
