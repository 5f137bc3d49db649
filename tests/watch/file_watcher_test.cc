#include "netpol/watch/manifests/file_watcher.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

constexpr absl::Duration kLong = absl::Seconds(30);
constexpr absl::Duration kQuiet = absl::Milliseconds(20);

class FileWatcherTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = absl::StrCat(::testing::TempDir(), "/watch.XXXXXX");
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    Start(kLong, kLong);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Start(absl::Duration longest, absl::Duration rescan) {
    FileWatcher::Options options;
    options.quiet = kQuiet;
    options.longest = longest;
    options.rescan = rescan;
    options.is_content = [](absl::string_view name) {
      return absl::EndsWith(name, ".yaml");
    };
    watcher_ = *FileWatcher::Create(std::move(options));
  }

  void Round() {
    watcher_->BeginRound();
    watcher_->Watch(root_);
    EXPECT_TRUE(watcher_->EndRound().ok());
  }

  std::string In(const std::string& name) const {
    return absl::StrCat(root_, "/", name);
  }
  void Write(const std::string& name) { std::ofstream(In(name)) << "x"; }

  bool Readable(absl::Duration timeout) {
    pollfd waiting = {};
    waiting.fd = watcher_->fd();
    waiting.events = POLLIN;
    return poll(&waiting, 1, absl::ToInt64Milliseconds(timeout)) == 1;
  }

  std::string root_;
  std::unique_ptr<FileWatcher> watcher_;
};

TEST_F(FileWatcherTest, NothingIsDueWhenNothingHappens) {
  Round();
  EXPECT_FALSE(watcher_->Await(absl::ZeroDuration()));
  EXPECT_FALSE(Readable(absl::ZeroDuration()));
}

TEST_F(FileWatcherTest, ChangeIsDueOnceItIsQuiet) {
  Round();
  const absl::Time start = absl::Now();
  Write("a.yaml");
  EXPECT_FALSE(watcher_->Await(absl::ZeroDuration()));
  EXPECT_TRUE(watcher_->Await(kLong));
  EXPECT_GE(absl::Now() - start, kQuiet);
  Round();
  EXPECT_FALSE(watcher_->Await(absl::ZeroDuration()));
}

TEST_F(FileWatcherTest, DescriptorSpeaksAgainWhenQuietIsOver) {
  Round();
  Write("a.yaml");
  ASSERT_TRUE(Readable(kLong));
  // Takes the event in, but it is too early: the timer has to call back.
  EXPECT_FALSE(watcher_->Await(absl::ZeroDuration()));
  EXPECT_TRUE(Readable(kLong));
}

TEST_F(FileWatcherTest, OpenWriterIsWaitedFor) {
  Round();
  const int fd = open(In("a.yaml").c_str(), O_CREAT | O_WRONLY, 0600);
  ASSERT_EQ(write(fd, "x", 1), 1);
  EXPECT_FALSE(watcher_->Await(5 * kQuiet));
  close(fd);
  EXPECT_TRUE(watcher_->Await(kLong));
}

TEST_F(FileWatcherTest, OpenWriterIsNotWaitedForInVain) {
  Start(/*longest=*/2 * kQuiet, kLong);
  Round();
  const int fd = open(In("a.yaml").c_str(), O_CREAT | O_WRONLY, 0600);
  ASSERT_EQ(write(fd, "x", 1), 1);
  EXPECT_TRUE(watcher_->Await(kLong));
  close(fd);
}

TEST_F(FileWatcherTest, WriterOfOtherFilesIsNotWaitedFor) {
  Round();
  const int fd = open(In("a.log").c_str(), O_CREAT | O_WRONLY, 0600);
  ASSERT_EQ(write(fd, "x", 1), 1);
  EXPECT_TRUE(watcher_->Await(kLong));
  close(fd);
}

TEST_F(FileWatcherTest, RoundIsDueAfterTheRescanTimeWithoutAnySign) {
  Start(kLong, /*rescan=*/kQuiet);
  Round();
  EXPECT_TRUE(Readable(kLong));
  EXPECT_TRUE(watcher_->Await(kLong));
}

TEST_F(FileWatcherTest, ArrivalIsOfTheNamedPathOnly) {
  watcher_->BeginRound();
  watcher_->WatchArrival(In("a/b"));
  ASSERT_TRUE(watcher_->EndRound().ok());
  Write("other.yaml");
  EXPECT_FALSE(watcher_->Await(3 * kQuiet));
  // The first missing step of the way counts.
  std::filesystem::create_directory(In("a"));
  EXPECT_TRUE(watcher_->Await(kLong));
}

TEST_F(FileWatcherTest, PlaceThatIsNotRenewedIsForgotten) {
  Round();
  watcher_->BeginRound();
  ASSERT_TRUE(watcher_->EndRound().ok());
  Write("a.yaml");
  EXPECT_FALSE(watcher_->Await(3 * kQuiet));
}

}  // namespace
}  // namespace netpol
