// When a loop syncs: at once, between two commits, or after a rest.
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "netpol/controller_loop.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "tests/controller/controller_loop_fixture.h"

namespace netpol {
namespace {

// After a commit, the next one is an hour away.
PacerOptions Resting() {
  PacerOptions options = Eager();
  options.rest_factor = 1e12;
  options.max_rest = absl::Hours(1);
  return options;
}

// Allows a pod that is elsewhere by a set.
std::vector<v1::WatchEvent> ListingWithAPeer() {
  Cluster cluster;
  cluster.pods = {
      LocalPod(1).Build(),
      PodBuilder("red", "far").On("node-b").Ip("10.43.0.1").Build()};
  cluster.policies = {
      PolicyBuilder("red", "p").Ingress({PodPeer(MatchLabels())}).Build()};
  return ListingOf(cluster);
}

size_t MembersOfAllSets(const Snapshot& state) {
  size_t members = 0;
  for (const auto& [name, set] : state.sets) members += set.members.size();
  return members;
}

TEST_F(LoopTest, MembersFollowAtOnceAfterACommit) {
  Start(Resting());
  loop_->Post(ListingWithAPeer());
  Await([&] { return syncs_ == 1 && MembersOfAllSets(state_) == 3; });
  loop_->Post(
      {Upsert(PodBuilder("red", "new").On("node-b").Ip("10.43.0.2").Build())});
  Await([&] { return syncs_ == 2 && MembersOfAllSets(state_) == 4; });
}

TEST_F(LoopTest, SecondCommitWaitsForTheRestOfTheFirst) {
  Start(Resting());
  loop_->Post(ListingWithAPeer());
  Await([&] { return syncs_ == 1; });
  loop_->Post({Upsert(PolicyBuilder("red", "q").Ingress().Build())});
  // What it would sync, it would have synced when it answers a second time.
  for (int i = 0; i < 2; ++i)
    ASSERT_TRUE(loop_->Inspect([](const Controller&) {}).ok());
  EXPECT_EQ(loop_->health().syncs, 1u);
  EXPECT_NE(loop_->health().oldest_pending, absl::InfiniteFuture());
}

TEST_F(LoopTest, ResyncWaitsForTheRestOfACommit) {
  Start(Resting());
  loop_->Post(ListingWithAPeer());
  Await([&] { return syncs_ == 1; });
  loop_->RequestResync();
  for (int i = 0; i < 2; ++i)
    ASSERT_TRUE(loop_->Inspect([](const Controller&) {}).ok());
  EXPECT_EQ(loop_->health().syncs, 1u);
}

TEST_F(LoopTest, StreamThatNeverPausesIsSynced) {
  Start();
  loop_->Post(ListingOf(Cluster()));
  std::atomic<bool> enough{false};
  std::thread stream([&] {
    for (int i = 0; !enough; ++i)
      loop_->Post(
          {Upsert(LocalPod(i % 100).Label("n", absl::StrCat(i)).Build())});
  });
  Await([&] { return syncs_ >= 20; });
  enough = true;
  stream.join();
}

TEST_F(LoopTest, SetThatCannotBeMadeHoldsUpNobodyElse) {
  PacerOptions pacing = Eager();
  pacing.first_retry = absl::Hours(1);
  kernel_->set_gate([](const Operation& operation) {
    return operation.kind == OperationKind::kCreateSet &&
                   operation.set != LocalPodsSet(Family::kIPv4)
               ? absl::ResourceExhaustedError("no room")
               : absl::OkStatus();
  });
  Start(pacing);
  loop_->Post(ListingWithAPeer());
  AwaitLocalPods(1);
  loop_->Post({Upsert(LocalPod(2).Build())});
  AwaitLocalPods(2);
}

// There is always something new, so that no sync is for the look alone.
TEST_F(LoopTest, KernelIsLookedAtOncePerPeriodUnderLoadToo) {
  PacerOptions pacing = Eager();
  pacing.period = absl::Milliseconds(200);
  std::atomic<int> reads{0};
  kernel_->set_gate([&reads](const Operation& operation) {
    if (operation.kind == OperationKind::kRead) ++reads;
    return absl::OkStatus();
  });
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    after_sync_ = [this] {
      loop_->Post({Upsert(LocalPod(syncs_ % 100).Build())});
    };
  }
  Start(pacing);
  loop_->Post(ListingOf(Cluster()));
  Await([&] { return reads >= 3; });
}

}  // namespace
}  // namespace netpol
