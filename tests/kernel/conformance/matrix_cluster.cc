#include "tests/kernel/conformance/matrix_cluster.h"

#include "absl/strings/str_cat.h"
#include "tests/cases/case_lab.h"

namespace netpol {
namespace {

constexpr char kNamespaces[] = "xyzwv";
constexpr int kPodsPerNamespace = 16;

int AddressNumber(absl::string_view ns, absl::string_view name) {
  const size_t block = absl::string_view(kNamespaces).find(ns) + 1;
  return static_cast<int>(block) * kPodsPerNamespace + (name[0] - 'a' + 1);
}

}  // namespace

k8s::Namespace MatrixNamespace(absl::string_view name, const LabelList& more) {
  LabelList labels = {{"ns", std::string(name)},
                      {"kubernetes.io/metadata.name", std::string(name)}};
  labels.insert(labels.end(), more.begin(), more.end());
  return MakeNamespace(name, labels);
}

k8s::Pod MatrixPod(absl::string_view ns, absl::string_view name,
                   const LabelList& more) {
  LabelList labels = {{"pod", std::string(name)}};
  labels.insert(labels.end(), more.begin(), more.end());
  return MatrixPodLabelled(ns, name, labels);
}

k8s::Pod MatrixPodLabelled(absl::string_view ns, absl::string_view name,
                           const LabelList& labels) {
  const int number = AddressNumber(ns, name);
  PodBuilder pod(ns, name);
  pod.Phase("Running")
      .Ip(absl::StrCat("10.42.0.", number))
      .Ip(absl::StrCat("fd00:42::", absl::Hex(number)));
  for (const auto& [key, value] : labels) pod.Label(key, value);
  for (int port : {80, 81}) {
    pod.Port(absl::StrCat("serve-", port, "-tcp"), port, "TCP");
    pod.Port(absl::StrCat("serve-", port, "-udp"), port, "UDP");
    pod.Port(absl::StrCat("serve-", port, "-sctp"), port, "SCTP");
  }
  return pod.Build();
}

Cluster MatrixCluster() {
  Cluster cluster;
  for (const char* ns : {"x", "y", "z"}) {
    cluster.namespaces.push_back(MatrixNamespace(ns));
    for (const char* name : {"a", "b", "c"}) {
      cluster.pods.push_back(MatrixPod(ns, name));
    }
  }
  return cluster;
}

void Place(Placement placement, k8s::Pod& pod) {
  if (!pod.spec().node_name().empty()) return;
  const bool away =
      placement == Placement::kTwoNodes && pod.metadata().name() == "c";
  pod.mutable_spec()->set_node_name(away ? "node-b" : kCaseNode);
}

}  // namespace netpol
