#include "netpol/watch/kube/epoll_set.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace netpol {
namespace {

class EpollSetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto created = EpollSet::Create();
    ASSERT_TRUE(created.ok()) << created.status();
    set_ = *std::move(created);
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_), 0);
  }
  void TearDown() override {
    for (const int fd : ends_) close(fd);
  }

  bool IsReadable(int wait_ms = 0) {
    pollfd ready = {set_->fd(), POLLIN, 0};
    return poll(&ready, 1, wait_ms) > 0;
  }

  std::unique_ptr<EpollSet> set_;
  int ends_[2];
};

TEST_F(EpollSetTest, TellsWhatIsReady) {
  set_->Set(ends_[0], /*read=*/true, /*write=*/false);
  EXPECT_FALSE(IsReadable());
  EXPECT_TRUE(set_->Take().empty());
  ASSERT_EQ(write(ends_[1], "x", 1), 1);
  EXPECT_TRUE(IsReadable());
  const auto ready = set_->Take();
  ASSERT_EQ(ready.size(), 1u);
  EXPECT_EQ(ready[0].fd, ends_[0]);
  EXPECT_TRUE(ready[0].readable);
  EXPECT_FALSE(ready[0].writable);
}

TEST_F(EpollSetTest, SetReplacesWhatWasWaitedFor) {
  ASSERT_EQ(write(ends_[1], "x", 1), 1);
  set_->Set(ends_[0], /*read=*/true, /*write=*/false);
  set_->Set(ends_[0], /*read=*/false, /*write=*/true);
  const auto ready = set_->Take();
  ASSERT_EQ(ready.size(), 1u);
  EXPECT_FALSE(ready[0].readable);
  EXPECT_TRUE(ready[0].writable);
}

TEST_F(EpollSetTest, HangUpIsReadyForBoth) {
  set_->Set(ends_[0], /*read=*/false, /*write=*/false);
  shutdown(ends_[1], SHUT_RDWR);
  shutdown(ends_[0], SHUT_RDWR);
  const auto ready = set_->Take();
  ASSERT_EQ(ready.size(), 1u);
  EXPECT_TRUE(ready[0].readable);
  EXPECT_TRUE(ready[0].writable);
}

TEST_F(EpollSetTest, RemovedDescriptorIsSilent) {
  ASSERT_EQ(write(ends_[1], "x", 1), 1);
  set_->Set(ends_[0], /*read=*/true, /*write=*/false);
  set_->Remove(ends_[0]);
  EXPECT_FALSE(IsReadable());
}

TEST_F(EpollSetTest, AlarmOfThePastGoesOffAtOnce) {
  set_->SetAlarm(absl::ZeroDuration());
  EXPECT_TRUE(IsReadable(/*wait_ms=*/20'000));
  EXPECT_TRUE(set_->Take().empty());
}

TEST_F(EpollSetTest, AlarmGoesOffInTime) {
  set_->SetAlarm(MonotonicNow() + absl::Milliseconds(20));
  EXPECT_TRUE(IsReadable(/*wait_ms=*/20'000));
}

TEST_F(EpollSetTest, NewAlarmReplacesTheOldOne) {
  set_->SetAlarm(absl::ZeroDuration());
  ASSERT_TRUE(IsReadable(/*wait_ms=*/20'000));
  set_->SetAlarm(MonotonicNow() + absl::Hours(1));
  EXPECT_FALSE(IsReadable());
  set_->SetAlarm(absl::ZeroDuration());
  set_->SetAlarm(absl::InfiniteDuration());
  EXPECT_FALSE(IsReadable());
}

}  // namespace
}  // namespace netpol
