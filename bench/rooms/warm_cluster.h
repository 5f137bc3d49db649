// A cluster that has been told and compiled, and single events for it.
#ifndef NETPOL_BENCH_ROOMS_WARM_CLUSTER_H_
#define NETPOL_BENCH_ROOMS_WARM_CLUSTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "netpol/compile/compiler.h"
#include "netpol/rules/ruleset_change.h"
#include "netpol/state/cluster_state.h"
#include "netpol/testing/cluster.h"
#include "proto/k8s/core.pb.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

inline constexpr uint64_t kBenchSeed = 1;

// The workloads whose events are measured: two small ones, L itself, and the
// same part of L in clusters of growing size, where costs must not grow.
inline constexpr const char* kEventWorkloads[] = {"S",   "M",   "L",  "L/8",
                                                  "L/4", "L/2", "L/1"};

// An event and the one that takes it back.
struct EventPair {
  v1::WatchEvent there;
  v1::WatchEvent back;
  // The cluster is as after `there`, so that `back` comes first.
  bool is_there = false;
};

// A named workload (netpol/testing/workload_shape.h) seen from its node.
// Whoever changes it changes it back. Thread-compatible.
class WarmCluster {
 public:
  // Made at the first call for a name, and kept until the program ends.
  static WarmCluster& Of(const std::string& workload);

  ClusterState& state() { return state_; }
  Compiler& compiler() { return compiler_; }

  // What the compiler told of the whole cluster.
  const RulesetChange& everything() const { return everything_; }

  // By name:
  //   remote_pod_leaves, remote_pod_relabelled: of another node; how many sets
  //     it is in is the median of those that are in any
  //   other_pod_leaves: of another node, in as few sets as there is, if
  //     possible none
  //   local_pod_leaves: of this node; how many chains that concerns is the
  //     median
  //   policy_changes, policy_leaves: one that has a chain here; it loses its
  //     last rule
  //   wide_policy_leaves: of such policies, the one that names the most pods
  //     that no other rule here asks for
  //   narrow_policy_comes: one that allows the pods of one template in all
  //     namespaces, which no other policy names
  //   namespace_relabelled: the one called "batch" (1,000 pods in L) comes to
  //     be chosen by policies
  // and, each the other way round, remote_pod_comes, other_pod_comes,
  // local_pod_comes, policy_comes and wide_policy_comes.
  const EventPair& event(absl::string_view name) const {
    return events_.at(std::string(name));
  }

  // Tells and compiles.
  RulesetChange Apply(const v1::WatchEvent& event);

 private:
  // An object that was taken away for a moment, and how much that changed.
  template <typename Object>
  struct Trial {
    const Object* object = nullptr;
    size_t change = 0;
  };

  explicit WarmCluster(const std::string& workload);

  // These two return the pod that they chose.
  const k8s::Pod& FindRemotePods(const Cluster& cluster);
  const k8s::Pod& FindLocalPod(const Cluster& cluster);
  void FindPolicies(const Cluster& cluster);
  void MakeNarrowPolicy(const k8s::Pod& subject, const k8s::Pod& peer);
  void FindNamespace(const Cluster& cluster);
  // Adds the pair under the name, and its reverse if that has one.
  void Add(absl::string_view name, EventPair pair,
           absl::string_view reverse = "");

  ClusterState state_;
  Compiler compiler_;
  RulesetChange everything_;
  absl::flat_hash_map<std::string, EventPair> events_;
};

}  // namespace netpol

#endif  // NETPOL_BENCH_ROOMS_WARM_CLUSTER_H_
