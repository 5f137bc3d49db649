#include "tests/kernel/conformance/matrix_policies.h"

namespace netpol {
namespace {

constexpr absl::string_view kNameLabel = "kubernetes.io/metadata.name";

PolicyBuilder Policy(absl::string_view ns, absl::string_view name,
                     absl::string_view type, absl::string_view pod) {
  PolicyBuilder policy(ns, name);
  policy.Types({std::string(type)});
  if (!pod.empty()) policy.Selects(PodCalled(pod));
  return policy;
}

}  // namespace

k8s::LabelSelector NamespaceCalled(absl::string_view name) {
  return MatchLabels({{std::string(kNameLabel), std::string(name)}});
}

k8s::LabelSelector NamespaceIn(const std::vector<std::string>& names) {
  return MatchExpression(kNameLabel, "In", names);
}

k8s::LabelSelector NamespaceNotIn(const std::vector<std::string>& names) {
  return MatchExpression(kNameLabel, "NotIn", names);
}

k8s::LabelSelector PodCalled(absl::string_view name) {
  return MatchLabels({{"pod", std::string(name)}});
}

k8s::LabelSelector PodIn(const std::vector<std::string>& names) {
  return MatchExpression("pod", "In", names);
}

PolicyBuilder IngressPolicy(absl::string_view ns, absl::string_view name,
                            absl::string_view pod) {
  return Policy(ns, name, "Ingress", pod);
}

PolicyBuilder EgressPolicy(absl::string_view ns, absl::string_view name,
                           absl::string_view pod) {
  return Policy(ns, name, "Egress", pod);
}

ConformanceStep Step(const std::vector<v1::WatchEvent>& events,
                     const MatrixExpectations& expected, int refused) {
  return {events, expected, refused};
}

}  // namespace netpol
