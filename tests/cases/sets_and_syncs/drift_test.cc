// C079: members always equal a fresh computation from the objects, and whoever
// meddles with a set is noticed and put right by the next look.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/controller_loop.h"
#include "netpol/testing/snapshot_text.h"
#include "tests/cases/case_lab.h"
#include "tests/cases/sets_and_syncs/memory_node.h"

namespace netpol {
namespace {

// Nobody waits for so long unless the test fails.
constexpr std::chrono::seconds kPatience(30);

using testing::SizeIs;

std::vector<SetMember> SortedMembers(const ObservedSet& set) {
  std::vector<SetMember> members(set.members.begin(), set.members.end());
  std::sort(members.begin(), members.end());
  return members;
}

class DriftTest : public testing::Test {
 protected:
  void SetUp() override {
    steps_ = StepsOf("C079");
    ASSERT_EQ(steps_.size(), 3u);
  }

  std::vector<CaseStep> steps_;
  MemoryNode node_;
};

TEST_F(DriftTest, C079EachMemberTakenOutByHandIsNoticedAndPutBack) {
  node_.Follow(steps_);
  const Snapshot right = node_.state();
  const std::string contents = node_.contents();
  int taken = 0;
  for (const auto& [name, set] : right.sets) {
    for (const SetMember& member : SortedMembers(set)) {
      SCOPED_TRACE(absl::StrCat(name.value(), " ", member.ToString()));
      ASSERT_TRUE(node_.kernel().sets().Remove(set.spec, {member}).ok());
      EXPECT_EQ(node_.Sync().writes.total(), 0u)
          << "nothing changed as far as anybody told";
      node_.controller().QueueResync();
      const absl::StatusOr<Plan> plan = node_.controller().Preview();
      ASSERT_TRUE(plan.ok()) << plan.status();
      const auto& adds =
          plan->add_before.empty() ? plan->add_after : plan->add_before;
      ASSERT_THAT(adds, SizeIs(1)) << plan->ToString();
      EXPECT_EQ(adds[0].set.name, name);
      EXPECT_THAT(adds[0].members, testing::ElementsAre(member));
      const SyncReport report = node_.Sync();
      EXPECT_EQ(report.members_added, 1);
      EXPECT_EQ(report.writes.total(), 1u) << "that member alone";
      EXPECT_EQ(node_.contents(), contents);
      ++taken;
    }
  }
  EXPECT_GT(taken, 8);
  node_.ExpectVerdicts(steps_.back().checks);
}

TEST_F(DriftTest, C079StrangerPutInByHandIsNoticedAndTakenOut) {
  node_.Follow(steps_);
  const std::string contents = node_.contents();
  const SetMember stranger =
      SetMember::Address(*IpAddress::Parse("203.0.113.66"));
  for (const auto& [name, set] : node_.state().sets) {
    if (set.spec.family != Family::kIPv4) continue;
    SCOPED_TRACE(name.value());
    ASSERT_TRUE(node_.kernel().sets().Add(set.spec, {stranger}).ok());
    node_.controller().QueueResync();
    EXPECT_EQ(node_.Sync().members_removed, 1);
    EXPECT_EQ(node_.contents(), contents);
  }
}

TEST_F(DriftTest, C079AddressThatWandersToAnotherTenantChangesItsSet) {
  node_.Follow({steps_[0], steps_[1]});
  node_.TellStep(steps_[2]);
  const SyncReport report = node_.Sync();
  EXPECT_EQ(report.writes.table_commits, 0u) << "members alone";
  EXPECT_EQ(report.members_added, 1);
  EXPECT_EQ(report.members_removed, 1);
  node_.ExpectVerdicts(steps_[2].checks);
}

TEST_F(DriftTest, C079RestartFindsThatNothingIsToBeMended) {
  node_.Follow(steps_);
  MemoryNode restarted;
  ASSERT_TRUE(restarted.kernel().Load(node_.state()).ok());
  restarted.Tell(ListingOf(node_.cluster()));
  EXPECT_EQ(restarted.Sync().writes.total(), 0u);
}

TEST_F(DriftTest, C079RestartMendsWhatWasWrongBefore) {
  node_.Follow(steps_);
  const std::string contents = node_.contents();
  for (const auto& [name, set] : node_.state().sets)
    node_.kernel().sets().Flush(name);
  MemoryNode restarted;
  ASSERT_TRUE(restarted.kernel().Load(node_.state()).ok());
  restarted.Tell(ListingOf(node_.cluster()));
  restarted.Sync();
  EXPECT_EQ(restarted.contents(), contents);
  restarted.ExpectVerdicts(steps_.back().checks);
}

// The loop looks by itself, once per period.
TEST_F(DriftTest, C079NextPeriodicSyncPutsAMemberBack) {
  node_.Follow(steps_);  // For what the objects are.
  auto owned = std::make_unique<FakeDataplane>();
  FakeDataplane* kernel = owned.get();
  ControllerOptions options;
  options.node_name = kCaseNode;
  options.layout = CaseLayout();
  std::mutex mutex;
  std::condition_variable changed;
  bool taken = false;
  int put_back = 0;
  ControllerLoopCallbacks callbacks;
  callbacks.on_synced = [&](const SyncReport& report) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (taken) {
      put_back += report.members_added;
    } else {
      // On the loop's thread, as the kernel in memory wants it.
      const ObservedSet set =
          kernel->state().sets.at(LocalPodsSet(Family::kIPv4));
      taken =
          kernel->sets().Remove(set.spec, {SortedMembers(set).front()}).ok();
    }
    changed.notify_all();
  };
  PacerOptions pacing;
  pacing.period = absl::Milliseconds(5);
  ControllerLoop loop(*Controller::Create(std::move(options), std::move(owned)),
                      pacing, std::move(callbacks));
  loop.Post(ListingOf(node_.cluster()));
  {
    std::unique_lock<std::mutex> lock(mutex);
    ASSERT_TRUE(
        changed.wait_for(lock, kPatience, [&] { return put_back > 0; }));
  }
  loop.Stop();
  EXPECT_EQ(put_back, 1);
  EXPECT_EQ(ContentsOf(kernel->state()), node_.contents());
}

}  // namespace
}  // namespace netpol
