#include "tests/cases/sets_and_syncs/memory_node.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/explain/packet_simulator.h"
#include "netpol/testing/packet_way.h"
#include "tests/cases/case_folders.h"
#include "tests/cases/case_lab.h"

namespace netpol {
LayoutOptions CaseLayout() {
  LayoutOptions layout;
  layout.families = {Family::kIPv4, Family::kIPv6};
  layout.cluster_ip_ranges = {*IpPrefix::Parse("10.43.0.0/16"),
                              *IpPrefix::Parse("fd00:43::/112")};
  return layout;
}

void ForEachRule(
    const Snapshot& snapshot,
    const std::function<void(Family, const ChainName&, const Rule&)>& visit) {
  for (Family family : kFamilies) {
    for (const auto& [name, rules] : snapshot.table(family).chains) {
      for (const Rule& rule : rules) visit(family, name, rule);
    }
  }
}

size_t PeerMembers(const Snapshot& snapshot) {
  size_t members = 0;
  for (const auto& [name, set] : snapshot.sets) {
    if (name != LocalPodsSet(set.spec.family)) members += set.members.size();
  }
  return members;
}

std::vector<CaseStep> StepsOf(absl::string_view case_id) {
  absl::StatusOr<Case> read = ReadCaseById(case_id);
  EXPECT_TRUE(read.ok()) << read.status();
  return read.ok() ? std::move(read->steps) : std::vector<CaseStep>();
}

bool LetsThrough(const Snapshot& snapshot, const Packet& packet) {
  const absl::StatusOr<PacketSimulator> simulator =
      PacketSimulator::Create(snapshot);
  EXPECT_TRUE(simulator.ok()) << simulator.status();
  return simulator.ok() && LetsThrough(*simulator, ViewOfCaseNode(), packet);
}

MemoryNode::MemoryNode(const LayoutOptions& layout) {
  auto kernel = std::make_unique<FakeDataplane>();
  kernel_ = kernel.get();
  ControllerOptions options;
  options.node_name = kCaseNode;
  options.layout = layout;
  controller_ = *Controller::Create(std::move(options), std::move(kernel));
}

void MemoryNode::Tell(const v1::WatchEvent& event) {
  const absl::Status told = controller_->OnEvent(event);
  ASSERT_TRUE(told.ok()) << told;
  ApplyEvent(event, cluster_);
}

void MemoryNode::Tell(const std::vector<v1::WatchEvent>& events) {
  for (const v1::WatchEvent& event : events) Tell(event);
}

void MemoryNode::TellStep(const CaseStep& step) {
  const absl::StatusOr<std::vector<v1::WatchEvent>> events = EventsOf(step);
  ASSERT_TRUE(events.ok()) << events.status();
  Tell(*events);
  if (!controller_->CheckKnown().ok()) Tell(ListingOf({}));
}

SyncReport MemoryNode::Sync() {
  const absl::StatusOr<SyncReport> report = controller_->Sync();
  EXPECT_TRUE(report.ok()) << report.status();
  if (!report.ok()) return {};
  EXPECT_THAT(report->problems, testing::IsEmpty());
  return *report;
}

void MemoryNode::Follow(const std::vector<CaseStep>& steps) {
  for (const CaseStep& step : steps) {
    TellStep(step);
    Sync();
  }
}

void MemoryNode::ExpectVerdicts(const std::vector<CaseCheck>& checks) const {
  const absl::StatusOr<PacketSimulator> simulator =
      PacketSimulator::Create(state());
  ASSERT_TRUE(simulator.ok()) << simulator.status();
  for (const CaseCheck& check : checks) {
    const absl::StatusOr<IpAddress> from = AddressOf(cluster_, check.from);
    const absl::StatusOr<IpAddress> to = AddressOf(cluster_, check.to);
    ASSERT_TRUE(from.ok() && to.ok()) << check;
    EXPECT_EQ(LetsThrough(*simulator, ViewOfCaseNode(),
                          {*from, *to, check.protocol, check.port}),
              check.allowed)
        << check;
  }
}

std::string FreshContents(const Cluster& cluster) {
  MemoryNode node;
  node.Tell(ListingOf(cluster));
  node.Sync();
  return node.contents();
}

Cluster Without(const Cluster& cluster, absl::string_view pod) {
  Cluster rest = cluster;
  const auto gone = std::remove_if(
      rest.pods.begin(), rest.pods.end(), [&](const k8s::Pod& candidate) {
        return absl::StrCat(candidate.metadata().namespace_(), "/",
                            candidate.metadata().name()) == pod;
      });
  EXPECT_EQ(rest.pods.end() - gone, 1) << "there is no pod " << pod;
  rest.pods.erase(gone, rest.pods.end());
  return rest;
}

}  // namespace netpol
