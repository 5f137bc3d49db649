// Random clusters repeat, and hold every corner that they promise.
#include "netpol/testing/random_cluster.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "gtest/gtest.h"
#include "netpol/testing/cluster_mutation.h"
#include "netpol/testing/random_packets.h"
#include "netpol/testing/reference_evaluator.h"

namespace netpol {
namespace {

// Maps in the order of their keys.
template <typename Message>
std::string Bytes(const Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

std::string Bytes(const Cluster& cluster) {
  std::string bytes;
  for (const auto& ns : cluster.namespaces) bytes += Bytes(ns) + "\n";
  for (const auto& pod : cluster.pods) bytes += Bytes(pod) + "\n";
  for (const auto& policy : cluster.policies) bytes += Bytes(policy) + "\n";
  return bytes;
}

Cluster FromSeed(uint64_t seed, const RandomClusterOptions& options = {}) {
  Random random(seed);
  return RandomCluster(random, options);
}

bool Counts(const k8s::Pod& pod) {
  return !pod.spec().host_network() && pod.status().phase() != "Succeeded" &&
         pod.status().phase() != "Failed";
}

std::set<std::string> AddressesOf(const k8s::Pod& pod) {
  std::set<std::string> addresses;
  if (pod.status().has_pod_ip()) addresses.insert(pod.status().pod_ip());
  for (const auto& ip : pod.status().pod_ips()) addresses.insert(ip.ip());
  return addresses;
}

bool SomeAddressIsShared(const Cluster& cluster) {
  std::set<std::string> seen;
  for (const k8s::Pod& pod : cluster.pods) {
    if (!Counts(pod)) continue;
    for (const std::string& address : AddressesOf(pod)) {
      if (!seen.insert(address).second) return true;
    }
  }
  return false;
}

NodeView NodeOf(const RandomClusterOptions& options) {
  NodeView node{.name = options.node};
  for (const AddressPair& pair : options.node_addresses) {
    node.addresses.push_back(*IpAddress::Parse(pair.v4));
    node.addresses.push_back(*IpAddress::Parse(pair.v6));
  }
  return node;
}

TEST(RandomTest, StreamIsThatOfTheStandardEngine) {
  Random random(5489);  // The standard names its 10,000th number.
  for (int i = 1; i < 10000; ++i) random.Below(2);
  EXPECT_EQ(random.Below(1000000000000000000u), 981545732273789042u);
}

TEST(RandomTest, BetweenReachesBothEndsAndNothingElse) {
  Random random(1);
  std::set<int> drawn;
  for (int i = 0; i < 200; ++i) drawn.insert(random.Between(-1, 2));
  EXPECT_EQ(drawn, (std::set<int>{-1, 0, 1, 2}));
}

TEST(RandomClusterTest, SameSeedGivesSameBytes) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    EXPECT_EQ(Bytes(FromSeed(seed)), Bytes(FromSeed(seed)));
  }
}

TEST(RandomClusterTest, DifferentSeedsGiveDifferentClusters) {
  std::set<std::string> all;
  for (uint64_t seed = 0; seed < 50; ++seed) all.insert(Bytes(FromSeed(seed)));
  EXPECT_EQ(all.size(), 50u);
}

TEST(RandomClusterTest, DescriptionNamesEveryObject) {
  const Cluster cluster = FromSeed(3);
  const std::string text = Describe(cluster);
  const size_t lines = std::count(text.begin(), text.end(), '\n');
  EXPECT_EQ(lines, cluster.namespaces.size() + cluster.pods.size() +
                       cluster.policies.size());
  for (const auto& policy : cluster.policies) {
    EXPECT_NE(text.find("/" + policy.metadata().name() + ":"),
              std::string::npos);
  }
}

TEST(RandomClusterTest, AddressesAreSharedOnlyWhereAllowed) {
  RandomClusterOptions options;
  options.shared_addresses = false;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    Cluster cluster = RandomCluster(random, options);
    for (int step = 0; step < 50; ++step) {
      ASSERT_FALSE(SomeAddressIsShared(cluster)) << Describe(cluster);
      MutateCluster(random, options, cluster);
    }
  }
}

TEST(MutateClusterTest, PoolsOfOneFamilySuffice) {
  RandomClusterOptions options;
  options.shared_addresses = false;
  for (auto* pool : {&options.local_pods, &options.remote_pods,
                     &options.outside, &options.node_addresses}) {
    for (AddressPair& pair : *pool) pair.v6.clear();
  }
  int alive = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    Cluster cluster = RandomCluster(random, options);
    for (int i = 0; i < 300; ++i) MutateCluster(random, options, cluster);
    std::string addresses;
    for (const k8s::Pod& pod : cluster.pods) {
      for (const std::string& address : AddressesOf(pod)) addresses += address;
    }
    if (!addresses.empty()) ++alive;
    EXPECT_EQ(addresses.find(':'), std::string::npos) << addresses;
    const auto packets = RandomPackets(random, cluster, options, 50);
    for (const Packet& packet : packets) {
      EXPECT_EQ(packet.source.family, Family::kIPv4) << packet;
    }
  }
  EXPECT_GE(alive, 18);
}

TEST(MutateClusterTest, EventSaysWhatChanged) {
  const RandomClusterOptions options;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    Cluster cluster = RandomCluster(random, options);
    Cluster follower;
    for (const auto& event : ListingOf(cluster)) ApplyEvent(event, follower);
    for (int step = 0; step < 50; ++step) {
      ApplyEvent(MutateCluster(random, options, cluster), follower);
      ASSERT_EQ(Bytes(follower), Bytes(cluster));
    }
  }
}

TEST(MutateClusterTest, SameSeedGivesSameWalk) {
  const auto walk = [](uint64_t seed) {
    Random random(seed);
    Cluster cluster = RandomCluster(random, {});
    std::string bytes;
    for (int i = 0; i < 100; ++i) {
      bytes += Bytes(MutateCluster(random, {}, cluster));
    }
    return bytes;
  };
  EXPECT_EQ(walk(7), walk(7));
  EXPECT_NE(walk(7), walk(8));
}

// What changed between an object and its next version, for the features below.
std::string ChangeOf(const k8s::Pod& before, const k8s::Pod& after) {
  if (before.metadata().uid() != after.metadata().uid()) {
    return before.spec().node_name() == after.spec().node_name()
               ? "pod recreated"
               : "pod recreated elsewhere";
  }
  if (Bytes(before) == Bytes(after)) return "pod told again";
  if (Counts(before) && !Counts(after)) return "pod finished";
  if (AddressesOf(before) != AddressesOf(after)) return "pod moved";
  if (before.metadata().has_deletion_timestamp() !=
      after.metadata().has_deletion_timestamp()) {
    return "pod terminating";
  }
  if (Bytes(before.spec()) != Bytes(after.spec())) return "pod ports";
  return "pod labels";
}

std::string ChangeOf(const Cluster& before, const v1::WatchEvent& event) {
  const bool gone = event.type() == v1::WatchEvent::DELETE;
  if (event.has_pod()) {
    if (gone) return "pod deleted";
    for (const k8s::Pod& pod : before.pods) {
      if (pod.metadata().name() == event.pod().metadata().name()) {
        return ChangeOf(pod, event.pod());
      }
    }
    return "pod created";
  }
  const auto names = [](const auto& objects, const std::string& name) {
    return std::any_of(objects.begin(), objects.end(), [&](const auto& object) {
      return object.metadata().name() == name;
    });
  };
  const bool policy = event.has_network_policy();
  const std::string kind = policy ? "policy" : "namespace";
  if (gone) return kind + " deleted";
  const bool old =
      policy ? names(before.policies, event.network_policy().metadata().name())
             : names(before.namespaces, event.namespace_().metadata().name());
  return kind + (old ? " changed" : " created");
}

TEST(MutateClusterTest, WalksMakeEveryKindOfChange) {
  std::map<std::string, int> changes;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    Random random(seed);
    Cluster cluster = RandomCluster(random, {});
    for (int step = 0; step < 100; ++step) {
      const Cluster before = cluster;
      ++changes[ChangeOf(before, MutateCluster(random, {}, cluster))];
    }
  }
  for (const char* change :
       {"pod created", "pod deleted", "pod labels", "pod moved", "pod finished",
        "pod terminating", "pod ports", "pod recreated",
        "pod recreated elsewhere", "pod told again", "namespace created",
        "namespace changed", "namespace deleted", "policy created",
        "policy changed", "policy deleted"}) {
    EXPECT_GE(changes[change], 10) << change;
  }
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

}  // namespace
}  // namespace netpol
