#include "tests/compile/compiled_node.h"

#include <utility>

#include "netpol/policy/parse.h"
#include "netpol/policy/parse_node.h"

namespace netpol {

LayoutOptions DualStack() {
  LayoutOptions options;
  options.families = {Family::kIPv4, Family::kIPv6};
  return options;
}

CompiledNode::CompiledNode(LayoutOptions options)
    : state_(kNode), compiler_(std::move(options), &state_) {}

void CompiledNode::Tell(const v1::WatchEvent& event) {
  const bool upsert = event.type() == v1::WatchEvent::UPSERT;
  if (event.has_namespace_()) {
    const Namespace ns = *ParseNamespace(event.namespace_());
    upsert ? state_.UpsertNamespace(ns) : state_.DeleteNamespace(ns.name);
  } else if (event.has_node()) {
    const Node node = *ParseNode(event.node());
    upsert ? state_.UpsertNode(node) : state_.DeleteNode(node.name);
  } else if (event.has_pod()) {
    Pod pod = *ParsePod(event.pod());
    const ObjectKey key = pod.key;
    upsert ? state_.UpsertPod(std::move(pod)) : state_.DeletePod(key);
  } else if (event.has_network_policy()) {
    NetworkPolicy policy = *ParseNetworkPolicy(event.network_policy());
    const ObjectKey key = policy.key;
    upsert ? state_.UpsertPolicy(std::move(policy)) : state_.DeletePolicy(key);
  }
}

RulesetChange CompiledNode::Compile() {
  RulesetChange change = compiler_.Compile(state_.TakeDirty());
  model_.Apply(change);
  return change;
}

}  // namespace netpol
