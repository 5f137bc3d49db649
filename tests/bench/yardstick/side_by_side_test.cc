#include "bench/yardstick/side_by_side.h"

#include "gtest/gtest.h"
#include "tests/kernel/lab/lab_fixture.h"

namespace netpol {
namespace {

using SideBySideTest = LabFixture;

TEST(MedianOfTest, IsOfEachFigureByItself) {
  const auto us = [](int n) { return absl::Microseconds(n); };
  EXPECT_EQ(MedianOf({}).wall, absl::ZeroDuration());
  const WorkCost odd =
      MedianOf({{us(1), us(30)}, {us(9), us(10)}, {us(2), us(20)}});
  EXPECT_EQ(odd.wall, us(2));
  EXPECT_EQ(odd.cpu, us(20));
  EXPECT_EQ(MedianOf({{us(1), us(4)}, {us(3), us(2)}}).wall, us(2));
}

TEST_F(SideBySideTest, BothSidesWriteOnEveryEvent) {
  WorkloadShape shape = NamedWorkload("S");
  shape.whole_cluster_peer = false;
  absl::StatusOr<std::unique_ptr<SideBySide>> sides =
      SideBySide::Start(shape, 1);
  ASSERT_TRUE(sides.ok()) << sides.status();
  EXPECT_GT((*sides)->cold_start().ours_writes, 0);
  EXPECT_EQ((*sides)->cold_start().yardstick_report.policies, shape.policies);
  EXPECT_EQ((*sides)->cold_start().yardstick_report.local_pods,
            shape.local_pods);

  const absl::StatusOr<SidesCost> pod = (*sides)->RemotePod({4, 1});
  ASSERT_TRUE(pod.ok()) << pod.status();
  EXPECT_GE(pod->ours_writes, 4);
  EXPECT_GT(pod->ours.cpu, absl::ZeroDuration());
  EXPECT_GT(pod->yardstick.cpu, pod->ours.cpu);
  EXPECT_FALSE(pod->yardstick_is_lower_bound);

  const absl::StatusOr<SidesCost> policy = (*sides)->Policy({4, 1});
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_GE(policy->ours_writes, 4);
  // The yardstick was left without the policy.
  EXPECT_EQ(policy->yardstick_report.policies, shape.policies - 1);

  const absl::StatusOr<SidesCost> unheard = (*sides)->Policy({2, 0});
  ASSERT_TRUE(unheard.ok()) << unheard.status();
  EXPECT_TRUE(unheard->yardstick_is_lower_bound);
  EXPECT_GT(unheard->yardstick.cpu, absl::ZeroDuration());
  EXPECT_LT(unheard->yardstick.cpu, (*sides)->cold_start().yardstick.cpu);
}

// A thousand sets for each second, on a fast machine.
TEST_F(SideBySideTest, AYardstickThatTakesTooLongIsALowerBoundOfItself) {
  absl::StatusOr<std::unique_ptr<SideBySide>> sides =
      SideBySide::Start(NamedWorkload("L/8"), 1, absl::Seconds(1));
  ASSERT_TRUE(sides.ok()) << sides.status();
  const SidesCost& cold = (*sides)->cold_start();
  EXPECT_TRUE(cold.yardstick_is_lower_bound);
  EXPECT_GT(cold.yardstick_report.sets, 0);
  EXPECT_EQ(cold.yardstick_report.rules, 0) << "it never came so far";

  const absl::StatusOr<SidesCost> pod = (*sides)->RemotePod({2, 1});
  ASSERT_TRUE(pod.ok()) << pod.status();
  EXPECT_TRUE(pod->yardstick_is_lower_bound);
  EXPECT_GE(pod->yardstick.cpu, absl::Seconds(1));
  EXPECT_GE(pod->ours_writes, 2);
}

}  // namespace
}  // namespace netpol
