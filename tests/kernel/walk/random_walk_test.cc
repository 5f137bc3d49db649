// Long random walks through clusters against the real kernel: after every step
// the kernel holds what a fresh start would write, and every packet meets the
// API's verdict.
//
// NETPOL_SEED, NETPOL_ROUNDS and NETPOL_STEPS say which walks, how many, and
// how long. A failure is shrunk and left as a file, and NETPOL_REPLAY=FILE
// walks along it.
#include "tests/kernel/walk/random_walk.h"

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "netpol/testing/random_rounds.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/walk/walk_run.h"
#include "tests/kernel/walk/walk_shrinker.h"

namespace netpol {
namespace {

constexpr int kWalks = 10;
constexpr int kSteps = 1000;
constexpr int kPacketsPerStep = 30;

class RandomWalkTest : public LabFixture,
                       public testing::WithParamInterface<int> {
 protected:
  // The failure with all that is needed to see it again.
  static std::string Explain(const RandomWalk& walked, int seed) {
    const std::string path = OutputPath(absl::StrCat("walk-", seed, ".txtpb"));
    std::string text =
        absl::StrCat("walk ", seed, " goes wrong at step ",
                     walked.walk.step_size() - 1, ":\n", walked.failure->what);
    absl::StatusOr<v1::Walk> shortest = ShrinkWalk(
        WalkSetup(), walked.walk, *walked.failure, absl::Seconds(60));
    if (!shortest.ok()) {
      absl::StrAppend(&text, shortest.status().message(), "\n");
      shortest = walked.walk;
    }
    const absl::Status written = WriteWalk(path, *shortest);
    absl::StrAppend(
        &text, written.ok() ? "replay with NETPOL_REPLAY=" : written.ToString(),
        path, ", or with NETPOL_SEED=", seed, " NETPOL_ROUNDS=1\n");
    const std::string walk = shortest->DebugString();
    return absl::StrCat(text, walk.substr(0, 20000));
  }
};

TEST_P(RandomWalkTest, EveryStepLeavesTheKernelRight) {
  const int steps = Steps(kSteps);
  const absl::StatusOr<RandomWalk> walked = WalkAtRandom(
      WalkSetup(), static_cast<uint64_t>(GetParam()), steps, kPacketsPerStep);
  ASSERT_TRUE(walked.ok()) << walked.status();
  ASSERT_FALSE(walked->failure) << Explain(*walked, GetParam());
  const WalkTally& tally = walked->tally;
  std::cout << "walk " << GetParam() << ": " << steps << " steps, "
            << walked->events << " events, " << tally.syncs << " syncs ("
            << tally.writes << " wrote, " << tally.tampered
            << " repaired what others had done), " << tally.allowed
            << " packets allowed, " << tally.denied << " rejected, "
            << walked->turned << " of them turned by the step, none wrongly\n";
  if (steps < 100) return;
  // Else the walk would prove little.
  EXPECT_GT(tally.allowed, tally.denied / 20);
  EXPECT_GT(tally.denied, tally.allowed / 20);
  EXPECT_GT(tally.writes, steps / 3);
  EXPECT_GT(tally.tampered, steps / 100);
  EXPECT_GT(walked->turned, steps / 2);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomWalkTest,
                         testing::Range(FirstSeed(),
                                        FirstSeed() + Rounds(kWalks)),
                         testing::PrintToStringParamName());

// The walk that is to be replayed, if any.
std::vector<std::string> WalkFiles() {
  const char* path = std::getenv("NETPOL_REPLAY");
  if (path == nullptr) return {};
  return {path};
}

class WalkFileTest : public LabFixture,
                     public testing::WithParamInterface<std::string> {};

TEST_P(WalkFileTest, TheWalkThatIsNamedGoesRight) {
  const absl::StatusOr<v1::Walk> walk = ReadWalk(GetParam());
  ASSERT_TRUE(walk.ok()) << walk.status();
  const absl::StatusOr<std::vector<WalkFailure>> failures =
      WalkAlong(WalkSetup(), *walk);
  ASSERT_TRUE(failures.ok()) << failures.status();
  for (const WalkFailure& failure : *failures) ADD_FAILURE() << failure.what;
}

INSTANTIATE_TEST_SUITE_P(Replay, WalkFileTest, testing::ValuesIn(WalkFiles()));
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(WalkFileTest);

}  // namespace
}  // namespace netpol
