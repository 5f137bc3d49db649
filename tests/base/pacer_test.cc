#include "netpol/base/pacer.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

constexpr absl::Time kStart = absl::FromUnixSeconds(1000000);

absl::Time At(double seconds) { return kStart + absl::Seconds(seconds); }

PacerOptions Options() {
  PacerOptions options;
  options.rest_factor = 4;
  options.max_rest = absl::Seconds(1);
  options.first_retry = absl::Seconds(2);
  options.last_retry = absl::Seconds(30);
  options.period = absl::Seconds(300);
  return options;
}

// One run, and when the next of its kind is due if something is requested right
// after it.
struct RunCase {
  double length;  // seconds
  double due;     // seconds after the end of the run
};

TEST(PacerTest, NothingIsDueBeforeAnythingWasAsked) {
  EXPECT_EQ(Pacer(Options()).NextRun(), absl::InfiniteFuture());
}

TEST(PacerTest, FirstRequestIsDueAtOnce) {
  Pacer pacer(Options());
  pacer.Request(At(3));
  EXPECT_EQ(pacer.NextRun(), At(3));
}

TEST(PacerTest, LaterRequestDoesNotPutOffAnEarlierOne) {
  Pacer pacer(Options());
  pacer.Request(At(3));
  pacer.Request(At(9));
  EXPECT_EQ(pacer.NextRun(), At(3));
  pacer.Request(At(1));
  EXPECT_EQ(pacer.NextRun(), At(1));
}

const std::vector<RunCase>& RunCases() {
  static const auto* const kCases = new std::vector<RunCase>{
      {0, 0}, {0.01, 0.04}, {0.2, 0.8}, {0.25, 1}, {0.3, 1}, {60, 1}};
  return *kCases;
}

int64_t Milliseconds(absl::Duration duration) {
  return absl::ToInt64Milliseconds(duration);
}

TEST(PacerTest, RestOfALightRunGrowsWithItUpToItsLimit) {
  for (const RunCase& c : RunCases()) {
    Pacer pacer(Options());
    pacer.Request(At(0));
    pacer.Ran(At(0), At(c.length), RunResult::kDone, RunWeight::kLight);
    pacer.Request(At(c.length));
    EXPECT_EQ(Milliseconds(pacer.NextRun() - At(c.length)),
              Milliseconds(absl::Seconds(c.due)))
        << c.length;
    EXPECT_FALSE(pacer.LightOnly(At(c.length)));
  }
}

TEST(PacerTest, RestOfAHeavyRunGrowsWithItUpToItsLimit) {
  for (const RunCase& c : RunCases()) {
    Pacer pacer(Options());
    pacer.Request(At(0));
    pacer.Ran(At(0), At(c.length), RunResult::kDone, RunWeight::kHeavy);
    pacer.Request(At(c.length));
    pacer.Defer();
    EXPECT_EQ(Milliseconds(pacer.NextRun() - At(c.length)),
              Milliseconds(absl::Seconds(c.due)))
        << c.length;
    EXPECT_FALSE(pacer.LightOnly(pacer.NextRun()));
  }
}

TEST(PacerTest, LightWorkIsDueAtOnceAfterAHeavyRun) {
  Pacer pacer(Options());
  pacer.Ran(At(0), At(0.1), RunResult::kDone, RunWeight::kHeavy);
  pacer.Request(At(0.2));
  EXPECT_EQ(pacer.NextRun(), At(0.2));
  EXPECT_TRUE(pacer.LightOnly(At(0.2)));
}

TEST(PacerTest, LightRunsDoNotPutOffHeavyOnes) {
  Pacer pacer(Options());
  pacer.Ran(At(0), At(0.1), RunResult::kDone, RunWeight::kHeavy);
  pacer.Ran(At(0.2), At(0.201), RunResult::kDone, RunWeight::kLight);
  pacer.Ran(At(0.4), At(0.401), RunResult::kDone, RunWeight::kLight);
  pacer.Request(At(0.41));
  pacer.Defer();
  EXPECT_EQ(pacer.NextRun(), At(0.5));
}

// However much is asked for meanwhile.
TEST(PacerTest, WhatIsDeferredWaitsForOneRestAtMost) {
  Pacer pacer(Options());
  pacer.Ran(At(0), At(5), RunResult::kDone, RunWeight::kHeavy);
  for (int i = 0; i < 100; ++i) {
    pacer.Request(At(5 + 0.01 * i));
    pacer.Defer();
    EXPECT_EQ(pacer.NextRun(), At(6));
  }
}

TEST(PacerTest, NothingIsDeferredAfterTheNextRun) {
  Pacer pacer(Options());
  pacer.Ran(At(0), At(0.1), RunResult::kDone, RunWeight::kHeavy);
  pacer.Request(At(0.2));
  pacer.Defer();
  pacer.Ran(At(0.5), At(0.6), RunResult::kDone, RunWeight::kHeavy);
  pacer.Request(At(0.7));
  EXPECT_EQ(pacer.NextRun(), At(0.7));
}

// A thousand requests in a second, each looked at when it comes: what the loop
// does. Runs cost so much each, and so much more for each request.
TEST(PacerTest, BurstIsAFewHeavyRunsOfABoundedShare) {
  const absl::Duration commit = absl::Milliseconds(10);
  Pacer pacer(Options());
  absl::Time now = At(0);
  absl::Duration busy;
  absl::Duration longest_wait;
  int runs = 0;
  for (int next = 0; next < 1000;) {
    const absl::Time first = At(0.001 * next);
    now = std::max(now, first);
    pacer.Request(first);
    if (pacer.LightOnly(now)) pacer.Defer();
    now = std::max(now, pacer.NextRun());
    while (next < 1000 && At(0.001 * next) <= now) ++next;
    pacer.Ran(now, now + commit, RunResult::kDone);
    now += commit;
    busy += commit;
    longest_wait = std::max(longest_wait, now - first);
    ++runs;
  }
  EXPECT_GE(runs, 10);
  EXPECT_LE(runs, 21);
  EXPECT_LE(busy, absl::Seconds(1) / 5 + commit);
  EXPECT_LE(longest_wait, 2 * commit + 4 * commit);
}

TEST(PacerTest, RequestAfterTheRestIsDueAtOnce) {
  Pacer pacer(Options());
  pacer.Ran(At(0), At(0.1), RunResult::kDone);
  pacer.Request(At(7));
  EXPECT_EQ(pacer.NextRun(), At(7));
}

TEST(PacerTest, RunAnswersWhatWasAskedBefore) {
  Pacer pacer(Options());
  pacer.Request(At(0));
  pacer.Ran(At(0), At(1), RunResult::kDone);
  EXPECT_EQ(pacer.NextRun(), At(301)) << "only the periodic run is left";
}

TEST(PacerTest, PeriodCountsFromTheEndOfTheLastRun) {
  Pacer pacer(Options());
  pacer.Ran(At(0), At(1), RunResult::kDone);
  pacer.Request(At(100));
  pacer.Ran(At(100), At(101), RunResult::kDone);
  EXPECT_EQ(pacer.NextRun(), At(401));
}

TEST(PacerTest, InfinitePeriodIsNever) {
  PacerOptions options = Options();
  options.period = absl::InfiniteDuration();
  Pacer pacer(options);
  pacer.Ran(At(0), At(1), RunResult::kDone);
  EXPECT_EQ(pacer.NextRun(), absl::InfiniteFuture());
}

TEST(PacerTest, FailuresAreRetriedLaterAndLaterUpToALimit) {
  Pacer pacer(Options());
  pacer.Request(At(0));
  absl::Time now = At(0);
  for (double wait : {2.0, 4.0, 8.0, 16.0, 30.0, 30.0}) {
    const absl::Time end = now + absl::Seconds(1);
    pacer.Ran(now, end, RunResult::kFailed);
    EXPECT_EQ(pacer.NextRun(), end + absl::Seconds(wait)) << wait;
    now = pacer.NextRun();
  }
}

TEST(PacerTest, RequestsWaitForTheRetry) {
  Pacer pacer(Options());
  pacer.Ran(At(0), At(1), RunResult::kFailed);
  pacer.Request(At(1.5));
  EXPECT_EQ(pacer.NextRun(), At(3));
}

TEST(PacerTest, SuccessEndsTheBackOff) {
  Pacer pacer(Options());
  for (int i = 0; i < 5; ++i)
    pacer.Ran(At(100 * i), At(100 * i), RunResult::kFailed);
  pacer.Ran(At(600), At(600), RunResult::kDone);
  EXPECT_EQ(pacer.NextRun(), At(900));
  pacer.Ran(At(900), At(900), RunResult::kFailed);
  EXPECT_EQ(pacer.NextRun(), At(902)) << "from the first wait again";
}

// ---- A part that must be tried again.

TEST(PacerTest, LeftoverIsRetriedLaterAndLater) {
  Pacer pacer(Options());
  absl::Time now = At(0);
  for (double wait : {2.0, 4.0, 8.0, 16.0, 30.0, 30.0}) {
    pacer.Ran(now, now, RunResult::kDoneInPart);
    EXPECT_EQ(pacer.NextRun(), now + absl::Seconds(wait)) << wait;
    now = pacer.NextRun();
  }
}

TEST(PacerTest, OthersDoNotWaitForTheLeftover) {
  Pacer pacer(Options());
  for (int i = 0; i < 5; ++i)
    pacer.Ran(At(100 * i), At(100 * i + 1), RunResult::kDoneInPart);
  pacer.Request(At(402));
  EXPECT_EQ(pacer.NextRun(), At(402));
}

}  // namespace
}  // namespace netpol
