// One node from events to what should be in its kernel, without a kernel.
#ifndef NETPOL_TESTS_COMPILE_COMPILED_NODE_H_
#define NETPOL_TESTS_COMPILE_COMPILED_NODE_H_

#include "netpol/compile/compiler.h"
#include "netpol/compile/layout.h"
#include "netpol/rules/ruleset_change.h"
#include "netpol/state/cluster_state.h"
#include "netpol/testing/builders.h"
#include "proto/netpol/watch_event.pb.h"
#include "tests/compile/ruleset_model.h"

namespace netpol {

inline constexpr char kNode[] = "node-a";

// Both families unless told otherwise.
LayoutOptions DualStack();

// The node is called kNode. Thread-compatible.
class CompiledNode {
 public:
  explicit CompiledNode(LayoutOptions options = DualStack());

  void Tell(const v1::WatchEvent& event);
  void Add(const PodBuilder& pod) { Tell(Upsert(pod.Build())); }
  void Add(const NodeBuilder& node) { Tell(Upsert(node.Build())); }
  void Add(const PolicyBuilder& policy) { Tell(Upsert(policy.Build())); }
  void Remove(const PodBuilder& pod) { Tell(Delete(pod.Build())); }
  void Remove(const NodeBuilder& node) { Tell(Delete(node.Build())); }
  void Remove(const PolicyBuilder& policy) { Tell(Delete(policy.Build())); }

  // Compiles what was told since the last time and adds it to the model.
  RulesetChange Compile();

  const RulesetModel& model() const { return model_; }

 private:
  ClusterState state_;
  Compiler compiler_;
  RulesetModel model_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_COMPILE_COMPILED_NODE_H_
