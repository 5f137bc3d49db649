#include "netpol/controller_loop.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "tests/controller/controller_loop_fixture.h"

namespace netpol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(LoopTest, PostsOfSeveralThreadsEndInTheKernel) {
  constexpr int kThreads = 4;
  constexpr int kPodsEach = 50;
  Start();
  loop_->Post(ListingOf(Cluster()));
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread] {
      for (int i = 0; i < kPodsEach; ++i)
        loop_->Post({Upsert(LocalPod(thread * kPodsEach + i).Build())});
    });
  }
  for (std::thread& thread : threads) thread.join();
  AwaitLocalPods(size_t{kThreads} * kPodsEach);
  EXPECT_THAT(Errors(), IsEmpty());
}

TEST_F(LoopTest, EventsOfOneThreadKeepTheirOrder) {
  Start();
  loop_->Post(ListingOf(Cluster()));
  for (int i = 0; i < 100; ++i) {
    loop_->Post({Upsert(LocalPod(1).Build())});
    loop_->Post({Delete(LocalPod(1).Build())});
  }
  loop_->Post({Upsert(LocalPod(2).Build())});
  const SetMember second = SetMember::Address(*IpAddress::Parse("10.42.0.3"));
  Await([&] {
    return LocalPods() == 1 &&
           state_.sets.at(LocalPodsSet(Family::kIPv4)).members.count(second);
  });
}

TEST_F(LoopTest, HalfAListingIsNoErrorAndNoSync) {
  Start();
  loop_->Post({Upsert(LocalPod(1).Build()), Listed(v1::WatchEvent::POD)});
  loop_->Post({Listed(v1::WatchEvent::NAMESPACE)});
  loop_->Post({Listed(v1::WatchEvent::NETWORK_POLICY)});
  AwaitLocalPods(1);
  EXPECT_THAT(Errors(), IsEmpty());
}

TEST_F(LoopTest, WhatOthersChangeIsSeenWithoutBeingAskedFor) {
  // Once, on the loop's thread, as another program would between two syncs.
  bool tampered = false;
  after_sync_ = [&] {
    if (tampered || !state_.table(Family::kIPv4).hooks_in_place) return;
    tampered = true;
    kernel_->table(Family::kIPv4).InsertForeignRule("FORWARD", 0);
  };
  Start(Eager(), absl::Milliseconds(1));
  loop_->Post(ListingOf(Cluster()));
  Await([&] {
    return tampered && syncs_ > 1 && state_.table(Family::kIPv4).hooks_in_place;
  });
  EXPECT_EQ(loop_->health().repairs, 1u);
  EXPECT_THAT(Errors(), IsEmpty());
}

TEST_F(LoopTest, FailedSyncIsTriedAgain) {
  int refusals = 3;
  kernel_->set_gate([&refusals](const Operation& operation) {
    return operation.kind == OperationKind::kCommitTable && refusals-- > 0
               ? absl::UnavailableError("the lock is held")
               : absl::OkStatus();
  });
  Start();
  loop_->Post(ListingOf(Cluster()));
  loop_->Post({Upsert(LocalPod(1).Build())});
  AwaitLocalPods(1);
  EXPECT_EQ(Errors().size(), 3u);
  for (const absl::Status& error : Errors())
    EXPECT_TRUE(absl::IsUnavailable(error)) << error;
  loop_->Stop();
  EXPECT_TRUE(loop_->health().last_error.ok());
}

// The same code as for a listing that is not complete, which is no failure.
TEST_F(LoopTest, CommitThatSomebodyElsesRuleForbidsIsToldAndTriedAgain) {
  int refusals = 2;
  kernel_->set_gate([&refusals](const Operation& operation) {
    return operation.kind == OperationKind::kCommitTable && refusals-- > 0
               ? absl::FailedPreconditionError("a foreign rule leads to it")
               : absl::OkStatus();
  });
  Start();
  loop_->Post(ListingOf(Cluster()));
  loop_->Post({Upsert(LocalPod(1).Build())});
  AwaitLocalPods(1);
  EXPECT_EQ(Errors().size(), 2u);
}

TEST_F(LoopTest, SetThatIsStillInUseIsDestroyedLater) {
  std::atomic<int> refusals{2};
  kernel_->set_gate([&refusals](const Operation& operation) {
    return operation.kind == OperationKind::kDestroySet && refusals-- > 0
               ? absl::UnavailableError("still in use")
               : absl::OkStatus();
  });
  Start();
  const PolicyBuilder policy =
      PolicyBuilder("red", "p").Ingress({BlockPeer("192.0.2.0/24")});
  loop_->Post(ListingOf(Cluster()));
  loop_->Post({Upsert(LocalPod(1).Build()), Upsert(policy.Build())});
  Await([&] { return state_.sets.size() == 2; });
  loop_->Post({Delete(policy.Build())});
  Await([&] { return state_.sets.size() == 1; });
  EXPECT_THAT(Errors(), IsEmpty());
  EXPECT_LE(refusals.load(), 0);
}

TEST_F(LoopTest, BadEventIsToldAndTheOthersAreTaken) {
  Start();
  loop_->Post(ListingOf(Cluster()));
  loop_->Post({Upsert(LocalPod(1).Build()), v1::WatchEvent(),
               Upsert(PodBuilder("", "x").Build()),
               Upsert(LocalPod(2).Build())});
  AwaitLocalPods(2);
  ASSERT_EQ(Errors().size(), 2u);
  for (const absl::Status& error : Errors())
    EXPECT_TRUE(absl::IsInvalidArgument(error)) << error;
}

TEST_F(LoopTest, ProblemsOfAPolicyAreToldWhenTheyChange) {
  Start();
  loop_->Post(ListingOf(Cluster()));
  const PolicyBuilder broken =
      PolicyBuilder("red", "p").Ingress({BlockPeer("nonsense")});
  loop_->Post({Upsert(broken.Build())});
  Await([&] { return problems_.size() == 1; });
  // Something else happens: nothing is told again.
  loop_->Post({Upsert(LocalPod(1).Build())});
  AwaitLocalPods(1);
  loop_->Post({Upsert(PolicyBuilder("red", "p").Build())});
  Await([&] { return problems_.size() == 2; });
  loop_->Stop();
  EXPECT_THAT(problems_, ElementsAre("red/p: bad", "red/p: sound"));
}

TEST_F(LoopTest, EventMayBePostedFromACallback) {
  Start();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    after_sync_ = [this] {
      if (LocalPods() < 5)
        loop_->Post({Upsert(LocalPod(static_cast<int>(LocalPods())).Build())});
    };
  }
  loop_->Post(ListingOf(Cluster()));
  AwaitLocalPods(5);
}

TEST_F(LoopTest, NodeAddressesToldDuringASyncAreFollowedByOne) {
  bool told = false;
  kernel_->set_gate([&](const Operation& operation) {
    if (operation.kind == OperationKind::kCommitTable &&
        !std::exchange(told, true)) {
      loop_->SetNodeAddresses({*IpAddress::Parse("10.42.0.2")});
    }
    return absl::OkStatus();
  });
  Start();
  std::vector<v1::WatchEvent> events = ListingOf(Cluster());
  events.push_back(Upsert(LocalPod(1).Build()));
  loop_->Post(std::move(events));
  Await([&] { return syncs_ == 2; });
  EXPECT_EQ(loop_->health().node_problems.size(), 1u)
      << "the pod claims the node's address";
}

// ---- Looking again.

TEST_F(LoopTest, ResyncMendsWhatOthersDid) {
  std::atomic<bool> tamper{false};
  kernel_->set_gate([&](const Operation& operation) {
    if (operation.kind == OperationKind::kRead && tamper.exchange(false))
      kernel_->table(Family::kIPv4).Clear();
    return absl::OkStatus();
  });
  Start();
  loop_->Post(ListingOf(Cluster()));
  Await([&] { return syncs_ == 1; });
  tamper = true;
  loop_->RequestResync();
  Await([&] { return syncs_ == 2; });
  EXPECT_FALSE(tamper) << "the kernel was not read";
  loop_->Stop();
  EXPECT_TRUE(kernel_->state().table(Family::kIPv4).hooks_in_place);
}

TEST_F(LoopTest, ResyncThatIsAskedForDuringASyncIsNotForgotten) {
  int reads = 0;
  bool asked = false;
  kernel_->set_gate([&](const Operation& operation) {
    if (operation.kind == OperationKind::kRead) ++reads;
    if (operation.kind == OperationKind::kCommitTable && !asked) {
      asked = true;
      loop_->RequestResync();
    }
    return absl::OkStatus();
  });
  Start();
  loop_->Post(ListingOf(Cluster()));
  Await([&] { return syncs_ >= 2; });
  loop_->Stop();
  EXPECT_EQ(reads, 2);
}

TEST_F(LoopTest, KernelIsLookedAtOncePerPeriod) {
  PacerOptions pacing = Eager();
  pacing.period = absl::Milliseconds(1);
  int reads = 0;
  kernel_->set_gate([&reads](const Operation& operation) {
    if (operation.kind == OperationKind::kRead) ++reads;
    return absl::OkStatus();
  });
  Start(pacing);
  loop_->Post(ListingOf(Cluster()));
  Await([&] { return syncs_ >= 4; });
  loop_->Stop();
  EXPECT_GE(reads, 4);
}

// ---- Stopping.

TEST_F(LoopTest, StopReturnsWhereNothingEverHappened) {
  Start();
  loop_->Stop();
  loop_->Stop();
  EXPECT_FALSE(loop_->health().synced_once);
}

TEST_F(LoopTest, StopMayBeCalledBySeveralThreads) {
  Start();
  loop_->Post(ListingOf(Cluster()));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([this] { loop_->Stop(); });
  for (std::thread& thread : threads) thread.join();
  loop_->Post({Upsert(LocalPod(1).Build())});  // Nobody takes it.
  const absl::Time oldest = loop_->health().oldest_pending;
  EXPECT_NE(oldest, absl::InfiniteFuture());
}

TEST_F(LoopTest, StopLeavesEnforcementInPlace) {
  Start();
  loop_->Post(ListingOf(Cluster()));
  loop_->Post({Upsert(LocalPod(1).Build())});
  AwaitLocalPods(1);
  loop_->Stop();
  EXPECT_TRUE(kernel_->state().table(Family::kIPv4).hooks_in_place);
}

TEST_F(LoopTest, StopEndsTheBatchThatIsUnderWay) {
  std::promise<void> in_commit;
  std::promise<void> go_on;
  bool first = true;
  kernel_->set_gate([&](const Operation& operation) {
    if (operation.kind == OperationKind::kCommitTable &&
        std::exchange(first, false)) {
      in_commit.set_value();
      go_on.get_future().wait();
    }
    return absl::OkStatus();
  });
  Start();
  loop_->Post(ListingOf(Cluster()));
  ASSERT_EQ(in_commit.get_future().wait_for(kPatience),
            std::future_status::ready);
  std::thread stopper([this] { loop_->Stop(); });
  go_on.set_value();
  stopper.join();
  EXPECT_TRUE(kernel_->state().table(Family::kIPv4).hooks_in_place);
  EXPECT_EQ(syncs_, 1);
}

TEST_F(LoopTest, StopDoesNotWaitForARetry) {
  PacerOptions pacing = Eager();
  pacing.first_retry = absl::Hours(1);
  kernel_->FailAlways(OperationKind::kRead, absl::InternalError("no"));
  Start(pacing);
  loop_->Post(ListingOf(Cluster()));
  Await([&] { return errors_.size() == 1; });
  loop_->Stop();
  EXPECT_THAT(std::string(loop_->health().last_error.message()),
              HasSubstr("no"));
}

// ---- Health.

TEST_F(LoopTest, HealthSaysWhatIsInTheKernel) {
  Start();
  const LoopHealth idle = loop_->health();
  EXPECT_FALSE(idle.synced_once);
  EXPECT_EQ(idle.oldest_pending, absl::InfiniteFuture());
  const absl::Time before = absl::Now();
  loop_->Post(ListingOf(Cluster()));
  loop_->Post({Upsert(LocalPod(1).Build())});
  AwaitLocalPods(1);
  loop_->Stop();
  const LoopHealth done = loop_->health();
  EXPECT_TRUE(done.synced_once);
  EXPECT_TRUE(done.last_error.ok());
  EXPECT_GE(done.last_success, before);
  EXPECT_EQ(done.oldest_pending, absl::InfiniteFuture());
  EXPECT_GE(done.syncs, 1u);
  EXPECT_EQ(done.counts.pods, 1u);
}

TEST_F(LoopTest, WhatIsNotInTheKernelStaysPending) {
  PacerOptions pacing = Eager();
  pacing.first_retry = absl::Hours(1);
  kernel_->FailAlways(OperationKind::kCommitTable, absl::InternalError("no"));
  Start(pacing);
  const absl::Time before = absl::Now();
  loop_->Post(ListingOf(Cluster()));
  Await([&] { return errors_.size() == 1; });
  const LoopHealth health = loop_->health();
  EXPECT_FALSE(health.synced_once);
  EXPECT_FALSE(health.last_error.ok());
  EXPECT_GE(health.oldest_pending, before);
  EXPECT_LE(health.oldest_pending, absl::Now());
}

}  // namespace
}  // namespace netpol
