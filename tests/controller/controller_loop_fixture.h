// A loop over a kernel in memory.
#ifndef NETPOL_TESTS_CONTROLLER_CONTROLLER_LOOP_FIXTURE_H_
#define NETPOL_TESTS_CONTROLLER_CONTROLLER_LOOP_FIXTURE_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "netpol/base/pacer.h"
#include "netpol/controller.h"
#include "netpol/controller_loop.h"
#include "netpol/sync/snapshot.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/fake_dataplane.h"

namespace netpol {

// Long enough for any machine; nobody waits for it unless a test fails.
inline constexpr std::chrono::minutes kPatience(1);

// No rests, no periodic look.
inline PacerOptions Eager() {
  PacerOptions options;
  options.rest_factor = 0;
  options.first_retry = absl::Milliseconds(1);
  options.last_retry = absl::Milliseconds(1);
  options.period = absl::InfiniteDuration();
  return options;
}

inline PodBuilder LocalPod(int number) {
  return PodBuilder("red", absl::StrCat("pod-", number))
      .On("node-a")
      .Ip(absl::StrCat("10.42.", number / 200, ".", number % 200 + 1));
}

// A loop over a kernel in memory, and what it told. The kernel belongs to the
// loop's thread: tests look at copies that the callbacks make.
class LoopTest : public testing::Test {
 protected:
  LoopTest() {
    auto owned = std::make_unique<FakeDataplane>();
    kernel_ = owned.get();
    ControllerOptions options;
    options.node_name = "node-a";
    controller_ = *Controller::Create(options, std::move(owned));
  }

  // What is to be prepared in the kernel must be before this.
  void Start(PacerOptions pacing = Eager(),
             absl::Duration look_period = absl::InfiniteDuration()) {
    ControllerLoopCallbacks callbacks;
    callbacks.on_synced = [this](const SyncReport&) {
      const std::lock_guard<std::mutex> lock(mutex_);
      ++syncs_;
      state_ = kernel_->state();
      if (after_sync_) after_sync_();
      changed_.notify_all();
    };
    callbacks.on_error = [this](const absl::Status& status) {
      const std::lock_guard<std::mutex> lock(mutex_);
      errors_.push_back(status);
      changed_.notify_all();
    };
    callbacks.on_policy_problems =
        [this](const ObjectKey& key, const std::vector<std::string>& problems) {
          const std::lock_guard<std::mutex> lock(mutex_);
          problems_.push_back(absl::StrCat(key.ToString(), ": ",
                                           problems.empty() ? "sound" : "bad"));
          changed_.notify_all();
        };
    callbacks.on_in_kernel = on_in_kernel_;
    loop_ = std::make_unique<ControllerLoop>(std::move(controller_), pacing,
                                             std::move(callbacks), look_period);
  }

  // Waits until `done` holds, which may look at everything below.
  void Await(const std::function<bool()>& done) {
    std::unique_lock<std::mutex> lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, kPatience, done));
  }
  void AwaitLocalPods(size_t count) {
    Await([&] { return LocalPods() == count; });
  }
  size_t LocalPods() const {
    auto it = state_.sets.find(LocalPodsSet(Family::kIPv4));
    return it == state_.sets.end() ? 0 : it->second.members.size();
  }
  std::vector<absl::Status> Errors() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return errors_;
  }

  FakeDataplane* kernel_ = nullptr;
  std::unique_ptr<Controller> controller_;

  std::mutex mutex_;
  std::condition_variable changed_;
  int syncs_ = 0;
  Snapshot state_;
  std::vector<absl::Status> errors_;
  std::vector<std::string> problems_;
  std::function<void()> after_sync_;  // under mutex_
  std::function<void(absl::Duration, size_t)> on_in_kernel_;

  // Last: its thread uses the rest.
  std::unique_ptr<ControllerLoop> loop_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_CONTROLLER_CONTROLLER_LOOP_FIXTURE_H_
