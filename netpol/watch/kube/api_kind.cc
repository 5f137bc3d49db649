#include "netpol/watch/kube/api_kind.h"

namespace netpol {
namespace {

constexpr ApiKind kApiKinds[] = {
    {v1::WatchEvent::NAMESPACE, "Namespace", "v1", false},
    {v1::WatchEvent::POD, "Pod", "v1", true},
    {v1::WatchEvent::NODE, "Node", "v1", false},
    {v1::WatchEvent::NETWORK_POLICY, "NetworkPolicy", "networking.k8s.io/v1",
     true},
};

}  // namespace

const ApiKind& ApiKindOf(v1::WatchEvent::Kind kind) {
  const ApiKind* found = kApiKinds;
  for (const ApiKind& candidate : kApiKinds) {
    if (candidate.kind == kind) found = &candidate;
  }
  return *found;
}

const ApiKind* FindApiKind(absl::string_view api_version,
                           absl::string_view name) {
  for (const ApiKind& candidate : kApiKinds) {
    if (candidate.name == name && candidate.api_version == api_version) {
      return &candidate;
    }
  }
  return nullptr;
}

}  // namespace netpol
