// Each change does to a node what its name says, and its way back undoes it.
#include "netpol/testing/workload_change.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "netpol/controller.h"
#include "netpol/testing/fake_dataplane.h"
#include "netpol/testing/snapshot_text.h"
#include "netpol/testing/workload.h"
#include "tests/testing/cluster_bytes.h"

namespace netpol {
namespace {

constexpr uint64_t kSeed = 1;

// A controller that has synced a workload.
struct WarmNode {
  WorkloadChanges changes;
  FakeDataplane* kernel;  // the controller's
  std::unique_ptr<Controller> controller;

  explicit WarmNode(const WorkloadShape& shape) : changes(shape, kSeed) {
    auto made = std::make_unique<FakeDataplane>();
    kernel = made.get();
    ControllerOptions options;
    options.node_name = std::string(kWorkloadNode);
    // What a change concerns is told by the sets and chains of policies, which
    // chains of many would join.
    options.layout.most_chains_in_a_row = 1000;
    controller = *Controller::Create(std::move(options), std::move(made));
    VisitWorkload(shape, kSeed, [this](const v1::WatchEvent& e) { Tell(e); });
    Sync();
  }

  void Tell(const v1::WatchEvent& event) {
    const absl::Status status = controller->OnEvent(event);
    EXPECT_TRUE(status.ok()) << status;
  }
  SyncReport Sync() {
    kernel->ClearLog();
    absl::StatusOr<SyncReport> report = controller->Sync();
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *std::move(report) : SyncReport();
  }
  SyncReport Do(const v1::WatchEvent& event) {
    Tell(event);
    return Sync();
  }
};

// One node for each shape, since to make L takes seconds: each test leaves it
// as it was.
WarmNode& NodeOf(const WorkloadShape& shape) {
  static auto* const nodes =
      new std::map<std::string, std::unique_ptr<WarmNode>>();
  std::unique_ptr<WarmNode>& node = (*nodes)[shape.name];
  if (node == nullptr) node = std::make_unique<WarmNode>(shape);
  return *node;
}

WorkloadShape SmallWithoutWholeClusterPeer() {
  WorkloadShape shape = NamedWorkload("S");
  shape.name = "S_without_whole_cluster_peer";
  shape.whole_cluster_peer = false;
  return shape;
}

class WorkloadChangesTest : public testing::TestWithParam<WorkloadShape> {
 protected:
  WorkloadChangesTest() : node_(NodeOf(GetParam())) {}

  // Everything in the kernel, but for L, of which that is many megabytes.
  std::string Contents() const {
    return GetParam().pods > 10000 ? "" : ContentsOf(node_.kernel->state());
  }

  // Once unseen, so that what grows with the first change has grown; then
  // twice, since the second time must do what the first did.
  void DoAndUndo(const absl::StatusOr<WorkloadChange>& change,
                 const std::function<void(const SyncReport&)>& forth,
                 const std::function<void(const SyncReport&)>& back) {
    ASSERT_TRUE(change.ok()) << change.status();
    const std::string before = Contents();
    node_.Do(change->forth);
    node_.Do(change->back);
    for (int round = 0; round < 2; ++round) {
      forth(node_.Do(change->forth));
      back(node_.Do(change->back));
      // Not EXPECT_EQ: it would print both.
      EXPECT_TRUE(Contents() == before);
    }
  }

  WarmNode& node_;
};

void ExpectMembersOnly(const SyncReport& report, int least_added,
                       int least_removed) {
  EXPECT_EQ(report.writes.table_commits, 0u);
  EXPECT_EQ(report.sets_created + report.sets_destroyed + report.sets_replaced,
            0);
  EXPECT_GE(report.members_added, least_added);
  EXPECT_GE(report.members_removed, least_removed);
}

void ExpectOnlyAdded(const SyncReport& report) {
  ExpectMembersOnly(report, 1, 0);
  EXPECT_EQ(report.members_removed, 0);
}

void ExpectOnlyRemoved(const SyncReport& report) {
  ExpectMembersOnly(report, 0, 1);
  EXPECT_EQ(report.members_added, 0);
}

void ExpectCommit(const SyncReport& report) {
  EXPECT_GE(report.writes.table_commits, 1u);
  EXPECT_GE(report.chains_written + report.chains_removed, 1);
}

void ExpectNothing(const SyncReport& report) {
  EXPECT_EQ(report.writes.total(), 0u);
}

TEST_P(WorkloadChangesTest, RemotePodThatLeavesIsAMemberLess) {
  DoAndUndo(node_.changes.RemotePodLeaves(), ExpectOnlyRemoved,
            ExpectOnlyAdded);
}

TEST_P(WorkloadChangesTest, RemotePodThatLosesItsLabelIsAMemberLess) {
  const auto fewer = [](const SyncReport& r) { ExpectMembersOnly(r, 0, 1); };
  const auto more = [](const SyncReport& r) { ExpectMembersOnly(r, 1, 0); };
  DoAndUndo(node_.changes.RemotePodChangesLabel(), fewer, more);
}

TEST_P(WorkloadChangesTest, RemotePodThatStaysAsItIsIsNothing) {
  DoAndUndo(node_.changes.RemotePodStaysAsItIs(), ExpectNothing, ExpectNothing);
}

TEST_P(WorkloadChangesTest, FarPodIsInOneSetAtMost) {
  const bool named = node_.changes.plan().shape().whole_cluster_peer;
  const auto expect = [&](const SyncReport& report) {
    ExpectMembersOnly(report, 0, 0);
    EXPECT_EQ(report.members_added + report.members_removed, named ? 1 : 0);
  };
  DoAndUndo(node_.changes.FarPodLeaves(), expect, expect);
}

TEST_P(WorkloadChangesTest, LocalPodThatLeavesTakesItsChainsAlong) {
  DoAndUndo(node_.changes.LocalPodLeaves(), ExpectCommit, ExpectCommit);
}

TEST_P(WorkloadChangesTest, LocalPodThatLosesItsLabelIsJudgedByFewerPolicies) {
  DoAndUndo(node_.changes.LocalPodChangesLabel(), ExpectCommit, ExpectCommit);
}

TEST_P(WorkloadChangesTest, PolicyThatChangesIsWrittenAndNoSetIs) {
  const auto expect = [](const SyncReport& report) {
    ExpectCommit(report);
    EXPECT_EQ(report.writes.set_messages, 0u);
    EXPECT_EQ(report.chains_written, 1);
  };
  DoAndUndo(node_.changes.PolicyChanges(), expect, expect);
}

TEST_P(WorkloadChangesTest, PolicyThatLeavesTakesItsChainAlong) {
  const auto gone = [](const SyncReport& report) {
    ExpectCommit(report);
    EXPECT_GE(report.chains_removed, 1);
  };
  DoAndUndo(node_.changes.PolicyLeaves(), gone, ExpectCommit);
}

TEST_P(WorkloadChangesTest, FarPolicyIsNothing) {
  DoAndUndo(node_.changes.FarPolicyChanges(), ExpectNothing, ExpectNothing);
}

TEST_P(WorkloadChangesTest, NamespaceMovesATenthOfTheNearPods) {
  const int moved = node_.changes.pods_of_moving_namespace();
  EXPECT_EQ(moved, node_.changes.plan().shape().near_pods / 10);
  const auto there = [&](const SyncReport& report) {
    ExpectMembersOnly(report, moved, 0);
    EXPECT_EQ(report.members_added, moved);
  };
  const auto gone = [&](const SyncReport& report) {
    ExpectMembersOnly(report, 0, moved);
    EXPECT_EQ(report.members_removed, moved);
  };
  DoAndUndo(node_.changes.NamespaceChangesLabel(), there, gone);
}

TEST_P(WorkloadChangesTest, MixedStreamEndsWhereItBegan) {
  const std::string before = Contents();
  for (int count : {1, 2, 777}) {
    const auto stream = node_.changes.MixedStream(count, 3);
    ASSERT_EQ(stream.size(), static_cast<size_t>(count));
    size_t done = 0;
    SyncReport all;
    for (const v1::WatchEvent& event : stream) {
      node_.Tell(event);
      if (++done % 16 != 0 && done != stream.size()) continue;
      const SyncReport report = node_.Sync();
      all.members_added += report.members_added;
      all.members_removed += report.members_removed;
      all.chains_written += report.chains_written;
    }
    EXPECT_TRUE(Contents() == before) << count;
    if (count < 100) continue;
    EXPECT_GT(all.members_added, 20);
    EXPECT_GT(all.members_removed, 20);
    EXPECT_GT(all.chains_written, 10);
  }
}

INSTANTIATE_TEST_SUITE_P(Workloads, WorkloadChangesTest,
                         testing::Values(NamedWorkload("S"),
                                         SmallWithoutWholeClusterPeer(),
                                         NamedWorkload("M"),
                                         NamedWorkload("L")),
                         [](const auto& info) { return info.param.name; });

TEST(MixedStreamTest, SameSeedGivesSameStream) {
  const WorkloadChanges changes(NamedWorkload("S"), kSeed);
  const auto bytes = [&](uint64_t seed) {
    std::string all;
    for (const auto& event : changes.MixedStream(500, seed))
      all += Bytes(event) + "\n";
    return all;
  };
  EXPECT_EQ(bytes(1), bytes(1));
  EXPECT_NE(bytes(1), bytes(2));
}

TEST(WorkloadChangesErrorTest, WhatIsNotThereIsSaidWithTheWorkloadsName) {
  const WorkloadChanges changes(NamedWorkload("S_all_local"), kSeed);
  for (const absl::Status& status :
       {changes.RemotePodLeaves().status(), changes.FarPodLeaves().status(),
        changes.FarPolicyChanges().status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
    EXPECT_NE(status.message().find("S_all_local"), absl::string_view::npos);
  }
  EXPECT_TRUE(changes.LocalPodLeaves().ok());
}

}  // namespace
}  // namespace netpol
