#include "bench/comparison.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace netpol {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kResults[] = R"({
  "context": {"date": "2026-11-25"},
  "benchmarks": [
    {"name": "BM_A/L/iterations:5/manual_time", "iterations": 5,
     "ours_us": 80, "floor_us": 40},
    {"name": "BM_A/L/more", "ours_us": 1},
    {"name": "BM_B", "error_occurred": true, "error_message": "no root"}
  ]
})";

Goal GoalOf(Goal::Of of, Goal::Bound bound, double limit) {
  return {.name = "a",
          .program = "bench/a",
          .benchmark = "BM_A/L",
          .ours = "ours_us",
          .unit = "us",
          .floor = "floor_us",
          .of = of,
          .bound = bound,
          .limit = limit};
}

ComparisonLine LineOf(const Goal& goal) {
  return Compare(goal, *ParseBenchmarkResults(kResults));
}

TEST(ComparisonTest, AFigureIsComparedWithItsLimit) {
  using Of = Goal::Of;
  using Bound = Goal::Bound;
  EXPECT_TRUE(LineOf(GoalOf(Of::kOurs, Bound::kAtMost, 80)).met);
  EXPECT_FALSE(LineOf(GoalOf(Of::kOurs, Bound::kAtMost, 79)).met);
  EXPECT_TRUE(LineOf(GoalOf(Of::kOurs, Bound::kAtLeast, 80)).met);
  EXPECT_FALSE(LineOf(GoalOf(Of::kOurs, Bound::kAtLeast, 81)).met);
  EXPECT_TRUE(LineOf(GoalOf(Of::kRatio, Bound::kAtMost, 2)).met);
  EXPECT_FALSE(LineOf(GoalOf(Of::kRatio, Bound::kAtMost, 1.9)).met);
}

TEST(ComparisonTest, ALineHasEveryPart) {
  const ComparisonLine line =
      LineOf(GoalOf(Goal::Of::kRatio, Goal::Bound::kAtMost, 1.3));
  EXPECT_EQ(line.ours, 80);
  EXPECT_EQ(line.floor, 40);
  EXPECT_EQ(line.ratio, 2);
  EXPECT_EQ(line.goal, "ratio <= 1.3");
  EXPECT_THAT(line.problem, IsEmpty());
}

TEST(ComparisonTest, WhatCouldNotBeMeasuredIsNotReachedAndSaysWhy) {
  Goal goal = GoalOf(Goal::Of::kOurs, Goal::Bound::kAtMost, 1000);
  goal.benchmark = "BM_B";
  EXPECT_FALSE(LineOf(goal).met);
  EXPECT_EQ(LineOf(goal).problem, "no root");
  goal.benchmark = "BM_C";
  EXPECT_FALSE(LineOf(goal).met);
  EXPECT_THAT(LineOf(goal).problem, HasSubstr("BM_C"));
  goal.benchmark = "BM_A/L";
  goal.ours = "theirs_us";
  EXPECT_FALSE(LineOf(goal).met);
  EXPECT_THAT(LineOf(goal).problem, HasSubstr("theirs_us"));
}

TEST(ComparisonTest, TextThatIsNoResultIsAnError) {
  for (const char* text : {"", "{}", "[]", "{\"benchmarks\": 1}", "nonsense"})
    EXPECT_FALSE(ParseBenchmarkResults(text).ok()) << text;
}

TEST(ComparisonTest, JsonIsAListOfObjectsWithEveryField) {
  Goal unknown = GoalOf(Goal::Of::kOurs, Goal::Bound::kAtMost, 1);
  unknown.benchmark = "BM_C";
  const nlohmann::json list = nlohmann::json::parse(
      JsonOf({LineOf(GoalOf(Goal::Of::kOurs, Goal::Bound::kAtMost, 100)),
              LineOf(unknown)}));
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0]["name"], "a");
  EXPECT_EQ(list[0]["ours"], 80.0);
  EXPECT_EQ(list[0]["unit"], "us");
  EXPECT_EQ(list[0]["floor"], 40.0);
  EXPECT_EQ(list[0]["ratio"], 2.0);
  EXPECT_EQ(list[0]["goal"], "ours <= 100");
  EXPECT_EQ(list[0]["met"], true);
  EXPECT_TRUE(list[1]["ours"].is_null());
  EXPECT_EQ(list[1]["met"], false);
}

TEST(ComparisonTest, TheTableHasALineForEach) {
  const std::string table =
      TableOf({LineOf(GoalOf(Goal::Of::kOurs, Goal::Bound::kAtMost, 100)),
               LineOf(GoalOf(Goal::Of::kOurs, Goal::Bound::kAtMost, 1))});
  EXPECT_THAT(table,
              HasSubstr("| a | 80 | us | 40 | 2 | ours <= 100 | yes |\n"));
  EXPECT_THAT(table, HasSubstr("| a | 80 | us | 40 | 2 | ours <= 1 | no |\n"));
}

}  // namespace
}  // namespace netpol
