// Nine pods in three namespaces, each serving two ports by three protocols:
// the cluster that the conformance tables start from.
#ifndef NETPOL_TESTS_KERNEL_CONFORMANCE_MATRIX_CLUSTER_H_
#define NETPOL_TESTS_KERNEL_CONFORMANCE_MATRIX_CLUSTER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "proto/k8s/core.pb.h"

namespace netpol {

// Where pods run whose spec names no node.
enum class Placement {
  kOneNode,   // all on the node under test
  kTwoNodes,  // those named "c" on another
};

// Named v, w, x, y or z, with the label ns=<name>, as well as
// kubernetes.io/metadata.name, and `more`.
k8s::Namespace MatrixNamespace(absl::string_view name,
                               const LabelList& more = {});

// Named a to m, with the label pod=<name> and `more`, running, on no node yet.
// It serves 80 and 81 by TCP, UDP and SCTP as serve-80-tcp, serve-81-udp and so
// on. Its addresses follow from both names: 10.42.0.<16n+p> and
// fd00:42::<16n+p> with n = 1 for x, 2 for y, 3 for z, 4 for w, 5 for v and
// p = 1 for a, 2 for b and so on. So x is 10.42.0.16/28 and fd00:42::10/124, y
// and z are 10.42.0.32/27 and fd00:42::20/123.
k8s::Pod MatrixPod(absl::string_view ns, absl::string_view name,
                   const LabelList& more = {});

// The same with `labels` and nothing else.
k8s::Pod MatrixPodLabelled(absl::string_view ns, absl::string_view name,
                           const LabelList& labels);

// Namespaces x, y, z with pods a, b, c; no policy.
Cluster MatrixCluster();

// Gives `pod` a node, unless it has one.
void Place(Placement placement, k8s::Pod& pod);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_CONFORMANCE_MATRIX_CLUSTER_H_
