// What a loop says of events on their way to the kernel, and of why it waits.
#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "tests/controller/controller_loop_fixture.h"

namespace netpol {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(LoopTest, EventsArePendingUntilTheyAreInTheKernel) {
  Start();
  loop_->Post({Upsert(LocalPod(1).Build()), Upsert(LocalPod(2).Build())});
  // Nothing can be done with half a cluster.
  ASSERT_TRUE(loop_->Inspect([](const Controller&) {}).ok());
  EXPECT_EQ(loop_->health().pending, 2u);
  EXPECT_LT(loop_->health().oldest_pending, absl::InfiniteFuture());
  loop_->Post(ListingOf(Cluster()));
  Await([this] { return syncs_ > 0; });
  EXPECT_EQ(loop_->health().pending, 0u);
  EXPECT_EQ(loop_->health().oldest_pending, absl::InfiniteFuture());
}

TEST_F(LoopTest, EveryEventIsToldOnceWhenItIsInTheKernel) {
  size_t told = 0;
  absl::Duration longest;
  on_in_kernel_ = [&](absl::Duration delay, size_t events) {
    const std::lock_guard<std::mutex> lock(mutex_);
    told += events;
    longest = std::max(longest, delay);
    changed_.notify_all();
  };
  Start();
  std::vector<v1::WatchEvent> listing = ListingOf(Cluster());
  const size_t all = listing.size() + 3;
  for (int i = 0; i < 3; ++i) loop_->Post({Upsert(LocalPod(i).Build())});
  loop_->Post(std::move(listing));
  Await([&] { return told >= all; });
  loop_->Stop();
  EXPECT_EQ(told, all);
  EXPECT_GT(longest, absl::ZeroDuration());
}

TEST_F(LoopTest, SaysWhatItWaitsForUntilItNeedNot) {
  Start();
  EXPECT_THAT(loop_->health().waiting_for, HasSubstr("pods"));
  EXPECT_LT(loop_->health().waiting_since, absl::InfiniteFuture());
  loop_->Post(ListingOf(Cluster()));
  Await([this] { return syncs_ > 0; });
  EXPECT_THAT(loop_->health().waiting_for, IsEmpty());
  EXPECT_EQ(loop_->health().waiting_since, absl::InfiniteFuture());
  EXPECT_EQ(loop_->health().syncs, 1u);
  EXPECT_EQ(loop_->health().failed_syncs, 0u);
}

TEST_F(LoopTest, ThePreviewIsOfEverythingPostedBefore) {
  Start();
  loop_->Post({Upsert(LocalPod(1).Build()),
               Upsert(PolicyBuilder("red", "deny").Build())});
  EXPECT_TRUE(absl::IsFailedPrecondition(loop_->Preview().status()));
  loop_->Post(ListingOf(Cluster()));
  Await([this] { return syncs_ > 0; });
  absl::StatusOr<Plan> plan = loop_->Preview();
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_TRUE(plan->empty()) << plan->ToString();
  loop_->Stop();
  EXPECT_TRUE(absl::IsUnavailable(loop_->Preview().status()));
}

TEST_F(LoopTest, RoomIsAwaitedUntilTheThreadHasTakenTheRest) {
  Start();
  for (int i = 0; i < 100; ++i) {
    loop_->Post({Upsert(LocalPod(i).Build())});
    loop_->AwaitRoom(1);
  }
  ASSERT_TRUE(loop_
                  ->Inspect([](const Controller& controller) {
                    EXPECT_EQ(controller.counts().pods, 100u);
                  })
                  .ok());
  loop_->Stop();
  loop_->Post({Upsert(LocalPod(1).Build())});
  loop_->AwaitRoom(1);  // Nobody will take it: returns all the same.
}

}  // namespace
}  // namespace netpol
