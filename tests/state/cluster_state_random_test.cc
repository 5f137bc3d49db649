// Random walks: what the state tells, added up, against a look at every pod.
#include <netinet/in.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpol/policy/parse.h"
#include "netpol/state/cluster_state.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/cluster_mutation.h"
#include "netpol/testing/random.h"
#include "netpol/testing/random_cluster.h"
#include "netpol/testing/random_objects.h"

namespace netpol {
namespace {

Labels LabelsOf(std::vector<Labels::Entry> entries) {
  return Labels(std::move(entries));
}

void Tell(const v1::WatchEvent& event, ClusterState& state) {
  const bool upsert = event.type() == v1::WatchEvent::UPSERT;
  if (event.has_namespace_()) {
    const Namespace ns = *ParseNamespace(event.namespace_());
    upsert ? state.UpsertNamespace(ns) : state.DeleteNamespace(ns.name);
  } else if (event.has_pod()) {
    Pod pod = *ParsePod(event.pod());
    const ObjectKey key = pod.key;
    upsert ? state.UpsertPod(std::move(pod)) : state.DeletePod(key);
  } else if (event.has_network_policy()) {
    NetworkPolicy policy = *ParseNetworkPolicy(event.network_policy());
    const ObjectKey key = policy.key;
    upsert ? state.UpsertPolicy(std::move(policy)) : state.DeletePolicy(key);
  }
}

// ---- By definition, looking at everything.

struct PlainCluster {
  explicit PlainCluster(const Cluster& cluster) {
    for (const k8s::Namespace& ns : cluster.namespaces)
      namespaces[ns.metadata().name()] = ParseNamespace(ns)->labels;
    for (const k8s::Pod& pod : cluster.pods) pods.push_back(*ParsePod(pod));
  }

  Labels NamespaceLabels(const std::string& name) const {
    auto it = namespaces.find(name);
    return it != namespaces.end()
               ? it->second
               : LabelsOf({{"kubernetes.io/metadata.name", name}});
  }

  bool Chooses(const PodSetExpression& expression, const Pod& pod) const {
    for (const PodTerm& term : expression.terms()) {
      if (term.MatchesNamespace(pod.key.namespace_name,
                                NamespaceLabels(pod.key.namespace_name)) &&
          term.pods.Matches(pod.labels)) {
        return true;
      }
    }
    return false;
  }

  // The youngest pod of `node` with the address.
  const Pod* Owner(const std::string& node, const IpAddress& address) const {
    const Pod* owner = nullptr;
    for (const Pod& pod : pods) {
      if (*pod.node_name != node ||
          std::count(pod.addresses.begin(), pod.addresses.end(), address) == 0)
        continue;
      if (owner == nullptr ||
          std::tie(pod.created_seconds, pod.key) >
              std::tie(owner->created_seconds, owner->key)) {
        owner = &pod;
      }
    }
    return owner;
  }

  std::map<std::string, Labels> namespaces;
  std::vector<Pod> pods;
};

using Addresses = std::set<IpAddress>;
using Endpoints = std::set<std::pair<IpAddress, uint16_t>>;

Addresses MembersOf(const PodSetExpression& expression,
                    const PlainCluster& cluster) {
  Addresses members;
  for (const Pod& pod : cluster.pods) {
    if (cluster.Chooses(expression, pod))
      members.insert(pod.addresses.begin(), pod.addresses.end());
  }
  return members;
}

Endpoints EndpointsOf(const NamedPortKey& key, const std::string& node,
                      const PlainCluster& cluster) {
  Endpoints endpoints;
  for (const Pod& pod : cluster.pods) {
    if (key.among && !cluster.Chooses(*key.among, pod)) continue;
    for (const IpAddress& address : pod.addresses) {
      if (key.local_only && cluster.Owner(node, address) != &pod) continue;
      for (const NamedPort& port : *pod.ports) {
        if (port.name == key.name && port.protocol == key.protocol)
          endpoints.emplace(address, port.number);
      }
    }
  }
  return endpoints;
}

// ---- Somebody who listens and adds up what it hears.

class Listener {
 public:
  explicit Listener(ClusterState* state) : state_(*state) {}

  void Watch(const PodSetExpression& expression) {
    const ExpressionId id = state_.Watch(expression);
    const std::vector<IpAddress> now = state_.Members(id);
    EXPECT_TRUE(std::is_sorted(now.begin(), now.end()));
    expressions_.emplace(id, expression);
    members_[id] = Addresses(now.begin(), now.end());
    EXPECT_EQ(members_[id].size(), now.size()) << "a member is told twice";
  }
  void Watch(const NamedPortKey& key) {
    const NamedPortId id = state_.WatchNamedPort(key);
    ports_.emplace(id, key);
    for (const NamedPortMember& member : state_.NamedPortMembers(id))
      endpoints_[id].emplace(member.address, member.number);
  }

  void Hear() {
    const DirtySet dirty = state_.TakeDirty();
    for (const MembershipChange& change : dirty.memberships) {
      if (change.member) {
        members_[change.expression].insert(change.address);
      } else {
        members_[change.expression].erase(change.address);
      }
    }
    for (const NamedPortChange& change : dirty.named_ports) {
      const std::pair<IpAddress, uint16_t> at{change.address, change.number};
      if (change.member) {
        endpoints_[change.port].insert(at);
      } else {
        endpoints_[change.port].erase(at);
      }
    }
  }

  void Check(const std::string& node, const PlainCluster& cluster) {
    for (const auto& [id, expression] : expressions_) {
      const Addresses right = MembersOf(expression, cluster);
      EXPECT_EQ(members_[id], right) << expression.ToString();
      const std::vector<IpAddress> told = state_.Members(id);
      EXPECT_EQ(Addresses(told.begin(), told.end()), right);
    }
    for (const auto& [id, key] : ports_) {
      const Endpoints right = EndpointsOf(key, node, cluster);
      EXPECT_EQ(endpoints_[id], right) << key.name << " of " << right.size();
      Endpoints told;
      for (const NamedPortMember& member : state_.NamedPortMembers(id))
        told.emplace(member.address, member.number);
      EXPECT_EQ(told, right) << key.name;
    }
  }

 private:
  ClusterState& state_;
  std::map<ExpressionId, PodSetExpression> expressions_;
  std::map<ExpressionId, Addresses> members_;
  std::map<NamedPortId, NamedPortKey> ports_;
  std::map<NamedPortId, Endpoints> endpoints_;
};

std::vector<PodSetExpression> ExpressionsOf(const Cluster& cluster) {
  std::vector<PodSetExpression> expressions = {PodSetExpression({PodTerm()})};
  for (const k8s::NetworkPolicy& wire : cluster.policies) {
    const NetworkPolicy policy = *ParseNetworkPolicy(wire);
    for (const auto* rules : {&policy.ingress, &policy.egress}) {
      for (const PolicyRule& rule : *rules) {
        if (!rule.pods.empty()) expressions.emplace_back(rule.pods);
      }
    }
  }
  return expressions;
}

void WatchEverything(const Cluster& cluster, Listener& listener) {
  std::vector<absl::optional<PodSetExpression>> among = {absl::nullopt};
  for (const PodSetExpression& expression : ExpressionsOf(cluster)) {
    listener.Watch(expression);
    if (among.size() < 4) among.push_back(expression);
  }
  for (const std::string& name : RandomPortNames()) {
    for (uint8_t protocol : {IPPROTO_TCP, IPPROTO_UDP}) {
      listener.Watch(NamedPortKey{name, protocol, true, absl::nullopt});
      for (const auto& pods : among)
        listener.Watch(NamedPortKey{name, protocol, false, pods});
    }
  }
}

TEST(ClusterStateRandomTest, DeltasAddUpToWhatALookAtEveryPodFinds) {
  const RandomClusterOptions options;
  for (int seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    Cluster cluster = RandomCluster(random, options);
    ClusterState state(options.node);
    for (const v1::WatchEvent& event : ListingOf(cluster)) Tell(event, state);
    state.TakeDirty();
    Listener listener(&state);
    WatchEverything(cluster, listener);
    listener.Check(options.node, PlainCluster(cluster));
    for (int step = 0; step < 60; ++step) {
      const v1::WatchEvent event = MutateCluster(random, options, cluster);
      Tell(event, state);
      // Sometimes several events make one batch.
      if (random.Chance(40)) continue;
      listener.Hear();
      listener.Check(options.node, PlainCluster(cluster));
      ASSERT_FALSE(testing::Test::HasFailure())
          << "seed " << seed << ", step " << step << ": " << event.DebugString()
          << Describe(cluster);
    }
  }
}

TEST(ClusterStateRandomTest, OrderOfArrivalDoesNotMatter) {
  const RandomClusterOptions options;
  for (int seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Random random(seed);
    const Cluster cluster = RandomCluster(random, options);
    std::vector<v1::WatchEvent> events = ListingOf(cluster);
    for (size_t i = events.size(); i > 1; --i)
      std::swap(events[i - 1], events[random.Below(i)]);
    ClusterState state(options.node);
    Listener listener(&state);
    WatchEverything(cluster, listener);
    for (const v1::WatchEvent& event : events) Tell(event, state);
    listener.Hear();
    const PlainCluster plain(cluster);
    listener.Check(options.node, plain);
    for (const Pod& pod : plain.pods) {
      for (const IpAddress& address : pod.addresses) {
        const Pod* right = plain.Owner(options.node, address);
        const Pod* owner = state.LocalOwner(address);
        ASSERT_EQ(owner != nullptr, right != nullptr);
        if (right != nullptr) {
          ASSERT_EQ(owner->key, right->key);
        }
      }
    }
  }
}

TEST(ClusterStateRandomTest, NothingIsLeftOfDeletedObjects) {
  const RandomClusterOptions options;
  for (int seed = 1; seed <= 30; ++seed) {
    Random random(seed);
    const Cluster cluster = RandomCluster(random, options);
    ClusterState state(options.node);
    Listener listener(&state);
    WatchEverything(cluster, listener);
    for (v1::WatchEvent event : ListingOf(cluster)) Tell(event, state);
    for (v1::WatchEvent event : ListingOf(cluster)) {
      if (event.type() == v1::WatchEvent::UPSERT) {
        event.set_type(v1::WatchEvent::DELETE);
        Tell(event, state);
      }
    }
    listener.Hear();
    listener.Check(options.node, PlainCluster(Cluster()));
    EXPECT_EQ(state.pod_count(), 0u);
    EXPECT_EQ(state.policy_count(), 0u);
    EXPECT_EQ(state.namespace_count(), 0u);
  }
}

TEST(ClusterStateRandomTest, SubjectsOfEveryPolicyAreFound) {
  const RandomClusterOptions options;
  for (int seed = 1; seed <= 12; ++seed) {
    Random random(seed);
    Cluster cluster = RandomCluster(random, options);
    ClusterState state(options.node);
    for (const v1::WatchEvent& event : ListingOf(cluster)) Tell(event, state);
    for (int step = 0; step < 20; ++step) {
      Tell(MutateCluster(random, options, cluster), state);
      for (const k8s::Pod& wire : cluster.pods) {
        const Pod pod = *ParsePod(wire);
        std::set<ObjectKey> right;
        for (const k8s::NetworkPolicy& policy_wire : cluster.policies) {
          const NetworkPolicy policy = *ParseNetworkPolicy(policy_wire);
          if (policy.key.namespace_name == pod.key.namespace_name &&
              policy.subject.Matches(pod.labels)) {
            right.insert(policy.key);
          }
        }
        std::vector<ObjectKey> found;
        for (const NetworkPolicy* policy : state.PoliciesSelecting(pod))
          found.push_back(policy->key);
        ASSERT_EQ(found, std::vector<ObjectKey>(right.begin(), right.end()))
            << "seed " << seed << ", step " << step << ", pod " << pod.key;
      }
    }
  }
}

}  // namespace
}  // namespace netpol
