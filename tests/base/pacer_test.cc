#include "netpol/base/pacer.h"

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

// One run, and when the next is due if something is requested right after it.
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

TEST(PacerTest, RestGrowsWithTheRunUpToItsLimit) {
  for (const RunCase& c : std::vector<RunCase>{
           {0, 0}, {0.01, 0.04}, {0.2, 0.8}, {0.25, 1}, {0.3, 1}, {60, 1}}) {
    Pacer pacer(Options());
    pacer.Request(At(0));
    pacer.Ran(At(0), At(c.length), false);
    pacer.Request(At(c.length));
    EXPECT_EQ(absl::ToInt64Milliseconds(pacer.NextRun() - At(c.length)),
              absl::ToInt64Milliseconds(absl::Seconds(c.due)))
        << c.length;
  }
}

TEST(PacerTest, RequestAfterTheRestIsDueAtOnce) {
  Pacer pacer(Options());
  pacer.Ran(At(0), At(0.1), false);
  pacer.Request(At(7));
  EXPECT_EQ(pacer.NextRun(), At(7));
}

TEST(PacerTest, RunAnswersWhatWasAskedBefore) {
  Pacer pacer(Options());
  pacer.Request(At(0));
  pacer.Ran(At(0), At(1), false);
  EXPECT_EQ(pacer.NextRun(), At(301)) << "only the periodic run is left";
}

TEST(PacerTest, PeriodCountsFromTheEndOfTheLastRun) {
  Pacer pacer(Options());
  pacer.Ran(At(0), At(1), false);
  pacer.Request(At(100));
  pacer.Ran(At(100), At(101), false);
  EXPECT_EQ(pacer.NextRun(), At(401));
}

TEST(PacerTest, InfinitePeriodIsNever) {
  PacerOptions options = Options();
  options.period = absl::InfiniteDuration();
  Pacer pacer(options);
  pacer.Ran(At(0), At(1), false);
  EXPECT_EQ(pacer.NextRun(), absl::InfiniteFuture());
}

TEST(PacerTest, FailuresAreRetriedLaterAndLaterUpToALimit) {
  Pacer pacer(Options());
  pacer.Request(At(0));
  absl::Time now = At(0);
  for (double wait : {2.0, 4.0, 8.0, 16.0, 30.0, 30.0}) {
    const absl::Time end = now + absl::Seconds(1);
    pacer.Ran(now, end, true);
    EXPECT_EQ(pacer.NextRun(), end + absl::Seconds(wait)) << wait;
    now = pacer.NextRun();
  }
}

TEST(PacerTest, RequestsWaitForTheRetry) {
  Pacer pacer(Options());
  pacer.Ran(At(0), At(1), true);
  pacer.Request(At(1.5));
  EXPECT_EQ(pacer.NextRun(), At(3));
}

TEST(PacerTest, SuccessEndsTheBackOff) {
  Pacer pacer(Options());
  for (int i = 0; i < 5; ++i) pacer.Ran(At(100 * i), At(100 * i), true);
  pacer.Ran(At(600), At(600), false);
  EXPECT_EQ(pacer.NextRun(), At(900));
  pacer.Ran(At(900), At(900), true);
  EXPECT_EQ(pacer.NextRun(), At(902)) << "from the first wait again";
}

}  // namespace
}  // namespace netpol
