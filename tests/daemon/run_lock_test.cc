#include "netpol/daemon/run_lock.h"

#include <unistd.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

using testing::HasSubstr;

class RunLockTest : public testing::Test {
 protected:
  void TearDown() override { unlink(path_.c_str()); }

  const std::string path_ =
      absl::StrCat(testing::TempDir(), "/run.lock.", getpid());
};

TEST_F(RunLockTest, SecondHolderIsRefusedAndTellsTheFirst) {
  const absl::StatusOr<RunLock> first = RunLock::Acquire(path_);
  ASSERT_TRUE(first.ok()) << first.status();
  const absl::StatusOr<RunLock> second = RunLock::Acquire(path_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr(absl::StrCat("process ", getpid())));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(path_));
}

TEST_F(RunLockTest, EndOfTheHolderFreesTheLock) {
  { ASSERT_TRUE(RunLock::Acquire(path_).ok()); }
  EXPECT_TRUE(RunLock::CheckFree(path_).ok());
  EXPECT_TRUE(RunLock::Acquire(path_).ok());
}

TEST_F(RunLockTest, LookingFindsTheHolderAndLeavesNothing) {
  EXPECT_TRUE(RunLock::CheckFree(path_).ok());
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
  const absl::StatusOr<RunLock> lock = RunLock::Acquire(path_);
  ASSERT_TRUE(lock.ok()) << lock.status();
  EXPECT_THAT(std::string(RunLock::CheckFree(path_).message()),
              HasSubstr(absl::StrCat("process ", getpid())));
}

TEST_F(RunLockTest, MovedLockIsStillHeld) {
  absl::StatusOr<RunLock> lock = RunLock::Acquire(path_);
  ASSERT_TRUE(lock.ok()) << lock.status();
  const RunLock moved = *std::move(lock);
  EXPECT_FALSE(RunLock::CheckFree(path_).ok());
}

// What is under /run is gone after each start of the machine.
TEST_F(RunLockTest, FolderOfTheLockIsMade) {
  const std::string folder = absl::StrCat(path_, ".folder");
  const std::string path = absl::StrCat(folder, "/lock");
  EXPECT_TRUE(RunLock::CheckFree(path).ok());
  EXPECT_NE(access(folder.c_str(), F_OK), 0);
  EXPECT_TRUE(RunLock::Acquire(path).ok());
  EXPECT_EQ(unlink(path.c_str()), 0);
  EXPECT_EQ(rmdir(folder.c_str()), 0);
}

TEST_F(RunLockTest, PathThatCannotBeMadeNamesTheFlag) {
  const absl::StatusOr<RunLock> lock =
      RunLock::Acquire("/nonexistent/folder/lock");
  EXPECT_THAT(std::string(lock.status().message()), HasSubstr("--run-lock"));
}

}  // namespace
}  // namespace netpol
