#include "bench/rooms/parsed_event.h"

#include <cstdlib>
#include <iostream>
#include <utility>

#include "absl/status/statusor.h"
#include "netpol/policy/parse.h"
#include "netpol/policy/parse_node.h"

namespace netpol {
namespace {

template <typename T>
T Need(absl::StatusOr<T> parsed) {
  if (parsed.ok()) return *std::move(parsed);
  std::cerr << "a workload's object cannot be parsed: " << parsed.status()
            << "\n";
  std::abort();
}

ObjectKey KeyOf(const k8s::ObjectMeta& meta) {
  return {meta.namespace_(), meta.name()};
}

struct Teller {
  ClusterState& state;

  void operator()(Namespace&& ns) { state.UpsertNamespace(ns); }
  void operator()(Node&& node) { state.UpsertNode(node); }
  void operator()(Pod&& pod) { state.UpsertPod(std::move(pod)); }
  void operator()(NetworkPolicy&& policy) {
    state.UpsertPolicy(std::move(policy));
  }
  void operator()(GonePod&& pod) { state.DeletePod(pod.key); }
  void operator()(GonePolicy&& policy) { state.DeletePolicy(policy.key); }
};

}  // namespace

ParsedEvent ParseEvent(const v1::WatchEvent& event) {
  const bool gone = event.type() == v1::WatchEvent::DELETE;
  switch (event.object_case()) {
    case v1::WatchEvent::kNamespace:
      if (gone) break;
      return Need(ParseNamespace(event.namespace_()));
    case v1::WatchEvent::kNode:
      if (gone) break;
      return Need(ParseNode(event.node()));
    case v1::WatchEvent::kPod:
      if (gone) return GonePod{KeyOf(event.pod().metadata())};
      return Need(ParsePod(event.pod()));
    case v1::WatchEvent::kNetworkPolicy:
      if (gone) return GonePolicy{KeyOf(event.network_policy().metadata())};
      return Need(ParseNetworkPolicy(event.network_policy()));
    default:
      break;
  }
  std::cerr << "no event for a benchmark: " << event.ShortDebugString() << "\n";
  std::abort();
}

void Tell(ParsedEvent event, ClusterState& state) {
  absl::visit(Teller{state}, std::move(event));
}

std::vector<ParsedEvent> ParsedObjects(const Cluster& cluster) {
  std::vector<ParsedEvent> objects;
  for (const v1::WatchEvent& event : ListingOf(cluster)) {
    if (event.type() == v1::WatchEvent::UPSERT)
      objects.push_back(ParseEvent(event));
  }
  return objects;
}

}  // namespace netpol
