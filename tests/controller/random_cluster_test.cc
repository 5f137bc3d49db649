// The laws of the engine on random clusters and random walks, in memory: every
// verdict of the rules equals the API's, a change costs only itself and leaves
// no trace, and no packet is judged wrongly while a batch is under way.
#include "netpol/testing/random_cluster.h"

#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/explain/packet_simulator.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/cluster_mutation.h"
#include "netpol/testing/fake_dataplane.h"
#include "netpol/testing/packet.h"
#include "netpol/testing/packet_way.h"
#include "netpol/testing/random.h"
#include "netpol/testing/random_node.h"
#include "netpol/testing/random_packets.h"
#include "netpol/testing/random_rounds.h"
#include "netpol/testing/reference_evaluator.h"
#include "tests/controller/simulated_node.h"

namespace netpol {
namespace {

// More pods here than a dispatch chain lists, so that there are trees.
RandomClusterOptions ManyLocalPods() {
  RandomClusterOptions options;
  options.node = SimulatedNode::kName;
  for (int i = 0; i < 14; ++i) {
    options.local_pods.push_back({absl::StrCat("10.42.0.", 20 + 9 * i),
                                  absl::StrCat("fd00:42::", 20 + 9 * i)});
  }
  return options;
}

// Whose syncs leave no problem.
class EnforcingNode : public SimulatedNode {
 public:
  SyncReport Sync() {
    SyncReport report = SimulatedNode::Sync();
    EXPECT_THAT(report.problems, testing::IsEmpty());
    return report;
  }
};

// Whether a pod of this node has the address before or after.
bool IsOfPodHere(const RandomClusterOptions& options, const Cluster& before,
                 const Cluster& after, const IpAddress& address) {
  return IsOfPodOn(before, options.node, address) ||
         IsOfPodOn(after, options.node, address);
}

// Whether one end only is judged here. Two sets cannot change in one step:
// where one event moves the refusal from the sender's side to the receiver's,
// both sides are open between the two messages, as they would be on two nodes.
bool IsJudgedOnce(const RandomClusterOptions& options, const Cluster& before,
                  const Cluster& after, const Packet& packet) {
  return IsOfPodHere(options, before, after, packet.source) !=
         IsOfPodHere(options, before, after, packet.destination);
}

std::vector<bool> VerdictsOf(const FakeDataplane& kernel, const NodeView& view,
                             const std::vector<Packet>& packets) {
  absl::StatusOr<PacketSimulator> simulator =
      PacketSimulator::Create(kernel.state());
  EXPECT_TRUE(simulator.ok()) << simulator.status();
  std::vector<bool> verdicts;
  for (const Packet& packet : packets)
    verdicts.push_back(LetsThrough(*simulator, view, packet));
  return verdicts;
}

std::vector<bool> RightVerdicts(const Cluster& cluster, const NodeView& view,
                                const std::vector<Packet>& packets) {
  std::vector<bool> verdicts;
  for (const Packet& packet : packets) {
    verdicts.push_back(IsForNodePort(view, packet) ||
                       Evaluate(cluster, view, packet).allowed);
  }
  return verdicts;
}

// Empty if they are the same; else the first difference.
std::string Difference(const std::vector<bool>& actual,
                       const std::vector<bool>& right,
                       const std::vector<Packet>& packets,
                       const Cluster& cluster, const NodeView& view) {
  for (size_t i = 0; i < packets.size(); ++i) {
    if (actual[i] == right[i]) continue;
    return absl::StrCat(packets[i].ToString(),
                        actual[i] ? " passes" : " is refused",
                        ", but: ", Evaluate(cluster, view, packets[i]).reason,
                        "\n", Describe(cluster));
  }
  return "";
}

std::string Describe(const std::vector<v1::WatchEvent>& events) {
  std::string text;
  for (const v1::WatchEvent& event : events)
    absl::StrAppend(&text, event.DebugString());
  return text;
}

TEST(RandomClusterTest, EveryVerdictOfTheRulesIsTheApis) {
  const RandomClusterOptions options = ManyLocalPods();
  const NodeView view = ViewOf(options);
  int allowed = 0;
  int denied = 0;
  for (int seed = FirstSeed(); seed < FirstSeed() + Rounds(200); ++seed) {
    SCOPED_TRACE(absl::StrCat("NETPOL_SEED=", seed));
    Random random(seed);
    const Cluster cluster = RandomCluster(random, options);
    EnforcingNode node;
    node.Tell(ListingOf(cluster));
    node.Sync();
    const std::vector<Packet> packets =
        RandomPackets(random, cluster, options, 400);
    const std::vector<bool> right = RightVerdicts(cluster, view, packets);
    ASSERT_EQ(Difference(VerdictsOf(node.kernel(), view, packets), right,
                         packets, cluster, view),
              "");
    for (bool verdict : right) ++(verdict ? allowed : denied);
    EXPECT_EQ(node.Sync().writes.total(), 0u) << "the second plan is not empty";
  }
  std::cout << allowed << " packets allowed, " << denied << " denied\n";
  // Else the clusters would prove little.
  EXPECT_GT(allowed, denied / 20);
  EXPECT_GT(denied, allowed / 20);
}

TEST(RandomClusterTest, AWalkEndsWhereAFreshStartDoes) {
  const RandomClusterOptions options = ManyLocalPods();
  const NodeView view = ViewOf(options);
  for (int seed = FirstSeed(); seed < FirstSeed() + Rounds(30); ++seed) {
    SCOPED_TRACE(absl::StrCat("NETPOL_SEED=", seed));
    Random random(seed);
    Cluster cluster = RandomCluster(random, options);
    EnforcingNode walker;
    walker.Tell(ListingOf(cluster));
    walker.Sync();
    for (int step = 0; step < Steps(30); ++step) {
      SCOPED_TRACE(absl::StrCat("step ", step));
      const std::vector<v1::WatchEvent> events =
          MutateClusterAtOnce(random, options, cluster);
      walker.Tell(events);
      walker.Sync();
      EXPECT_EQ(walker.Sync().writes.total(), 0u);
      EnforcingNode fresh;
      fresh.Tell(ListingOf(cluster));
      fresh.Sync();
      ASSERT_EQ(walker.Contents(), fresh.Contents())
          << Describe(events) << Describe(cluster);
      const std::vector<Packet> packets =
          RandomPackets(random, cluster, options, 60);
      ASSERT_EQ(Difference(VerdictsOf(walker.kernel(), view, packets),
                           RightVerdicts(cluster, view, packets), packets,
                           cluster, view),
                "")
          << Describe(events);
    }
  }
}

TEST(RandomClusterTest, ABatchEndsTheSameInAnyGrouping) {
  const RandomClusterOptions options = ManyLocalPods();
  for (int seed = FirstSeed(); seed < FirstSeed() + Rounds(60); ++seed) {
    SCOPED_TRACE(absl::StrCat("NETPOL_SEED=", seed));
    Random random(seed);
    Cluster cluster = RandomCluster(random, options);
    EnforcingNode one_by_one;
    EnforcingNode all_at_once;
    for (EnforcingNode* node : {&one_by_one, &all_at_once}) {
      node->Tell(ListingOf(cluster));
      node->Sync();
    }
    for (int step = 0; step < 30; ++step) {
      const v1::WatchEvent event = MutateCluster(random, options, cluster);
      one_by_one.Tell({event});
      one_by_one.Sync();
      all_at_once.Tell({event});
    }
    all_at_once.Sync();
    ASSERT_EQ(one_by_one.Contents(), all_at_once.Contents());
  }
}

TEST(RandomClusterTest, NoVerdictThatStaysChangesWhileABatchIsUnderWay) {
  const RandomClusterOptions options = ManyLocalPods();
  const NodeView view = ViewOf(options);
  int looked = 0;
  for (int seed = FirstSeed(); seed < FirstSeed() + Rounds(40); ++seed) {
    SCOPED_TRACE(absl::StrCat("NETPOL_SEED=", seed));
    Random random(seed);
    Cluster cluster = RandomCluster(random, options);
    EnforcingNode node;
    node.Tell(ListingOf(cluster));
    node.Sync();
    for (int step = 0; step < 25; ++step) {
      SCOPED_TRACE(absl::StrCat("step ", step));
      const Cluster before = cluster;
      const v1::WatchEvent event = MutateCluster(random, options, cluster);
      // Only packets whose verdict is the same before and after.
      std::vector<Packet> packets;
      for (const Packet& packet :
           RandomPackets(random, cluster, options, 120)) {
        if (IsJudgedOnce(options, before, cluster, packet) &&
            Evaluate(before, view, packet).allowed ==
                Evaluate(cluster, view, packet).allowed) {
          packets.push_back(packet);
        }
      }
      const std::vector<bool> right = RightVerdicts(cluster, view, packets);
      std::string violation;
      node.kernel().set_observer([&](const Operation& operation) {
        ++looked;
        const std::string difference =
            Difference(VerdictsOf(node.kernel(), view, packets), right, packets,
                       cluster, view);
        if (!difference.empty() && violation.empty()) {
          violation =
              absl::StrCat("after ", operation.ToString(), ": ", difference);
        }
      });
      node.Tell({event});
      node.Sync();
      node.kernel().set_observer(nullptr);
      ASSERT_EQ(violation, "") << event.DebugString();
    }
  }
  std::cout << "looked into batches " << looked << " times\n";
  EXPECT_GT(looked, 100);
}

TEST(RandomClusterTest, NothingIsLeftWhenEverythingIsGone) {
  const RandomClusterOptions options = ManyLocalPods();
  EnforcingNode empty;
  empty.Tell(ListingOf(Cluster()));
  empty.Sync();
  for (int seed = FirstSeed(); seed < FirstSeed() + Rounds(60); ++seed) {
    SCOPED_TRACE(absl::StrCat("NETPOL_SEED=", seed));
    Random random(seed);
    const Cluster cluster = RandomCluster(random, options);
    EnforcingNode node;
    node.Tell(ListingOf(cluster));
    node.Sync();
    for (v1::WatchEvent event : ListingOf(cluster)) {
      if (event.type() != v1::WatchEvent::UPSERT) continue;
      event.set_type(v1::WatchEvent::DELETE);
      node.Tell({event});
    }
    node.Sync();
    ASSERT_EQ(node.Contents(), empty.Contents());
  }
}

}  // namespace
}  // namespace netpol
