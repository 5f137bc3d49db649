// Looking at the controller of a loop that runs.
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "netpol/controller_loop.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/fake_dataplane.h"

namespace netpol {
namespace {

class ControllerLoopInspectTest : public testing::Test {
 protected:
  ControllerLoopInspectTest() {
    ControllerOptions options;
    options.node_name = "node-a";
    PacerOptions pacing;
    pacing.period = absl::InfiniteDuration();
    loop_ = std::make_unique<ControllerLoop>(
        *Controller::Create(options, std::make_unique<FakeDataplane>()), pacing,
        ControllerLoopCallbacks());
  }

  std::unique_ptr<ControllerLoop> loop_;
};

TEST_F(ControllerLoopInspectTest, SeesEverythingThatWasPostedBefore) {
  loop_->Post(ListingOf({}));
  for (int i = 0; i < 200; ++i) {
    loop_->Post({Upsert(PodBuilder("red", absl::StrCat("pod-", i)).Build())});
    size_t pods = 0;
    const absl::Status looked =
        loop_->Inspect([&](const Controller& controller) {
          pods = controller.state().pod_count();
        });
    ASSERT_TRUE(looked.ok()) << looked;
    ASSERT_EQ(pods, static_cast<size_t>(i + 1));
  }
}

TEST_F(ControllerLoopInspectTest, LoopThatHasEndedIsNotLookedAt) {
  loop_->Stop();
  bool called = false;
  const absl::Status looked =
      loop_->Inspect([&](const Controller&) { called = true; });
  EXPECT_EQ(looked.code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(called);
}

TEST_F(ControllerLoopInspectTest, StopLetsEverybodyGo) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      bool called = true;
      absl::Status looked;
      do {
        called = false;
        looked = loop_->Inspect([&](const Controller&) { called = true; });
        EXPECT_EQ(called, looked.ok());
      } while (looked.ok());
      EXPECT_EQ(looked.code(), absl::StatusCode::kUnavailable);
    });
  }
  loop_->Post(ListingOf({}));
  loop_->Stop();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace netpol
