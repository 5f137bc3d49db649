// Random packets go where verdicts change.
#include "netpol/testing/random_packets.h"

#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/random_cluster.h"
#include "netpol/testing/reference_evaluator.h"

namespace netpol {
namespace {

Cluster FromSeed(uint64_t seed, const RandomClusterOptions& options = {}) {
  Random random(seed);
  return RandomCluster(random, options);
}

NodeView NodeOf(const RandomClusterOptions& options) {
  NodeView node{.name = options.node};
  for (const AddressPair& pair : options.node_addresses) {
    node.addresses.push_back(*IpAddress::Parse(pair.v4));
    node.addresses.push_back(*IpAddress::Parse(pair.v6));
  }
  return node;
}

TEST(RandomPacketsTest, PacketsHaveOneFamilyAndARealPort) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    const Cluster cluster = RandomCluster(random, {});
    const auto packets = RandomPackets(random, cluster, {}, 100);
    ASSERT_EQ(packets.size(), 100u);
    for (const Packet& packet : packets) {
      EXPECT_EQ(packet.source.family, packet.destination.family) << packet;
      EXPECT_GE(packet.destination_port, 1) << packet;
    }
  }
}

TEST(RandomPacketsTest, PacketsStayInThePoolsWhenAsked) {
  RandomClusterOptions options;
  options.packets_at_block_edges = false;
  std::set<IpAddress> named;
  for (const auto* pool : {&options.local_pods, &options.remote_pods,
                           &options.outside, &options.node_addresses}) {
    for (const AddressPair& pair : *pool) {
      named.insert(*IpAddress::Parse(pair.v4));
      named.insert(*IpAddress::Parse(pair.v6));
    }
  }
  Random random(1);
  const Cluster cluster = RandomCluster(random, options);
  for (const Packet& packet : RandomPackets(random, cluster, options, 500)) {
    EXPECT_EQ(named.count(packet.source), 1u) << packet;
    EXPECT_EQ(named.count(packet.destination), 1u) << packet;
  }
}

TEST(RandomPacketsTest, FocusDrawsPacketsToWhatChanged) {
  const RandomClusterOptions options;
  int focused = 0;
  int total = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    Cluster cluster = RandomCluster(random, options);
    cluster.pods.push_back(
        PodBuilder("ns-a", "new").On(options.node).Ip("10.42.0.6").Build());
    const Cluster before = FromSeed(seed);
    const PacketFocus focus =
        FocusOn({Upsert(cluster.pods.back())}, before, cluster);
    EXPECT_EQ(focus.addresses,
              std::vector<IpAddress>{*IpAddress::Parse("10.42.0.6")});
    for (const Packet& packet :
         RandomPackets(random, cluster, options, 100, focus)) {
      ++total;
      if (packet.source == focus.addresses.front() ||
          packet.destination == focus.addresses.front()) {
        ++focused;
      }
    }
  }
  EXPECT_GT(focused, total / 2);
  EXPECT_LT(focused, total * 9 / 10);
}

TEST(RandomPacketsTest, FocusKnowsWhatWasAndWhatIs) {
  Cluster before;
  before.pods = {PodBuilder("ns-a", "p").Ip("10.42.0.5").Port("x", 7).Build()};
  before.policies = {PolicyBuilder("ns-a", "n").Build()};
  Cluster after = before;
  after.pods = {PodBuilder("ns-a", "p").Ip("10.42.0.6").Port("x", 9).Build()};
  after.namespaces = {MakeNamespace("ns-a")};
  const std::vector<IpAddress> both = {*IpAddress::Parse("10.42.0.5"),
                                       *IpAddress::Parse("10.42.0.6")};
  const PacketFocus pod = FocusOn({Delete(after.pods[0])}, before, after);
  EXPECT_EQ(pod.addresses, both);
  EXPECT_EQ(pod.ports, (std::vector<int64_t>{7, 9}));
  EXPECT_EQ(FocusOn({Upsert(after.namespaces[0])}, before, after).addresses,
            both);
  const k8s::NetworkPolicy policy =
      PolicyBuilder("ns-a", "n").Ingress({}, {NumberPort("", 80)}).Build();
  const PacketFocus of_policy = FocusOn({Upsert(policy)}, before, after);
  EXPECT_EQ(of_policy.addresses, both);
  EXPECT_EQ(of_policy.ports, (std::vector<int64_t>{80}));
}

// A generator whose packets all pass, or all fail, would test nothing.
TEST(RandomPacketsTest, VerdictsAreMixed) {
  const RandomClusterOptions options;
  int allowed = 0;
  int by_a_policy = 0;
  int total = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    const Cluster cluster = RandomCluster(random, options);
    for (const Packet& packet : RandomPackets(random, cluster, options, 50)) {
      const Verdict verdict = Evaluate(cluster, NodeOf(options), packet);
      ++total;
      if (!verdict.allowed) continue;
      ++allowed;
      if (verdict.reason.find("allowed by") != std::string::npos) ++by_a_policy;
    }
  }
  EXPECT_GT(allowed, total / 5);
  EXPECT_LT(allowed, total * 4 / 5);
  EXPECT_GT(by_a_policy, total / 10);
}

TEST(RandomPacketsTest, PoolsOfOneFamilySuffice) {
  RandomClusterOptions options;
  for (auto* pool : {&options.local_pods, &options.remote_pods,
                     &options.outside, &options.node_addresses}) {
    for (AddressPair& pair : *pool) pair.v6.clear();
  }
  Random random(1);
  const Cluster cluster = RandomCluster(random, options);
  for (const Packet& packet : RandomPackets(random, cluster, options, 500)) {
    EXPECT_EQ(packet.source.family, Family::kIPv4) << packet;
  }
}

}  // namespace
}  // namespace netpol
