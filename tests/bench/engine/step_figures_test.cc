#include "bench/engine/step_figures.h"

#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

std::vector<absl::Duration> Microseconds(const std::vector<int>& values) {
  std::vector<absl::Duration> durations;
  for (int value : values) durations.push_back(absl::Microseconds(value));
  return durations;
}

EngineStep StepOf(int events, int sync) {
  EngineStep step;
  step.events.cpu = absl::Microseconds(events);
  step.sync.cpu = absl::Microseconds(sync);
  step.kernel.commits.cpu = absl::Microseconds(500);
  step.kernel.edits.cpu = absl::Microseconds(20);
  return step;
}

TEST(StepFiguresTest, APercentileIsOneOfTheValues) {
  const std::vector<absl::Duration> values = Microseconds({5, 1, 4, 2, 3});
  EXPECT_EQ(Percentile(values, 0.5), 3);
  EXPECT_EQ(Percentile(values, 0.99), 5);
  EXPECT_EQ(Percentile(values, 0.2), 1);
  EXPECT_EQ(Percentile(values, 0), 1);
  EXPECT_EQ(Percentile(Microseconds({1, 2}), 0.5), 1);
  EXPECT_EQ(Percentile({}, 0.5), 0);
}

TEST(StepFiguresTest, UserSpaceIsEventsAndSyncWithoutTheKernel) {
  StepFigures figures;
  for (int sync : {10, 30, 20}) figures.Add(StepOf(5, sync), FloorStep());
  EXPECT_EQ(figures.user_us(), 25);
}

TEST(StepFiguresTest, TotalsAddUp) {
  const EngineStep step = StepOf(5, 10);
  EXPECT_EQ(step.total().cpu, absl::Microseconds(535));
  EXPECT_EQ(step.user().cpu, absl::Microseconds(15));
}

}  // namespace
}  // namespace netpol
