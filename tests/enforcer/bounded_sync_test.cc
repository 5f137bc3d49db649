#include "netpol/enforcer/bounded_sync.h"

#include <vector>

#include "gtest/gtest.h"

namespace netpol {
namespace {

SyncReport Report(bool retry) {
  SyncReport report;
  report.sets_destroyed = 1;
  report.writes.set_messages = 2;
  report.retry = retry;
  return report;
}

TEST(SyncUntilDoneTest, OneTryIsEnoughWhenNothingIsLeft) {
  int tries = 0;
  const auto report = SyncUntilDone(
      [&]() -> absl::StatusOr<SyncReport> { return ++tries, Report(false); },
      [](absl::Duration) { FAIL() << "there was nothing to wait for"; });
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(tries, 1);
}

TEST(SyncUntilDoneTest, TriesAgainAndSumsUp) {
  int tries = 0;
  std::vector<absl::Duration> waits;
  const auto report = SyncUntilDone(
      [&]() -> absl::StatusOr<SyncReport> { return Report(++tries < 3); },
      [&](absl::Duration wait) { waits.push_back(wait); });
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->sets_destroyed, 3);
  EXPECT_EQ(report->writes.set_messages, 6u);
  EXPECT_FALSE(report->retry);
  ASSERT_EQ(waits.size(), 2u);
  EXPECT_LT(waits[0], waits[1]);
}

TEST(SyncUntilDoneTest, PatienceEnds) {
  int tries = 0;
  absl::Duration waited;
  const auto report = SyncUntilDone(
      [&]() -> absl::StatusOr<SyncReport> { return ++tries, Report(true); },
      [&](absl::Duration wait) { waited += wait; });
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->retry);
  EXPECT_EQ(tries, 5);
  EXPECT_EQ(waited, absl::Milliseconds(1500));
}

TEST(SyncUntilDoneTest, ErrorEndsIt) {
  int tries = 0;
  const auto report = SyncUntilDone(
      [&]() -> absl::StatusOr<SyncReport> {
        return ++tries, absl::UnavailableError("held");
      },
      [](absl::Duration) {});
  EXPECT_EQ(report.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(tries, 1);
}

}  // namespace
}  // namespace netpol
