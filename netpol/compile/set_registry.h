// The sets that compiled rules use: one for each distinct content, for as long
// as a rule uses it.
#ifndef NETPOL_COMPILE_SET_REGISTRY_H_
#define NETPOL_COMPILE_SET_REGISTRY_H_

#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/types/optional.h"
#include "netpol/base/ip.h"
#include "netpol/policy/selector.h"
#include "netpol/rules/names.h"
#include "netpol/rules/ruleset_change.h"
#include "netpol/state/cluster_state.h"
#include "netpol/state/dirty_set.h"

namespace netpol {

// Names: KUBE-SRC- for peers (pods or blocks, whichever side they are matched
// on, so that both directions can share a set), KUBE-DST- for (address, port)
// of named ports. Thread-compatible.
class SetRegistry {
 public:
  // `state` must outlive the registry.
  explicit SetRegistry(ClusterState* state) : state_(*state) {}

  // The set of that content. Every call is to be paired with a Release().
  SetName AcquirePods(const PodSetExpression& expression, Family family);
  // Prefixes of one family, as from UnionOfBlocks().
  SetName AcquireBlocks(const std::vector<IpPrefix>& prefixes, Family family);
  SetName AcquireNamedPort(const NamedPortKey& key, Family family);
  void Release(const SetName& name);

  // Turns what the cluster says into changes of members.
  void Apply(const DirtySet& dirty, RulesetChange& change);

  // Tells the sets that came into use, with their members as they are now, and
  // forgets those that nobody uses.
  void Flush(RulesetChange& change);

  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    SetContent content;  // members only until it is told
    int users = 0;
    bool told = false;
    absl::optional<ExpressionId> expression;
    absl::optional<NamedPortId> named_port;
  };

  // The entry of that name with one user more; new ones are made by `fill`.
  template <typename Fill>
  SetName Acquire(SetName name, SetType type, Family family, Fill fill);
  std::vector<SetMember> MembersOf(const Entry& entry) const;
  void Forget(const Entry& entry);

  ClusterState& state_;
  absl::btree_map<SetName, Entry> entries_;
  std::vector<SetName> touched_;  // to be looked at by Flush()
  // Which sets show an expression or a port; by Family.
  struct Names {
    SetName of[2];
  };
  absl::flat_hash_map<ExpressionId, Names> by_expression_;
  absl::flat_hash_map<NamedPortId, Names> by_named_port_;
};

}  // namespace netpol

#endif  // NETPOL_COMPILE_SET_REGISTRY_H_
