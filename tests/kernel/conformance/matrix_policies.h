// Short names for what the end-to-end tables write most: peers by name, and
// policies of one direction.
#ifndef NETPOL_TESTS_KERNEL_CONFORMANCE_MATRIX_POLICIES_H_
#define NETPOL_TESTS_KERNEL_CONFORMANCE_MATRIX_POLICIES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "netpol/testing/builders.h"
#include "proto/k8s/networking.pb.h"
#include "proto/netpol/watch_event.pb.h"
#include "tests/kernel/conformance/conformance_suite.h"

namespace netpol {

// kubernetes.io/metadata.name is the namespace's, by label or by expression.
k8s::LabelSelector NamespaceCalled(absl::string_view name);
k8s::LabelSelector NamespaceIn(const std::vector<std::string>& names);
k8s::LabelSelector NamespaceNotIn(const std::vector<std::string>& names);
// The label pod is `name`.
k8s::LabelSelector PodCalled(absl::string_view name);
k8s::LabelSelector PodIn(const std::vector<std::string>& names);

// Select the pods called `pod`, or every pod of the namespace if it is empty.
PolicyBuilder IngressPolicy(absl::string_view ns, absl::string_view name,
                            absl::string_view pod = "");
PolicyBuilder EgressPolicy(absl::string_view ns, absl::string_view name,
                           absl::string_view pod = "");

ConformanceStep Step(const std::vector<v1::WatchEvent>& events,
                     const MatrixExpectations& expected, int refused);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_CONFORMANCE_MATRIX_POLICIES_H_
