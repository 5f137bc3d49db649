// The hall: from what changed in the cluster to what must change in the kernel.
#ifndef NETPOL_COMPILE_COMPILER_H_
#define NETPOL_COMPILE_COMPILER_H_

#include <cstdint>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "netpol/base/ip.h"
#include "netpol/compile/dispatch_tree.h"
#include "netpol/compile/layout.h"
#include "netpol/compile/set_registry.h"
#include "netpol/policy/object_key.h"
#include "netpol/policy/objects.h"
#include "netpol/rules/names.h"
#include "netpol/rules/ruleset_change.h"
#include "netpol/state/cluster_state.h"
#include "netpol/state/dirty_set.h"

namespace netpol {

// Compiles incrementally: the changes told so far, added up, are what a new
// compiler would tell of the same cluster. Only what this node needs exists: a
// policy has a chain while it isolates a pod here, a set while a rule uses it,
// a pod while a policy isolates it. Thread-compatible.
class Compiler {
 public:
  // `state` must outlive the compiler.
  Compiler(LayoutOptions options, ClusterState* state);

  // `dirty` must be what `state` has to tell since the last call.
  RulesetChange Compile(const DirtySet& dirty);

 private:
  // One direction in one family.
  struct Lane {
    Direction direction;
    Family family;

    friend auto operator<=>(const Lane&, const Lane&) = default;
  };
  // How a pod is isolated in a lane; not at all if there is no address or no
  // policy.
  struct Isolation {
    std::vector<ObjectKey> policies;  // sorted
    std::vector<IpAddress> addresses;

    bool empty() const { return policies.empty(); }
    friend bool operator==(const Isolation& a, const Isolation& b) = default;
  };
  // The chain of a policy or of a group of policies.
  struct ChainState {
    int users = 0;
    uint64_t compiled_in = 0;  // see round_
    std::vector<SetName> sets;
  };
  using PolicyLane = std::pair<ObjectKey, Lane>;
  using GroupLane = std::pair<std::vector<ObjectKey>, Lane>;

  void EmitFixed(RulesetChange& change);
  void UpdateLocalPods(const DirtySet& dirty, RulesetChange& change);
  void UpdatePodCidrs(RulesetChange& change);
  void UpdateSubject(const ObjectKey& key, RulesetChange& change);
  // `selecting` are the policies that select `pod`, sorted.
  Isolation IsolationOf(const Pod& pod,
                        const std::vector<const NetworkPolicy*>& selecting,
                        const Lane& lane) const;
  void Isolate(const ObjectKey& pod, const Lane& lane, const Isolation& before,
               const Isolation& after, RulesetChange& change);
  std::vector<Rule> PodChainRules(const ObjectKey& pod, const Lane& lane,
                                  const Isolation& isolation) const;
  ChainName EntryChain(const std::vector<ObjectKey>& policies,
                       const Lane& lane) const;

  void AcquirePolicies(const std::vector<ObjectKey>& policies, const Lane& lane,
                       RulesetChange& change);
  void ReleasePolicies(const std::vector<ObjectKey>& policies,
                       const Lane& lane);
  // Whether the policies of a group have one chain for all.
  bool IsUnited(const std::vector<ObjectKey>& policies) const {
    return policies.size() > options_.most_chains_in_a_row;
  }
  // Whether a chain that is in use does not show yet what changed in this
  // round.
  bool IsOutdated(const ChainState& chain) const {
    return chain.users > 0 && chain.compiled_in < round_;
  }
  void UpdatePolicy(const ObjectKey& policy, RulesetChange& change);
  void EmitPolicyChain(const PolicyLane& key, ChainState& chain,
                       RulesetChange& change);
  void EmitGroupChain(const GroupLane& key, ChainState& chain,
                      RulesetChange& change);
  // Compiles `policies`, those of them that are there and isolate in `lane`,
  // and keeps what sets they need in `chain`.
  std::vector<Rule> CompileInto(ChainState& chain,
                                const std::vector<ObjectKey>& policies,
                                const Lane& lane);
  void EmitDispatch(const Lane& lane, RulesetChange& change);
  void CollectGarbage(RulesetChange& change);

  LayoutOptions options_;
  ClusterState& state_;
  SetRegistry registry_;
  bool fixed_told_ = false;
  uint64_t round_ = 0;  // calls of Compile()

  absl::btree_map<ObjectKey, absl::btree_map<Lane, Isolation>> isolated_;
  absl::btree_map<PolicyLane, ChainState> policy_chains_;
  absl::btree_map<GroupLane, ChainState> group_chains_;
  absl::btree_set<IpPrefix> pod_cidrs_;  // members of the two sets
  absl::btree_map<Lane, DispatchTargets> dispatch_;
  absl::btree_map<Lane, absl::btree_set<ChainName>> dispatch_chains_;

  // Of the round that is going on.
  absl::btree_set<Lane> dirty_lanes_;
  absl::btree_set<PolicyLane> unused_policies_;
  absl::btree_set<GroupLane> unused_groups_;
};

}  // namespace netpol

#endif  // NETPOL_COMPILE_COMPILER_H_
