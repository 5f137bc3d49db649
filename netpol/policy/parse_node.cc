#include "netpol/policy/parse_node.h"

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace netpol {
namespace {

constexpr absl::string_view kPodCidrsAnnotation = "kube-router.io/pod-cidrs";

// https://kubernetes.io/docs/reference/labels-annotations-taints/
constexpr absl::string_view kUninitializedTaint =
    "node.cloudprovider.kubernetes.io/uninitialized";

void ParsePodCidr(absl::string_view text, absl::string_view path, Node& node) {
  const absl::StatusOr<IpPrefix> prefix = IpPrefix::Parse(text);
  if (!prefix.ok()) {
    node.problems.push_back(
        absl::StrCat(path, ": ", prefix.status().message()));
  } else if (std::find(node.pod_cidrs.begin(), node.pod_cidrs.end(), *prefix) ==
             node.pod_cidrs.end()) {
    node.pod_cidrs.push_back(*prefix);
  }
}

// The first of the three that says anything counts.
void ParsePodCidrs(const k8s::Node& wire, Node& node) {
  const auto& annotations = wire.metadata().annotations();
  const auto annotation = annotations.find(std::string(kPodCidrsAnnotation));
  if (annotation != annotations.end() &&
      !absl::StripAsciiWhitespace(annotation->second).empty()) {
    for (absl::string_view item : absl::StrSplit(annotation->second, ',')) {
      ParsePodCidr(absl::StripAsciiWhitespace(item),
                   absl::StrCat("annotation ", kPodCidrsAnnotation), node);
    }
    return;
  }
  for (int i = 0; i < wire.spec().pod_cidrs_size(); ++i) {
    ParsePodCidr(wire.spec().pod_cidrs(i),
                 absl::StrCat("spec.podCIDRs[", i, "]"), node);
  }
  if (wire.spec().pod_cidrs().empty() && !wire.spec().pod_cidr().empty())
    ParsePodCidr(wire.spec().pod_cidr(), "spec.podCIDR", node);
}

}  // namespace

absl::StatusOr<Node> ParseNode(const k8s::Node& wire) {
  Node node;
  node.name = wire.metadata().name();
  if (node.name.empty())
    return absl::InvalidArgumentError("Node without metadata.name");
  for (const k8s::NodeAddress& wire_address : wire.status().addresses()) {
    const bool internal = wire_address.type() == "InternalIP";
    if (!internal && wire_address.type() != "ExternalIP") continue;
    const auto address = IpAddress::Parse(wire_address.address());
    if (!address.ok()) continue;
    (internal ? node.internal_addresses : node.external_addresses)
        .push_back(*address);
  }
  ParsePodCidrs(wire, node);
  node.uninitialized =
      std::any_of(wire.spec().taints().begin(), wire.spec().taints().end(),
                  [](const k8s::Taint& taint) {
                    return taint.key() == kUninitializedTaint;
                  });
  return node;
}

}  // namespace netpol
