// Random walks make every kind of change that they promise, and say so.
#include "netpol/testing/cluster_mutation.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "netpol/base/ip.h"
#include "netpol/testing/random_cluster.h"
#include "tests/testing/cluster_bytes.h"

namespace netpol {
namespace {

bool Counts(const k8s::Pod& pod) {
  return !pod.spec().host_network() && pod.status().phase() != "Succeeded" &&
         pod.status().phase() != "Failed";
}

std::set<std::string> AddressesOf(const k8s::Pod& pod) {
  std::set<std::string> addresses;
  const auto add = [&](const std::string& text) {
    if (IpAddress::Parse(text).ok()) addresses.insert(text);
  };
  add(pod.status().pod_ip());
  for (const auto& ip : pod.status().pod_ips()) add(ip.ip());
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

TEST(MutateClusterTest, AddressesAreSharedOnlyWhereAllowed) {
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
    if (!Counts(after)) return "pod recreated, idle";
    return before.spec().node_name() == after.spec().node_name()
               ? "pod recreated"
               : "pod recreated elsewhere";
  }
  if (Bytes(before) == Bytes(after)) return "pod told again";
  if (Counts(before) && !Counts(after)) return "pod finished";
  if (!Counts(before) && Counts(after)) return "pod runs again";
  if (AddressesOf(before) != AddressesOf(after)) {
    if (AddressesOf(after).empty()) return "pod without address";
    return AddressesOf(after).size() < AddressesOf(before).size()
               ? "pod without one family"
               : "pod moved";
  }
  if (before.spec().node_name() != after.spec().node_name()) {
    return "pod on another node";
  }
  if (before.metadata().has_deletion_timestamp() !=
      after.metadata().has_deletion_timestamp()) {
    return "pod terminating";
  }
  if (before.status().phase() != after.status().phase()) return "pod phase";
  if (Bytes(before.spec()) != Bytes(after.spec())) return "pod ports";
  return "pod labels";
}

std::string ChangeOf(const k8s::NetworkPolicy& before,
                     const k8s::NetworkPolicy& after) {
  const auto& old = before.spec();
  const auto& now = after.spec();
  if (Bytes(old) == Bytes(now)) return "policy told again";
  k8s::NetworkPolicySpec rules = now;
  *rules.mutable_ingress() = old.ingress();
  *rules.mutable_egress() = old.egress();
  if (Bytes(rules) != Bytes(old)) return "policy subject or types";
  if (now.ingress_size() + now.egress_size() !=
      old.ingress_size() + old.egress_size()) {
    return "policy number of rules";
  }
  return "policy rule";
}

std::string ChangeOf(const k8s::Namespace& before,
                     const k8s::Namespace& after) {
  return Bytes(before) == Bytes(after) ? "namespace told again"
                                       : "namespace labels";
}

std::string ChangeOf(const k8s::Node& before, const k8s::Node& after) {
  return Bytes(before) == Bytes(after) ? "node told again" : "node changed";
}

template <typename Object>
std::string ChangeAmong(const std::vector<Object>& before,
                        const v1::WatchEvent& event, const Object& object,
                        const std::string& kind) {
  const bool gone = event.type() == v1::WatchEvent::DELETE;
  for (const Object& old : before) {
    if (old.metadata().name() != object.metadata().name() ||
        old.metadata().namespace_() != object.metadata().namespace_()) {
      continue;
    }
    return gone ? kind + " deleted" : ChangeOf(old, object);
  }
  return gone ? "deleted without having been" : kind + " created";
}

std::string ChangeOf(const Cluster& before, const v1::WatchEvent& event) {
  if (event.has_pod()) {
    return ChangeAmong(before.pods, event, event.pod(), "pod");
  }
  if (event.has_namespace_()) {
    return ChangeAmong(before.namespaces, event, event.namespace_(),
                       "namespace");
  }
  if (event.has_node()) {
    return ChangeAmong(before.nodes, event, event.node(), "node");
  }
  return ChangeAmong(before.policies, event, event.network_policy(), "policy");
}

TEST(MutateClusterTest, WalksMakeEveryKindOfChange) {
  std::map<std::string, int> changes;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    Random random(seed);
    Cluster cluster = RandomCluster(random, {});
    for (int step = 0; step < 200; ++step) {
      const Cluster before = cluster;
      ++changes[ChangeOf(before, MutateCluster(random, {}, cluster))];
    }
  }
  for (const char* change : {"pod created",
                             "pod deleted",
                             "pod labels",
                             "pod moved",
                             "pod finished",
                             "pod runs again",
                             "pod phase",
                             "pod terminating",
                             "pod ports",
                             "pod without address",
                             "pod without one family",
                             "pod on another node",
                             "pod recreated",
                             "pod recreated elsewhere",
                             "pod recreated, idle",
                             "pod told again",
                             "namespace created",
                             "namespace labels",
                             "namespace deleted",
                             "namespace told again",
                             "node created",
                             "node changed",
                             "node deleted",
                             "policy created",
                             "policy deleted",
                             "policy told again",
                             "policy subject or types",
                             "policy number of rules",
                             "policy rule",
                             "deleted without having been"}) {
    EXPECT_GE(changes[change], 10) << change;
  }
}

TEST(MutateClusterAtOnceTest, EventsLeadToTheCluster) {
  for (bool shared : {false, true}) {
    RandomClusterOptions options;
    options.shared_addresses = shared;
    for (uint64_t seed = 0; seed < 20; ++seed) {
      Random random(seed);
      Cluster cluster = RandomCluster(random, options);
      Cluster follower = cluster;
      for (int step = 0; step < 100; ++step) {
        for (const auto& event :
             MutateClusterAtOnce(random, options, cluster)) {
          ApplyEvent(event, follower);
        }
        ASSERT_EQ(Bytes(follower), Bytes(cluster));
        ASSERT_TRUE(shared || !SomeAddressIsShared(cluster));
      }
    }
  }
}

std::string KeyIn(const v1::WatchEvent& event) {
  const k8s::ObjectMeta& meta = event.has_pod()
                                    ? event.pod().metadata()
                                    : event.network_policy().metadata();
  return meta.namespace_() + "/" + meta.name();
}

TEST(MutateClusterAtOnceTest, NamesGoAndComeWithinOneBurst) {
  int bursts = 0;
  int reborn = 0;
  int emptied = 0;
  Random random(1);
  Cluster cluster = RandomCluster(random, {});
  for (int step = 0; step < 2000; ++step) {
    std::set<std::string> gone;
    bool back = false;
    const auto events = MutateClusterAtOnce(random, {}, cluster);
    for (const auto& event : events) {
      const bool deleted = event.type() == v1::WatchEvent::DELETE;
      if (deleted) gone.insert(KeyIn(event));
      if (!deleted && gone.count(KeyIn(event)) > 0) back = true;
    }
    if (events.size() > 1) ++bursts;
    if (back) ++reborn;
    if (gone.size() > 3) ++emptied;
  }
  EXPECT_GT(bursts, 500);
  EXPECT_GT(reborn, 20);
  EXPECT_GT(emptied, 10);
}

}  // namespace
}  // namespace netpol
