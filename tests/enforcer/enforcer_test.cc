// The enforcer on the real kernel, in a network namespace of the test.
#include "netpol/enforcer/enforcer.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/lab/lab_flavour.h"
#include "tests/kernel/lab/netns.h"

namespace netpol {
namespace {

using testing::Contains;
using testing::HasSubstr;

constexpr std::chrono::seconds kPatience(60);

// A source that tells what the test gave it. Thread-safe.
class HandFedSource : public WatchSource {
 public:
  HandFedSource() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~HandFedSource() override { close(fd_); }

  void Tell(std::vector<v1::WatchEvent> events) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (v1::WatchEvent& event : events) events_.push_back(std::move(event));
    eventfd_write(fd_, 1);
  }
  void Fail(absl::Status status) {
    const std::lock_guard<std::mutex> lock(mutex_);
    status_ = std::move(status);
    eventfd_write(fd_, 1);
  }

  absl::Status Poll(absl::Duration, const EventSink& events,
                    const ProblemSink&) override {
    std::vector<v1::WatchEvent> told;
    absl::Status status;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      eventfd_t value = 0;
      (void)eventfd_read(fd_, &value);
      told.swap(events_);
      status = status_;
    }
    for (v1::WatchEvent& event : told) events(std::move(event));
    return status;
  }
  const std::vector<SourceProblem>& problems() const override {
    return problems_;
  }
  int fd() const override { return fd_; }

 private:
  const int fd_;
  std::mutex mutex_;
  std::vector<v1::WatchEvent> events_;
  absl::Status status_;
  const std::vector<SourceProblem> problems_;
};

// One deny-all policy over a pod of this node.
std::vector<v1::WatchEvent> SmallCluster() {
  std::vector<v1::WatchEvent> events = {
      Upsert(PodBuilder("red", "web").On("node-a").Ip("10.42.0.5").Build()),
      Upsert(PolicyBuilder("red", "deny").Build())};
  for (v1::WatchEvent& event : ListingOf(Cluster()))
    events.push_back(std::move(event));
  return events;
}

class EnforcerTest : public LabFixture {
 protected:
  void SetUp() override {
    LabFixture::SetUp();
    if (IsSkipped()) return;
    auto ns = NetNs::Create();
    ASSERT_TRUE(ns.ok()) << ns.status();
    ns_.emplace(*std::move(ns));
  }

  void Start(std::unique_ptr<WatchSource> source = nullptr,
             Flavour flavour = LabFlavour()) {
    EnforcerOptions options;
    options.controller.node_name = "node-a";
    options.flavour = flavour;
    options.health.source = absl::ZeroDuration();
    const absl::Status started = ns_->Run([&]() -> absl::Status {
      auto enforcer = Enforcer::Start(options, std::move(source), Callbacks());
      if (enforcer.ok()) enforcer_ = *std::move(enforcer);
      return enforcer.status();
    });
    ASSERT_TRUE(started.ok()) << started;
  }

  EnforcerCallbacks Callbacks() {
    EnforcerCallbacks callbacks;
    callbacks.log = [this](LogLevel level, absl::string_view line) {
      Note([&] {
        log_.push_back(
            absl::StrCat(level >= LogLevel::kWarning ? "! " : "", line));
      });
    };
    callbacks.on_first_sync = [this] { Note([&] { ++first_syncs_; }); };
    callbacks.on_synced = [this](const SyncReport&) {
      Note([&] { ++syncs_; });
    };
    callbacks.on_health = [this](const HealthVerdict& verdict) {
      Note([&] { verdict_ = verdict; });
    };
    return callbacks;
  }

  void Note(const std::function<void()>& note) {
    const std::lock_guard<std::mutex> lock(mutex_);
    note();
    changed_.notify_all();
  }
  void Await(const std::function<bool()>& done) {
    std::unique_lock<std::mutex> lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, kPatience, done))
        << absl::StrJoin(log_, "\n");
  }

  size_t ChainsInKernel(Flavour flavour = LabFlavour()) {
    size_t chains = 0;
    const absl::Status read = ns_->Run([&]() -> absl::Status {
      LinuxDataplaneOptions options;
      options.flavour = flavour;
      auto kernel = LinuxDataplane::Create(options);
      if (!kernel.ok()) return kernel.status();
      const auto snapshot = (*kernel)->Read({Family::kIPv4});
      if (!snapshot.ok()) return snapshot.status();
      chains = snapshot->table(Family::kIPv4).chains.size();
      return absl::OkStatus();
    });
    EXPECT_TRUE(read.ok()) << read;
    return chains;
  }

  absl::optional<NetNs> ns_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> log_;
  HealthVerdict verdict_;
  int first_syncs_ = 0;
  int syncs_ = 0;
  std::unique_ptr<Enforcer> enforcer_;
};

TEST_F(EnforcerTest, WhatTheHostTellsIsEnforcedAndStaysAfterTheEnd) {
  Start();
  enforcer_->Post(SmallCluster());
  Await([this] { return first_syncs_ == 1 && verdict_.ready; });
  EXPECT_GT(ChainsInKernel(), 3u);
  const EnforcerState state = enforcer_->state();
  EXPECT_TRUE(state.kernel_open);
  EXPECT_EQ(state.node_name, "node-a");
  EXPECT_EQ(state.loop.counts.pods, 1u);
  const size_t chains = ChainsInKernel();
  enforcer_->Stop();
  enforcer_->Stop();
  EXPECT_EQ(ChainsInKernel(), chains);
  EXPECT_EQ(first_syncs_, 1);
}

TEST_F(EnforcerTest, NothingIsTouchedBeforeEverythingIsListed) {
  Start();
  std::vector<v1::WatchEvent> all = SmallCluster();
  const v1::WatchEvent last = all.back();
  all.pop_back();
  enforcer_->Post(std::move(all));
  // The loop has taken them when it answers.
  while (absl::IsUnavailable(enforcer_->Inspect([](const Controller&) {})))
    usleep(1000);
  EXPECT_TRUE(absl::IsFailedPrecondition(enforcer_->Preview().status()));
  EXPECT_EQ(ChainsInKernel(), 0u);
  EXPECT_THAT(enforcer_->state().loop.waiting_for, HasSubstr("listed"));
  enforcer_->Post({last});
  Await([this] { return first_syncs_ == 1; });
  EXPECT_GT(ChainsInKernel(), 0u);
}

TEST_F(EnforcerTest, ASourceIsFollowed) {
  auto owned = std::make_unique<HandFedSource>();
  HandFedSource* source = owned.get();
  Start(std::move(owned));
  source->Tell(SmallCluster());
  Await([this] { return first_syncs_ == 1; });
  const size_t before = ChainsInKernel();
  source->Tell({Delete(PolicyBuilder("red", "deny").Build())});
  // Not the next sync: a quiet one may come first.
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (ChainsInKernel() >= before && std::chrono::steady_clock::now() < end)
    usleep(1000);
  EXPECT_LT(ChainsInKernel(), before);
}

TEST_F(EnforcerTest, ASourceThatFailsIsToldAndWhatIsEnforcedStays) {
  auto owned = std::make_unique<HandFedSource>();
  HandFedSource* source = owned.get();
  Start(std::move(owned));
  source->Tell(SmallCluster());
  Await([this] { return first_syncs_ == 1 && verdict_.healthy; });
  const size_t chains = ChainsInKernel();
  source->Fail(absl::UnavailableError("the folder is gone"));
  Await([this] { return !verdict_.healthy; });
  EXPECT_TRUE(verdict_.ready);
  EXPECT_THAT(verdict_.reasons, Contains(HasSubstr("the folder is gone")));
  EXPECT_EQ(ChainsInKernel(), chains);
  EXPECT_THAT(enforcer_->state().source_error, "the folder is gone");
  source->Fail(absl::OkStatus());
  Await([this] { return verdict_.healthy; });
  enforcer_->Stop();
  int told = 0;
  for (const std::string& line : log_) {
    if (line == "! the folder is gone") ++told;
  }
  EXPECT_EQ(told, 1) << "repeated lines are held back";
  EXPECT_THAT(log_, Contains("healthy again"));
}

TEST_F(EnforcerTest, WhatSomebodyElseRemovedIsMendedUnasked) {
  Start();
  enforcer_->Post(SmallCluster());
  Await([this] { return first_syncs_ == 1; });
  const size_t chains = ChainsInKernel();
  ASSERT_TRUE(ns_->Run([&]() -> absl::Status {
                   const std::string tool =
                       absl::StrCat("/usr/sbin/", LabTool("iptables"));
                   const int code =
                       system(absl::StrCat(tool, " -D FORWARD 1 && ", tool,
                                           " -F KUBE-ROUTER-FORWARD")
                                  .c_str());
                   return code == 0 ? absl::OkStatus()
                                    : absl::InternalError("iptables");
                 })
                  .ok());
  // Nobody asks for it: it looks every few seconds.
  // The hook, and the chain that was emptied.
  Await([this] { return enforcer_->state().loop.repairs >= 2; });
  EXPECT_EQ(ChainsInKernel(), chains);
  const absl::StatusOr<Plan> plan = enforcer_->Preview();
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_TRUE(plan->empty()) << plan->ToString();
}

TEST_F(EnforcerTest, WhoeverTakesOverInTheOtherFlavourSweepsTheFirst) {
  Start(nullptr, Flavour::kLegacy);
  enforcer_->Post(SmallCluster());
  Await([this] { return first_syncs_ == 1; });
  const size_t chains = ChainsInKernel(Flavour::kLegacy);
  enforcer_.reset();
  EXPECT_EQ(ChainsInKernel(Flavour::kLegacy), chains);
  for (Flavour flavour : {Flavour::kNft, Flavour::kLegacy}) {
    const int before = first_syncs_;
    Start(nullptr, flavour);
    EXPECT_GT(ChainsInKernel(OtherFlavour(flavour)), 0u)
        << "nothing goes before the new rules stand";
    enforcer_->Post(SmallCluster());
    Await([&] { return first_syncs_ > before; });
    EXPECT_EQ(ChainsInKernel(flavour), chains);
    EXPECT_EQ(ChainsInKernel(OtherFlavour(flavour)), 0u);
    EXPECT_EQ(enforcer_->state().flavour, flavour);
    EXPECT_EQ(enforcer_->state().leftovers, "");
    enforcer_.reset();
  }
  EXPECT_THAT(log_, Contains(HasSubstr("legacy IPv4 table filter")));
  EXPECT_THAT(log_, Contains(HasSubstr("nft IPv4 table filter")));
}

TEST_F(EnforcerTest, ASecondOneInTheSameNamespaceIsRefused) {
  Start();
  EnforcerOptions options;
  options.controller.node_name = "node-a";
  absl::Status second;
  ASSERT_TRUE(ns_->Run([&]() -> absl::Status {
                   second = Enforcer::Start(options, nullptr, {}).status();
                   return absl::OkStatus();
                 })
                  .ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(second)) << second;
  enforcer_->Stop();
  ASSERT_TRUE(ns_->Run([&]() -> absl::Status {
                   return Enforcer::Start(options, nullptr, {}).status();
                 })
                  .ok());
}

TEST_F(EnforcerTest, SeveralWorkInOneProcess) {
  Start();
  enforcer_->Post(SmallCluster());
  auto other_ns = NetNs::Create();
  ASSERT_TRUE(other_ns.ok());
  std::unique_ptr<Enforcer> other;
  EnforcerOptions options;
  options.controller.node_name = "node-a";
  ASSERT_TRUE(other_ns
                  ->Run([&]() -> absl::Status {
                    auto made = Enforcer::Start(options, nullptr, {});
                    if (made.ok()) other = *std::move(made);
                    return made.status();
                  })
                  .ok());
  other->Post(ListingOf(Cluster()));
  Await([this] { return first_syncs_ == 1; });
  enforcer_.reset();
  other->RequestResync();
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (other->state().loop.syncs == 0 &&
         std::chrono::steady_clock::now() < end)
    usleep(1000);
  EXPECT_TRUE(other->state().loop.synced_once);
  EXPECT_EQ(other->state().loop.counts.pods, 0u);
}

TEST(EnforcerStartTest, OptionsThatCannotWorkAreRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, as the enforcer does";
  EnforcerOptions options;  // no name
  const absl::Status status = Enforcer::Start(options, nullptr, {}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
}

}  // namespace
}  // namespace netpol
