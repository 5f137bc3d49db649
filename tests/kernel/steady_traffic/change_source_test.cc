#include "tests/kernel/steady_traffic/change_source.h"

#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpol/testing/cluster.h"
#include "tests/kernel/steady_traffic/change_log.h"

namespace netpol {
namespace {

bool Any(const Packet&) { return true; }

TEST(ChangeSourceTest, BothVerdictsOfBothFamiliesAreWatched) {
  ChangeSource changes(RandomClusterOptions(), 1);
  changes.WatchSome(5, Any);
  int found[2][2] = {};
  for (const WatchedFlow& flow : changes.flows())
    ++found[static_cast<int>(flow.packet.source.family)][flow.allowed];
  for (const auto& family : found) {
    EXPECT_EQ(family[0], 5);
    EXPECT_EQ(family[1], 5);
  }
}

TEST(ChangeSourceTest, OnlyWhatMayBeWatchedIs) {
  ChangeSource changes(RandomClusterOptions(), 1);
  changes.WatchSome(
      5, [](const Packet& p) { return p.source.family == Family::kIPv6; });
  EXPECT_FALSE(changes.flows().empty());
  for (const WatchedFlow& flow : changes.flows())
    EXPECT_EQ(flow.packet.source.family, Family::kIPv6);
}

TEST(ChangeSourceTest, ClusterChangesAndWatchedVerdictsDoNot) {
  ChangeSource changes(RandomClusterOptions(), 2);
  changes.WatchSome(8, Any);
  std::set<std::string> clusters;
  for (int i = 0; i < 100; ++i) {
    Cluster before = changes.cluster();
    const std::vector<v1::WatchEvent> events = changes.Next();
    ASSERT_FALSE(events.empty());
    for (const v1::WatchEvent& event : events) ApplyEvent(event, before);
    EXPECT_EQ(Describe(before), Describe(changes.cluster()));
    clusters.insert(Describe(before));
    for (const WatchedFlow& flow : changes.flows()) {
      EXPECT_EQ(Watch(changes.cluster(), changes.node(), flow.packet).allowed,
                flow.allowed)
          << flow.packet;
    }
  }
  EXPECT_GT(clusters.size(), 50u);
}

TEST(ChangeLogTest, BatchesFromANumberOnAreTold) {
  ChangeLog log;
  for (int i = 1; i <= 100; ++i) log.Begin({});
  EXPECT_EQ(log.last(), 100);
  EXPECT_EQ(log.Since(99), "batch 99\nbatch 100\n");
  EXPECT_EQ(log.Since(101), "");
}

}  // namespace
}  // namespace netpol
