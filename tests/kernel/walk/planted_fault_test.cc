// A random walk notices a planted fault, and shrinks it to a handful of events
// that go wrong with the fault and right without.
#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "netpol/testing/reference_evaluator.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/walk/faulty_kernel.h"
#include "tests/kernel/walk/random_walk.h"
#include "tests/kernel/walk/walk_run.h"
#include "tests/kernel/walk/walk_shrinker.h"

namespace netpol {
namespace {

constexpr int kHandful = 6;

// An API in which pods that terminate are gone.
Verdict JudgeWithoutTheTerminating(const Cluster& cluster, const NodeView& view,
                                   const Packet& packet) {
  Cluster others = cluster;
  others.pods.clear();
  for (const k8s::Pod& pod : cluster.pods) {
    if (!pod.metadata().has_deletion_timestamp()) others.pods.push_back(pod);
  }
  return Evaluate(others, view, packet);
}

int CountEvents(const v1::Walk& walk) {
  int count = 0;
  for (const v1::WalkStep& step : walk.step()) count += step.event_size();
  return count;
}

bool Breaks(WalkLaw law, const std::vector<WalkFailure>& failures) {
  for (const WalkFailure& failure : failures) {
    if (failure.law == law) return true;
  }
  return false;
}

class PlantedFaultTest : public LabFixture {
 protected:
  // By the file that people would get.
  static std::vector<WalkFailure> Replay(const WalkSetup& setup,
                                         const v1::Walk& walk) {
    const std::string path =
        absl::StrCat(testing::TempDir(), "/planted-", getpid(), ".txtpb");
    EXPECT_TRUE(WriteWalk(path, walk).ok());
    const absl::StatusOr<v1::Walk> read = ReadWalk(path);
    EXPECT_TRUE(read.ok()) << read.status();
    if (!read.ok()) return {};
    const auto failures = WalkAlong(setup, *read);
    EXPECT_TRUE(failures.ok()) << failures.status();
    return failures.ok() ? *failures : std::vector<WalkFailure>();
  }

  // What is left of the walk that shows the fault of `setup`.
  static void ExpectFoundAndShrunk(const WalkSetup& setup, v1::Walk* shown) {
    const auto walked = WalkAtRandom(setup, /*seed=*/1, /*steps=*/500,
                                     /*packets=*/30);
    ASSERT_TRUE(walked.ok()) << walked.status();
    ASSERT_TRUE(walked->failure) << "the fault was not noticed";
    const WalkLaw law = walked->failure->law;
    const auto shortest =
        ShrinkWalk(setup, walked->walk, *walked->failure, absl::Seconds(60));
    ASSERT_TRUE(shortest.ok()) << shortest.status();
    *shown = *shortest;
    std::cout << "noticed after " << walked->walk.step_size() << " steps and "
              << CountEvents(walked->walk) << " events, shrunk to "
              << CountEvents(*shortest) << " events\n";
    EXPECT_LE(CountEvents(*shortest), kHandful) << shortest->DebugString();
    EXPECT_TRUE(Breaks(law, Replay(setup, *shortest)));
    EXPECT_TRUE(Replay(WalkSetup(), *shortest).empty());
  }
};

TEST_F(PlantedFaultTest, AMemberThatIsNotRemovedIsFound) {
  WalkSetup setup;
  setup.open_kernel = ForgettingMemberRemovals(SetType::kHashIpPort);
  v1::Walk walk;
  ExpectFoundAndShrunk(setup, &walk);
}

TEST_F(PlantedFaultTest, AMemberThatIsNotRemovedIsFoundByPacketsAlone) {
  WalkSetup setup;
  setup.open_kernel = ForgettingMemberRemovals(SetType::kHashIp);
  setup.compare_rulesets = false;
  v1::Walk walk;
  ExpectFoundAndShrunk(setup, &walk);
}

TEST_F(PlantedFaultTest, WhatGoesWrongWithARestartKeepsTheRestart) {
  WalkSetup setup;
  setup.open_kernel = BlindToMembers(SetType::kHashIp);
  v1::Walk walk;
  ASSERT_NO_FATAL_FAILURE(ExpectFoundAndShrunk(setup, &walk));
  int readings = 0;
  for (const v1::WalkStep& step : walk.step()) {
    readings += step.restart() || step.resync() ? 1 : 0;
  }
  EXPECT_EQ(readings, 1) << walk.DebugString();
}

TEST_F(PlantedFaultTest, AnotherReadingOfTheApiIsFoundByPackets) {
  WalkSetup setup;
  setup.judge = JudgeWithoutTheTerminating;
  v1::Walk walk;
  ExpectFoundAndShrunk(setup, &walk);
}

TEST_F(PlantedFaultTest, AWalkThatGoesRightCannotBeShrunk) {
  const auto walked = WalkAtRandom(WalkSetup(), /*seed=*/1, /*steps=*/3,
                                   /*packets=*/30);
  ASSERT_TRUE(walked.ok()) << walked.status();
  ASSERT_FALSE(walked->failure) << walked->failure->what;
  EXPECT_TRUE(absl::IsNotFound(ShrinkWalk(WalkSetup(), walked->walk,
                                          WalkFailure{WalkLaw::kVerdict},
                                          absl::Seconds(60))
                                   .status()));
}

}  // namespace
}  // namespace netpol
