// From wire objects to values: the only place that knows the API's validity
// rules and defaults
// (https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/).
#ifndef NETPOL_POLICY_PARSE_H_
#define NETPOL_POLICY_PARSE_H_

#include "absl/status/statusor.h"
#include "netpol/policy/objects.h"
#include "proto/k8s/core.pb.h"
#include "proto/k8s/networking.pb.h"

namespace netpol {

// InvalidArgument for an object without a name.
absl::StatusOr<Namespace> ParseNamespace(const k8s::Namespace& wire);

// InvalidArgument for a pod without a name or namespace. An address that cannot
// be read is left out.
absl::StatusOr<Pod> ParsePod(const k8s::Pod& wire);

// InvalidArgument for a policy without a name or namespace. Everything else
// that is wrong costs the element it stands in, and is told in
// NetworkPolicy::problems: a broken peer or port matches nothing; a subject
// selector with a part that cannot be read isolates what the rest selects and
// allows nothing.
absl::StatusOr<NetworkPolicy> ParseNetworkPolicy(
    const k8s::NetworkPolicy& wire);

}  // namespace netpol

#endif  // NETPOL_POLICY_PARSE_H_
