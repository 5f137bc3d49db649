// The enforcer as the daemon runs it, on a node that changes hands and
// flavours: what another left in the other flavour goes once ours stands.
#include <chrono>
#include <condition_variable>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/base/status_macros.h"
#include "netpol/enforcer/enforcer.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/take_over/hook_watch.h"
#include "tests/kernel/take_over/kube_router_layout.h"
#include "tests/kernel/take_over/kube_router_nft.h"
#include "tests/kernel/take_over/node_programs.h"
#include "tests/kernel/take_over/take_over_cluster.h"
#include "tests/kernel/take_over/taken_node.h"
#include "tests/kernel/take_over/watched_traffic.h"

namespace netpol {
namespace {

using Lines = std::vector<std::string>;
using ::testing::ElementsAreArray;

constexpr std::chrono::seconds kPatience(60);

// What an enforcer has told so far. Thread-safe.
class Told {
 public:
  EnforcerCallbacks Callbacks() {
    EnforcerCallbacks callbacks;
    callbacks.log = [this](LogLevel level, absl::string_view line) {
      if (level >= LogLevel::kWarning) return;
      const std::lock_guard<std::mutex> lock(mutex_);
      lines_.emplace_back(line);
    };
    callbacks.on_synced = [this](const SyncReport& report) {
      const std::lock_guard<std::mutex> lock(mutex_);
      done_ = !report.retry && report.problems.empty();
      news_.notify_all();
    };
    return callbacks;
  }

  // Until a sync has left nothing to do.
  bool AwaitDone() {
    std::unique_lock<std::mutex> lock(mutex_);
    return news_.wait_for(lock, kPatience, [this] { return done_; });
  }

  std::string text() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return absl::StrJoin(lines_, "\n");
  }

 private:
  std::mutex mutex_;
  std::condition_variable news_;
  bool done_ = false;
  Lines lines_;
};

class FlavourSwitchTest : public LabFixture {
 protected:
  void SetUp() override {
    LabFixture::SetUp();
    if (IsSkipped()) return;
    absl::StatusOr<std::unique_ptr<PacketLab>> lab = MakeTakenLab();
    ASSERT_TRUE(lab.ok()) << lab.status();
    lab_ = *std::move(lab);
    for (const Flavour flavour : kFlavours)
      ASSERT_TRUE(LayForeignRules(node(), flavour).ok());
    options_.node = kTakenNode;
  }

  const NetNs& node() const { return lab_->node(); }

  void Begin() {
    for (const Flavour flavour : kFlavours) {
      const absl::StatusOr<Lines> listing = Listing(node(), flavour);
      ASSERT_TRUE(listing.ok()) << listing.status();
      foreign_.push_back(Foreign(*listing));
    }
    auto traffic = WatchedTraffic::Begin(lab_.get(), TakeOverFlows(false));
    ASSERT_TRUE(traffic.ok()) << traffic.status();
    traffic_ = *std::move(traffic);
  }

  // An enforcer comes, does all there is to do, and goes.
  void Enforce(Flavour flavour) {
    traffic_->Note(absl::StrCat("in ", FlavourName(flavour)));
    Told told;
    std::unique_ptr<Enforcer> enforcer;
    const absl::Status started = node().Run([&]() -> absl::Status {
      EnforcerOptions options;
      options.controller.node_name = kTakenNode;
      options.controller.layout.families = {Family::kIPv4, Family::kIPv6};
      options.flavour = flavour;
      ASSIGN_OR_RETURN(enforcer, Enforcer::Start(std::move(options), nullptr,
                                                 told.Callbacks()));
      return absl::OkStatus();
    });
    ASSERT_TRUE(started.ok()) << started;
    enforcer->Post(ListingOf(TakeOverCluster()));
    EXPECT_TRUE(told.AwaitDone()) << told.text();
    EXPECT_EQ(enforcer->state().leftovers, "");
    enforcer->Stop();
    traffic_->AwaitRound();
    EXPECT_EQ(HookFault(node(), {flavour}), "");
    ExpectOnlyIn(flavour);
  }

  // Others are everywhere as they were.
  void ExpectOnlyIn(Flavour flavour) {
    for (const Flavour each : kFlavours) {
      const absl::StatusOr<Lines> listing = Listing(node(), each);
      ASSERT_TRUE(listing.ok()) << listing.status();
      EXPECT_THAT(Foreign(*listing),
                  ElementsAreArray(foreign_[static_cast<int>(each)]));
      int rules = 0;
      for (const std::string& line : *listing)
        rules += absl::StrContains(line, "-A KUBE-ROUTER-FORWARD ") ? 1 : 0;
      EXPECT_EQ(rules > 0, each == flavour) << absl::StrJoin(*listing, "\n");
    }
  }

  void End() {
    const absl::StatusOr<TrafficTally> tally = traffic_->End();
    ASSERT_TRUE(tally.ok()) << tally.status();
    EXPECT_EQ(tally->wrong, 0) << absl::StrJoin(tally->stories, "\n");
    EXPECT_GT(tally->packets, 1000);
    std::cout << tally->packets << " packets in " << tally->rounds
              << " rounds, " << tally->wrong << " judged wrongly\n";
  }

  std::unique_ptr<PacketLab> lab_;
  std::unique_ptr<WatchedTraffic> traffic_;
  KubeRouterOptions options_;
  std::vector<Lines> foreign_;  // by Flavour
};

TEST_F(FlavourSwitchTest, KubeRoutersRulesGoAndOursMoveToAndFro) {
  ASSERT_TRUE(Lay(KubeRouterLayout(TakeOverCluster(), options_),
                  Flavour::kLegacy, node())
                  .ok());
  Begin();
  HookWatch watch(&node(), {Flavour::kLegacy, Flavour::kNft});
  Enforce(Flavour::kNft);
  EXPECT_EQ(watch.End(), "");
  HookWatch back(&node(), {Flavour::kNft, Flavour::kLegacy});
  Enforce(Flavour::kLegacy);
  EXPECT_EQ(back.End(), "");
  HookWatch again(&node(), {Flavour::kLegacy, Flavour::kNft});
  Enforce(Flavour::kNft);
  EXPECT_EQ(again.End(), "");
  End();
}

// As a node may be where the host's iptables was changed under kube-router.
TEST_F(FlavourSwitchTest, KubeRouterInEveryFormAtOnceGoes) {
  const Cluster cluster = TakeOverCluster();
  options_.release = KubeRouterRelease::kV2_6;
  ASSERT_TRUE(
      Lay(KubeRouterLayout(cluster, options_), Flavour::kLegacy, node()).ok());
  options_.release = KubeRouterRelease::kV2_11;
  options_.stamp = "1700000000000000001";
  ASSERT_TRUE(
      Lay(KubeRouterLayout(cluster, options_), Flavour::kNft, node()).ok());
  ASSERT_TRUE(LayNft(KubeRouterNft(cluster, options_), node()).ok());
  Begin();
  Enforce(Flavour::kNft);
  const absl::StatusOr<std::string> tables =
      RunOn(node(), {"nft", "list", "tables"});
  ASSERT_TRUE(tables.ok()) << tables.status();
  EXPECT_FALSE(absl::StrContains(*tables, "kube-router")) << *tables;
  End();
}

}  // namespace
}  // namespace netpol
