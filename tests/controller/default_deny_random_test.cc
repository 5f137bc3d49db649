// The laws of the engine with the default deny, on random clusters in memory.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpol/compile/layout.h"
#include "netpol/explain/packet_simulator.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/cluster_mutation.h"
#include "netpol/testing/packet.h"
#include "netpol/testing/packet_way.h"
#include "netpol/testing/random.h"
#include "netpol/testing/random_cluster.h"
#include "netpol/testing/random_node.h"
#include "netpol/testing/random_packets.h"
#include "netpol/testing/random_rounds.h"
#include "netpol/testing/reference_evaluator.h"
#include "tests/controller/simulated_node.h"

namespace netpol {
namespace {

LayoutOptions DefaultDeny() {
  LayoutOptions layout = BothFamilies();
  layout.default_deny = true;
  return layout;
}

// With addresses of the node's own among those of its pods.
RandomClusterOptions Options() {
  RandomClusterOptions options;
  options.node = SimulatedNode::kName;
  options.node_addresses.push_back({"10.42.0.1", "fd00:42::1"});
  options.node_addresses.push_back({"10.42.0.0", ""});
  return options;
}

// The node as `cluster` has it.
NodeView ViewOf(const RandomClusterOptions& options, const Cluster& cluster) {
  NodeView view = ViewOf(options);
  for (const k8s::Node& node : cluster.nodes) {
    if (node.metadata().name() != options.node) continue;
    for (const std::string& cidr : node.spec().pod_cidrs())
      view.default_deny.push_back(*IpPrefix::Parse(cidr));
  }
  return view;
}

bool IsRight(const Cluster& cluster, const NodeView& view,
             const Packet& packet) {
  const Verdict verdict = Evaluate(cluster, view, packet);
  // What a service proxy may rewrite on its way to this node is not judged, if
  // it comes from a pod.
  return verdict.allowed || (IsForNodePort(view, packet) &&
                             !absl::StartsWith(verdict.reason, "source is of"));
}

// Empty if every packet meets its right verdict.
std::string FirstWrong(SimulatedNode& node, const NodeView& view,
                       const std::vector<Packet>& packets,
                       const std::vector<bool>& right, const Cluster& cluster) {
  const auto simulator = PacketSimulator::Create(node.kernel().state());
  if (!simulator.ok()) return std::string(simulator.status().message());
  for (size_t i = 0; i < packets.size(); ++i) {
    if (LetsThrough(*simulator, view, packets[i]) == right[i]) continue;
    return absl::StrCat(packets[i].ToString(),
                        right[i] ? " is refused, but: " : " passes, but: ",
                        Evaluate(cluster, view, packets[i]).reason, "\n",
                        Describe(cluster));
  }
  return "";
}

TEST(DefaultDenyRandomTest, EveryVerdictIsRightAndStepsLeaveNoTrace) {
  const RandomClusterOptions options = Options();
  int refused_unknown = 0;
  int looked = 0;
  for (int seed = FirstSeed(); seed < FirstSeed() + Rounds(12); ++seed) {
    SCOPED_TRACE(absl::StrCat("NETPOL_SEED=", seed));
    Random random(seed);
    Cluster cluster = RandomCluster(random, options);
    SimulatedNode node(DefaultDeny());
    node.Tell(ListingOf(cluster));
    for (int step = 0; step < 20; ++step) {
      node.Sync();
      const NodeView view = ViewOf(options, cluster);
      const std::vector<Packet> packets =
          RandomPackets(random, cluster, options, 80);
      std::vector<bool> right;
      for (const Packet& packet : packets) {
        right.push_back(IsRight(cluster, view, packet));
        refused_unknown += absl::StrContains(
            Evaluate(cluster, view, packet).reason, "no known pod's");
      }
      looked += static_cast<int>(packets.size());
      ASSERT_EQ(FirstWrong(node, view, packets, right, cluster), "")
          << "step " << step;
      if (step % 5 == 4) {
        SimulatedNode fresh(DefaultDeny());
        fresh.Tell(ListingOf(cluster));
        fresh.Sync();
        ASSERT_EQ(node.Contents(), fresh.Contents()) << "step " << step;
      }
      node.Tell(MutateCluster(random, options, cluster));
    }
  }
  // Else the clusters would prove little.
  EXPECT_GT(refused_unknown, looked / 50);
}

bool IsOfPodHere(const RandomClusterOptions& options,
                 const std::vector<Cluster>& states, const IpAddress& address) {
  return std::any_of(states.begin(), states.end(), [&](const Cluster& state) {
    return IsOfPodOn(state, options.node, address);
  });
}

// Both sides are open between two messages where one event moves a refusal from
// the sender's to the receiver's: only packets with one end here.
bool HasOneEnd(const RandomClusterOptions& options,
               const std::vector<Cluster>& states, const Packet& packet) {
  return !IsOfPodHere(options, states, packet.source) ||
         !IsOfPodHere(options, states, packet.destination);
}

// Two events in one batch, one of them of the Node object: the pod CIDRs come
// and go while pods do. A batch is as if that event were its last.
TEST(DefaultDenyRandomTest, NoVerdictThatStaysChangesWhileABatchIsUnderWay) {
  const RandomClusterOptions options = Options();
  int looked = 0;
  for (int seed = FirstSeed(); seed < FirstSeed() + Rounds(12); ++seed) {
    SCOPED_TRACE(absl::StrCat("NETPOL_SEED=", seed));
    Random random(seed);
    std::vector<Cluster> states = {RandomCluster(random, options)};
    SimulatedNode node(DefaultDeny());
    node.Tell(ListingOf(states.back()));
    node.Sync();
    for (int step = 0; step < 20; ++step) {
      SCOPED_TRACE(absl::StrCat("step ", step));
      states = {states.back()};
      std::vector<v1::WatchEvent> events;
      for (bool node_event : {false, true}) {
        Cluster next = states.back();
        if (node_event && random.Chance(70)) {
          const k8s::Node own =
              random.Chance(50)
                  ? NodeBuilder(options.node)
                        .PodCidr("10.42.0.0/24")
                        .PodCidr("fd00:42::/64")
                        .Build()
                  : NodeBuilder(options.node).PodCidr("10.42.0.64/26").Build();
          events.push_back(random.Chance(70) ? Upsert(own) : Delete(own));
          ApplyEvent(events.back(), next);
        } else {
          events.push_back(MutateCluster(random, options, next));
        }
        states.push_back(std::move(next));
      }
      // Only packets whose verdict is one and the same from event to event.
      const NodeView view = ViewOf(options, states.back());
      std::vector<Packet> packets;
      std::vector<bool> right;
      for (const Packet& packet :
           RandomPackets(random, states.back(), options, 120)) {
        const bool verdict = IsRight(states.back(), view, packet);
        const bool stays = std::all_of(
            states.begin(), states.end(), [&](const Cluster& state) {
              return IsRight(state, ViewOf(options, state), packet) == verdict;
            });
        if (!stays || !HasOneEnd(options, states, packet)) continue;
        packets.push_back(packet);
        right.push_back(verdict);
      }
      ASSERT_EQ(FirstWrong(node, view, packets, right, states.front()), "")
          << "before anything is done";
      std::string wrong;
      node.kernel().set_observer([&](const Operation& operation) {
        ++looked;
        const std::string found =
            FirstWrong(node, view, packets, right, states.back());
        if (!found.empty() && wrong.empty())
          wrong = absl::StrCat("after ", operation.ToString(), ": ", found);
      });
      node.Tell(events);
      node.Sync();
      node.kernel().set_observer(nullptr);
      ASSERT_EQ(wrong, "") << events[0].ShortDebugString() << "\n"
                           << events[1].ShortDebugString();
    }
  }
  EXPECT_GT(looked, 100);
}

// A daemon starts, with the default deny or without, over what another left
// that knew an older cluster.
TEST(DefaultDenyRandomTest, NoVerdictThatStaysChangesWhileADaemonStarts) {
  const RandomClusterOptions options = Options();
  int looked = 0;
  for (int seed = FirstSeed(); seed < FirstSeed() + Rounds(25); ++seed) {
    SCOPED_TRACE(absl::StrCat("NETPOL_SEED=", seed));
    Random random(seed);
    const Cluster before = RandomCluster(random, options);
    Cluster after = before;
    for (int i = 0; i < 3; ++i) MutateCluster(random, options, after);
    const bool had = random.Chance(40);
    const bool has = random.Chance(70);
    SimulatedNode node(had ? DefaultDeny() : BothFamilies());
    node.Tell(ListingOf(before));
    node.Sync();
    node.Restart(has ? DefaultDeny() : BothFamilies());
    node.Tell(ListingOf(after));

    const NodeView old_view = ViewOf(options, before);
    const NodeView view = ViewOf(options, after);
    NodeView open = view;  // while the old rules of it are gone
    open.default_deny.clear();
    std::vector<Packet> packets;
    std::vector<bool> right;
    for (const Packet& packet : RandomPackets(random, after, options, 200)) {
      const bool verdict = IsRight(after, open, packet);
      // As if the cluster had changed first and the option then.
      if (!HasOneEnd(options, {before, after}, packet) ||
          IsRight(before, had ? old_view : open, packet) != verdict ||
          IsRight(after, had ? old_view : open, packet) != verdict ||
          IsRight(after, has ? view : open, packet) != verdict) {
        continue;
      }
      packets.push_back(packet);
      right.push_back(verdict);
    }
    std::string wrong;
    node.kernel().set_observer([&](const Operation& operation) {
      ++looked;
      const std::string found = FirstWrong(node, view, packets, right, after);
      if (!found.empty() && wrong.empty())
        wrong = absl::StrCat("after ", operation.ToString(), ": ", found);
    });
    node.Sync();
    node.kernel().set_observer(nullptr);
    ASSERT_EQ(wrong, "");
  }
  EXPECT_GT(looked, 50);
}

}  // namespace
}  // namespace netpol
