#include "netpol/dataplane/legacy/xtables_lock.h"

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::HasSubstr;

class XtablesLockTest : public testing::Test {
 protected:
  const std::string path_ =
      absl::StrCat(testing::TempDir(), "/xtables_lock_test.", getpid());
};

TEST_F(XtablesLockTest, MakesTheFile) {
  ASSERT_TRUE(XtablesLock::Acquire(path_, absl::Seconds(1)).ok());
  EXPECT_EQ(access(path_.c_str(), F_OK), 0);
}

TEST_F(XtablesLockTest, IsFreeAfterItsEnd) {
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(XtablesLock::Acquire(path_, absl::ZeroDuration()).ok());
}

TEST_F(XtablesLockTest, MovedLockIsStillHeld) {
  auto first = XtablesLock::Acquire(path_, absl::Seconds(1));
  ASSERT_TRUE(first.ok());
  const XtablesLock moved = *std::move(first);
  EXPECT_EQ(XtablesLock::Acquire(path_, absl::ZeroDuration()).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(XtablesLockTest, NamesFileAndHolderAfterABoundedWait) {
  const auto held = XtablesLock::Acquire(path_, absl::Seconds(1));
  ASSERT_TRUE(held.ok());
  const absl::Time start = absl::Now();
  const absl::Status status =
      XtablesLock::Acquire(path_, absl::Milliseconds(60)).status();
  const absl::Duration waited = absl::Now() - start;
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_GE(waited, absl::Milliseconds(60));
  EXPECT_LT(waited, absl::Seconds(5));
  EXPECT_THAT(std::string(status.message()), HasSubstr(path_));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(absl::StrCat("pid ", getpid(), " (xtables_lock")));
}

TEST_F(XtablesLockTest, IsTakenAsSoonAsTheHolderEnds) {
  auto held = XtablesLock::Acquire(path_, absl::Seconds(1));
  ASSERT_TRUE(held.ok());
  absl::Status waiter_status = absl::UnknownError("did not run");
  std::thread waiter([&] {
    waiter_status = XtablesLock::Acquire(path_, absl::Seconds(30)).status();
  });
  { const XtablesLock ended = *std::move(held); }
  waiter.join();
  EXPECT_TRUE(waiter_status.ok()) << waiter_status;
}

TEST_F(XtablesLockTest, SaysWhatToDoWhenTheFileCannotBeMade) {
  const absl::Status status =
      XtablesLock::Acquire("/nonexistent-folder/xtables.lock", absl::Seconds(1))
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("XTABLES_LOCKFILE"));
}

TEST_F(XtablesLockTest, TheEnvironmentNamesTheFile) {
  setenv("XTABLES_LOCKFILE", "/somewhere/else", 1);
  EXPECT_EQ(XtablesLock::DefaultPath(), "/somewhere/else");
  unsetenv("XTABLES_LOCKFILE");
  EXPECT_EQ(XtablesLock::DefaultPath(), "/run/xtables.lock");
}

}  // namespace
}  // namespace netpol
