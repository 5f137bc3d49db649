// C074: another process holds the xtables lock while a policy is to come into
// force.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/base/pacer.h"
#include "netpol/controller_loop.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/snapshot_text.h"
#include "tests/cases/case_folders.h"
#include "tests/cases/sets_and_syncs/kernel_case_fixture.h"
#include "tests/cases/sets_and_syncs/memory_node.h"

namespace netpol {
namespace {

// Nobody waits for so long unless the test fails.
constexpr std::chrono::seconds kPatience(30);

using testing::HasSubstr;

// A process that holds a lock file as iptables does, until Release() or its
// end.
class LockHolder {
 public:
  // A failed test if the lock is not free.
  explicit LockHolder(const std::string& path) {
    int told[2];
    int kept[2];
    EXPECT_EQ(pipe2(told, O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(kept, O_CLOEXEC), 0);
    pid_ = fork();
    if (pid_ == 0) Hold(path.c_str(), told[1], kept);
    close(told[1]);
    close(kept[0]);
    keep_ = kept[1];
    char answer = 0;
    EXPECT_EQ(read(told[0], &answer, 1), 1);
    EXPECT_EQ(answer, 'y') << path << " is locked by somebody else";
    close(told[0]);
  }
  LockHolder(const LockHolder&) = delete;
  LockHolder& operator=(const LockHolder&) = delete;
  ~LockHolder() { Release(); }

  void Release() {
    if (keep_ < 0) return;
    close(std::exchange(keep_, -1));
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  // The child: nothing but system calls, since the parent has threads.
  [[noreturn]] static void Hold(const char* path, int tell, const int* keep) {
    const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const char answer = flock(file, LOCK_EX | LOCK_NB) == 0 ? 'y' : 'n';
    close(keep[1]);
    char byte;
    if (write(tell, &answer, 1) == 1) {
      while (read(keep[0], &byte, 1) > 0) continue;
    }
    _exit(0);
  }

  pid_t pid_ = -1;
  int keep_ = -1;
};

class TableLockTest : public KernelCaseTest {
 protected:
  void SetUp() override {
    KernelCaseTest::SetUp();
    step_ = StepsOf("C074").at(0);
  }

  CaseStep step_;
};

TEST_F(TableLockTest, C074FailureNamesStepFileAndHolderAndIsMendedLater) {
  ASSERT_NO_FATAL_FAILURE(Start(absl::Milliseconds(20)));
  TellStep(step_);
  LockHolder holder(XtablesLockPath());
  const absl::Status failed = TrySync().status();
  EXPECT_EQ(failed.code(), absl::StatusCode::kUnavailable);
  const std::string message(failed.message());
  EXPECT_THAT(message, HasSubstr("committing the IPv4 filter table"));
  EXPECT_THAT(message, HasSubstr(XtablesLockPath()));
  EXPECT_THAT(message, HasSubstr(absl::StrCat("pid ", holder.pid())));
  EXPECT_FALSE(ReadKernel().table(Family::kIPv4).hooks_in_place);
  holder.Release();
  Sync();
  ExpectVerdicts(step_.checks);
  ExpectInStep();
}

// Nothing but time and the loop itself.
TEST_F(TableLockTest, C074VerdictHoldsOnceTheLockIsFree) {
  const absl::StatusOr<std::vector<v1::WatchEvent>> events = EventsOf(step_);
  ASSERT_TRUE(events.ok()) << events.status();
  for (const v1::WatchEvent& event : *events) ApplyEvent(event, cluster_);
  LockHolder holder(XtablesLockPath());
  std::mutex mutex;
  std::condition_variable changed;
  int failures = 0;
  bool synced = false;
  ControllerLoopCallbacks callbacks;
  callbacks.on_error = [&](const absl::Status&) {
    const std::lock_guard<std::mutex> lock(mutex);
    ++failures;
    changed.notify_all();
  };
  callbacks.on_synced = [&](const SyncReport&) {
    const std::lock_guard<std::mutex> lock(mutex);
    synced = true;
    changed.notify_all();
  };
  std::unique_ptr<Controller> controller =
      MakeController(absl::Milliseconds(20));
  ASSERT_NE(controller, nullptr);
  std::unique_ptr<ControllerLoop> loop;
  // Its thread is then in the node's network too.
  OnNode([&] {
    loop = std::make_unique<ControllerLoop>(
        std::move(controller), PacerOptions(), std::move(callbacks));
  });
  loop->Post(ListingOf(cluster_));
  absl::Time released;
  {
    std::unique_lock<std::mutex> lock(mutex);
    ASSERT_TRUE(
        changed.wait_for(lock, kPatience, [&] { return failures >= 3; }));
    EXPECT_FALSE(synced);
    EXPECT_FALSE(loop->health().last_error.ok()) << "not enforcing is loud";
    EXPECT_FALSE(loop->health().synced_once);
    released = absl::Now();
    holder.Release();
    ASSERT_TRUE(changed.wait_for(lock, kPatience, [&] { return synced; }));
  }
  std::cout << "in force " << absl::Now() - released
            << " after the lock was free\n";
  EXPECT_TRUE(loop->health().last_error.ok());
  loop->Stop();
  ExpectVerdicts(step_.checks);
}

// However often it failed before.
TEST(TableLockRetryTest, C074NoRetryIsMoreThanFiveSecondsAway) {
  Pacer pacer((PacerOptions()));
  absl::Time now = absl::UnixEpoch();
  pacer.Request(now);
  for (int failure = 0; failure < 100; ++failure) {
    const absl::Time end = now + absl::Seconds(10);  // The wait for the lock.
    pacer.Ran(now, end, RunResult::kFailed);
    EXPECT_LE(pacer.NextRun() - end, absl::Seconds(5))
        << "after " << failure + 1 << " failures";
    EXPECT_GT(pacer.NextRun(), end) << "but not at once either";
    now = pacer.NextRun();
  }
}

TEST_F(TableLockTest, C074LockIsNotHeldBetweenTwoSyncs) {
  ASSERT_NO_FATAL_FAILURE(Start());
  TellStep(step_);
  Sync();
  LockHolder holder(XtablesLockPath());  // Fails if it is not free.
  ExpectVerdicts(step_.checks);
}

TEST_F(TableLockTest, C074MembersFollowWhileSomebodyHoldsTheLock) {
  ASSERT_NO_FATAL_FAILURE(Start(absl::Milliseconds(20)));
  TellStep(step_);
  Tell({Upsert(PolicyBuilder("lock", "friends")
                   .Types({"Ingress"})
                   .Ingress({PodPeer(MatchLabels({{"friend", "yes"}}))})
                   .Build())});
  Sync();
  LockHolder holder(XtablesLockPath());
  const PodBuilder friendly = PodBuilder("lock", "friend")
                                  .On("node-b")
                                  .Ip("10.42.1.7")
                                  .Label("friend", "yes")
                                  .Phase("Running");
  std::vector<CaseCheck> checks = {{"10.42.1.7", "lock/s", 6, 80, true},
                                   step_.checks.at(0)};
  Tell({Upsert(friendly.Build())});
  EXPECT_EQ(Sync().writes.total(), 1u) << "needs no table, hence no lock";
  ExpectVerdicts(checks);
  Tell({Delete(friendly.Build())});
  EXPECT_EQ(Sync().writes.total(), 1u);
  checks[0].allowed = false;
  ExpectVerdicts(checks);
  // And to look at the kernel again none is needed either.
  ExpectInStep();
}

// What was enforced before stays so while a change cannot be made.
TEST_F(TableLockTest, C074OldVerdictsHoldWhileTheLockIsHeld) {
  ASSERT_NO_FATAL_FAILURE(Start(absl::Milliseconds(20)));
  TellStep(step_);
  Sync();
  const std::string before = ContentsOf(ReadKernel());
  LockHolder holder(XtablesLockPath());
  Tell({Upsert(PolicyBuilder("lock", "more")
                   .Types({"Ingress"})
                   .Ingress({BlockPeer("203.0.113.0/24")})
                   .Build())});
  for (int tries = 0; tries < 3; ++tries) {
    EXPECT_FALSE(TrySync().ok());
    ExpectVerdicts(step_.checks);
  }
  holder.Release();
  Sync();
  std::vector<CaseCheck> checks = step_.checks;
  checks.at(0).allowed = true;
  ExpectVerdicts(checks);
  EXPECT_NE(ContentsOf(ReadKernel()), before);
  EXPECT_EQ(ContentsOf(ReadKernel()), FreshContents(cluster_));
}

}  // namespace
}  // namespace netpol
