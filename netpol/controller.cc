#include "netpol/controller.h"

#include <malloc.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "netpol/base/scoped_timer.h"
#include "netpol/base/status_macros.h"
#include "netpol/policy/parse.h"
#include "netpol/policy/parse_node.h"

namespace netpol {
namespace {

bool HasCidrOf(const Node& node, Family family) {
  return std::any_of(
      node.pod_cidrs.begin(), node.pod_cidrs.end(),
      [&](const IpPrefix& prefix) { return prefix.family() == family; });
}

absl::StatusOr<ObjectKey> KeyOf(const k8s::ObjectMeta& meta) {
  if (meta.name().empty() || meta.namespace_().empty())
    return absl::InvalidArgumentError("DELETE without namespace and name");
  return ObjectKey{meta.namespace_(), meta.name()};
}

absl::StatusOr<ListedKind> ListedKindOf(const v1::WatchEvent& event) {
  switch (event.listed_kind()) {
    case v1::WatchEvent::NAMESPACE:
      return ListedKind::kNamespaces;
    case v1::WatchEvent::POD:
      return ListedKind::kPods;
    case v1::WatchEvent::NODE:
      return ListedKind::kNodes;
    case v1::WatchEvent::NETWORK_POLICY:
      return ListedKind::kPolicies;
    default:
      return absl::InvalidArgumentError("LISTED or LISTING without a kind");
  }
}

}  // namespace

absl::Status Controller::CheckOptions(const ControllerOptions& options) {
  if (options.node_name.empty()) {
    return absl::InvalidArgumentError(
        "the node's name is empty: without it no pod is known to be local");
  }
  const LayoutOptions& layout = options.layout;
  if (layout.families.empty()) {
    return absl::InvalidArgumentError("neither IPv4 nor IPv6 is enabled");
  }
  if (layout.families.size() > 1 && layout.families[0] == layout.families[1]) {
    return absl::InvalidArgumentError("a family is enabled twice");
  }
  if (layout.allowed_mark == 0 || layout.passed_mark == 0 ||
      (layout.allowed_mark & layout.passed_mark) != 0) {
    return absl::InvalidArgumentError(
        "the two packet marks must be different bits");
  }
  if (layout.node_ports.first == 0 ||
      layout.node_ports.last < layout.node_ports.first) {
    return absl::InvalidArgumentError("the node port range is empty");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Controller>> Controller::Create(
    ControllerOptions options, std::unique_ptr<Dataplane> dataplane) {
  RETURN_IF_ERROR(CheckOptions(options));
  return absl::WrapUnique(
      new Controller(std::move(options), std::move(dataplane)));
}

Controller::Controller(ControllerOptions options,
                       std::unique_ptr<Dataplane> dataplane)
    : options_(std::move(options)),
      dataplane_(std::move(dataplane)),
      state_(options_.node_name),
      compiler_(options_.layout, &state_),
      engine_(dataplane_.get(), options_.layout.families) {}

absl::Status Controller::OnEvent(const v1::WatchEvent& event) {
  switch (event.type()) {
    case v1::WatchEvent::UPSERT:
      return OnUpsert(event);
    case v1::WatchEvent::DELETE:
      return OnDelete(event);
    case v1::WatchEvent::LISTED:
      return OnListed(event);
    case v1::WatchEvent::LISTING:
      return OnListing(event);
    default:
      return absl::InvalidArgumentError("event without a type");
  }
}

absl::Status Controller::OnUpsert(const v1::WatchEvent& event) {
  switch (event.object_case()) {
    case v1::WatchEvent::kNamespace: {
      ASSIGN_OR_RETURN(const Namespace ns, ParseNamespace(event.namespace_()));
      state_.UpsertNamespace(ns);
      return absl::OkStatus();
    }
    case v1::WatchEvent::kPod: {
      ASSIGN_OR_RETURN(Pod pod, ParsePod(event.pod()));
      state_.UpsertPod(std::move(pod));
      return absl::OkStatus();
    }
    case v1::WatchEvent::kNetworkPolicy: {
      ASSIGN_OR_RETURN(NetworkPolicy policy,
                       ParseNetworkPolicy(event.network_policy()));
      if (policy.problems.empty()) {
        problems_.erase(policy.key);
      } else {
        problems_[policy.key] = policy.problems;
      }
      state_.UpsertPolicy(std::move(policy));
      return absl::OkStatus();
    }
    case v1::WatchEvent::kNode: {
      ASSIGN_OR_RETURN(const Node node, ParseNode(event.node()));
      state_.UpsertNode(node);
      return absl::OkStatus();
    }
    default:
      return absl::InvalidArgumentError("UPSERT without an object");
  }
}

absl::Status Controller::OnDelete(const v1::WatchEvent& event) {
  switch (event.object_case()) {
    case v1::WatchEvent::kNamespace: {
      const std::string& name = event.namespace_().metadata().name();
      if (name.empty())
        return absl::InvalidArgumentError("DELETE of a namespace without name");
      state_.DeleteNamespace(name);
      return absl::OkStatus();
    }
    case v1::WatchEvent::kPod: {
      ASSIGN_OR_RETURN(const ObjectKey key, KeyOf(event.pod().metadata()));
      state_.DeletePod(key);
      return absl::OkStatus();
    }
    case v1::WatchEvent::kNetworkPolicy: {
      ASSIGN_OR_RETURN(const ObjectKey key,
                       KeyOf(event.network_policy().metadata()));
      problems_.erase(key);
      state_.DeletePolicy(key);
      return absl::OkStatus();
    }
    case v1::WatchEvent::kNode: {
      const std::string& name = event.node().metadata().name();
      if (name.empty())
        return absl::InvalidArgumentError("DELETE of a node without name");
      state_.DeleteNode(name);
      return absl::OkStatus();
    }
    default:
      return absl::InvalidArgumentError("DELETE without an object");
  }
}

absl::Status Controller::OnListing(const v1::WatchEvent& event) {
  ASSIGN_OR_RETURN(const ListedKind kind, ListedKindOf(event));
  state_.BeginListing(kind);
  return absl::OkStatus();
}

absl::Status Controller::OnListed(const v1::WatchEvent& event) {
  ASSIGN_OR_RETURN(const ListedKind kind, ListedKindOf(event));
  if (event.incomplete()) state_.CancelListing(kind);
  const std::vector<ObjectKey> gone = state_.EndListing(kind);
  switch (kind) {
    case ListedKind::kNamespaces:
      namespaces_listed_ = true;
      break;
    case ListedKind::kPods:
      pods_listed_ = true;
      break;
    case ListedKind::kNodes:
      nodes_listed_ = true;
      break;
    case ListedKind::kPolicies:
      policies_listed_ = true;
      for (const ObjectKey& policy : gone) problems_.erase(policy);
      break;
  }
  return absl::OkStatus();
}

absl::Status Controller::CheckKnown() const {
  const bool needs_nodes =
      options_.layout.default_deny || options_.require_node;
  std::vector<absl::string_view> missing;
  if (!namespaces_listed_) missing.push_back("namespaces");
  if (!pods_listed_) missing.push_back("pods");
  if (!policies_listed_) missing.push_back("network policies");
  if (!nodes_listed_ && needs_nodes) missing.push_back("nodes");
  if (!missing.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("not all objects are known yet; still to be listed: ",
                     absl::StrJoin(missing, ", ")));
  }
  // Once it was there, enforcement does not end with it.
  return options_.require_node && !started_ ? CheckNode() : absl::OkStatus();
}

absl::Status Controller::CheckNode() const {
  if (state_.own_node() == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("there is no Node object \"", options_.node_name,
                     "\"; if that is not this node's name, give it with "
                     "--hostname-override or NODE_NAME"));
  }
  if (state_.own_node()->uninitialized) {
    return absl::FailedPreconditionError(absl::StrCat(
        "Node ", options_.node_name,
        " still has the taint node.cloudprovider.kubernetes.io/uninitialized, "
        "which the cloud controller manager of the cluster takes away"));
  }
  return absl::OkStatus();
}

absl::Status Controller::StageChanges() {
  RETURN_IF_ERROR(CheckKnown());
  engine_.Stage(compiler_.Compile(state_.TakeDirty()));
  return absl::OkStatus();
}

absl::StatusOr<SyncReport> Controller::Sync() {
  absl::Duration preparing;
  {
    const ScopedTimer timer(preparing);
    RETURN_IF_ERROR(StageChanges());
  }
  absl::StatusOr<SyncReport> report = engine_.Sync();
  if (report.ok()) report->times.preparing = preparing;
  if (report.ok() && !started_) {
    started_ = true;
    // A start needs for a moment a third more than what stays; the allocator
    // would keep it.
    malloc_trim(0);
  }
  return report;
}

absl::StatusOr<Plan> Controller::Preview() {
  RETURN_IF_ERROR(StageChanges());
  return engine_.Preview();
}

void Controller::AppendDefaultDenyProblems(
    std::vector<std::string>& problems) const {
  const Node* node = state_.own_node();
  std::vector<absl::string_view> without;
  for (Family family : options_.layout.families) {
    if (node == nullptr || !HasCidrOf(*node, family))
      without.push_back(FamilyName(family));
  }
  if (without.empty()) return;
  const std::string what =
      node == nullptr
          ? absl::StrCat("there is no Node object ", options_.node_name)
          : absl::StrCat("Node ", options_.node_name, " has no pod CIDR of it");
  problems.push_back(absl::StrCat(
      "--netpol-default-deny is without effect for ",
      absl::StrJoin(without, " and "), ": ", what,
      ", so pods may pass unjudged while they start; the rest is enforced; "
      "give the Node spec.podCIDRs or the annotation kube-router.io/pod-cidrs, "
      "or this node's name with --hostname-override"));
}

std::vector<std::string> Controller::node_problems() const {
  std::vector<std::string> problems;
  if (!CheckKnown().ok()) return problems;
  const Node* node = state_.own_node();
  if (options_.layout.default_deny) {
    if (node != nullptr) {
      for (const std::string& problem : node->problems) {
        problems.push_back(
            absl::StrCat("Node ", node->name, ": ", problem,
                         "; --netpol-default-deny leaves that pod CIDR out"));
      }
    }
    AppendDefaultDenyProblems(problems);
  }
  if (!node_addresses_.empty()) AppendAddressProblems(problems);
  return problems;
}

void Controller::AppendAddressProblems(
    std::vector<std::string>& problems) const {
  for (const IpAddress& address : node_addresses_) {
    const Pod* pod = state_.LocalOwner(address);
    if (pod == nullptr) continue;
    problems.push_back(absl::StrCat(
        "pod ", pod->key.ToString(), " claims ", address.ToString(),
        ", which is an address of node ", options_.node_name,
        " itself: the node's traffic is not judged by the pod's policies; if "
        "the pod is on the host's network, its spec.hostNetwork should say "
        "so"));
  }
  const Node* node = state_.own_node();
  if (node == nullptr || node->internal_addresses.empty()) return;
  for (const IpAddress& address : node->internal_addresses) {
    if (std::find(node_addresses_.begin(), node_addresses_.end(), address) !=
        node_addresses_.end()) {
      return;
    }
  }
  problems.push_back(absl::StrCat(
      "none of the InternalIPs of Node ", node->name, " (",
      absl::StrJoin(node->internal_addresses, ", ",
                    [](std::string* out, const IpAddress& address) {
                      absl::StrAppend(out, address.ToString());
                    }),
      ") is an address of this machine; if this is another node, give its "
      "name with --hostname-override"));
}

ControllerCounts Controller::counts() const {
  ControllerCounts counts;
  counts.namespaces = state_.namespace_count();
  counts.pods = state_.pod_count();
  counts.local_pods = state_.local_pod_count();
  counts.policies = state_.policy_count();
  counts.sets = engine_.wanted_sets();
  counts.chains = engine_.wanted_chains();
  counts.rules = engine_.wanted_rules();
  return counts;
}

}  // namespace netpol
