#include "netpol/daemon/offline_explanation.h"

#include <algorithm>

#include "netpol/base/status_macros.h"
#include "netpol/daemon/explain_kernel.h"
#include "netpol/explain/planned_snapshot.h"

namespace netpol {
namespace {

// Sizes of a node's share of the pod network, by Family: the defaults of
// kube-controller-manager (--node-cidr-mask-size-ipv4, -ipv6).
constexpr int kUsualLength[] = {24, 64};

void Take(const IpAddress& address, std::vector<IpAddress>& addresses) {
  if (std::find(addresses.begin(), addresses.end(), address) ==
      addresses.end()) {
    addresses.push_back(address);
  }
}

void AssumeFrom(const IpPrefix& pod_cidr, const ClusterState& state,
                std::vector<IpAddress>& assumed) {
  for (int i = 0; i < 2; ++i) {
    const IpAddress address{pod_cidr.family(), pod_cidr.First().bits() + i};
    if (pod_cidr.Contains(address) && state.OwnersOf(address).empty())
      Take(address, assumed);
  }
}

// The blocks of the usual size that the pod is in.
void AppendBlocks(const k8s::Pod& pod, std::vector<IpPrefix>& blocks) {
  if (pod.spec().host_network()) return;
  for (const k8s::PodIP& pod_ip : pod.status().pod_ips()) {
    const absl::StatusOr<IpAddress> address = IpAddress::Parse(pod_ip.ip());
    if (!address.ok()) continue;
    blocks.push_back(IpPrefix::Of(
        *address, kUsualLength[static_cast<int>(address->family)]));
  }
}

}  // namespace

ExplainContext ContextOf(const Controller& controller,
                         const std::vector<v1::WatchEvent>& objects) {
  ExplainContext context;
  context.node_name = controller.options().node_name;
  context.layout = controller.options().layout;
  std::vector<IpAddress>& known = context.node_addresses;
  std::vector<IpPrefix> pod_cidrs;
  std::vector<IpPrefix> blocks;
  if (const Node* node = controller.state().own_node()) {
    for (const IpAddress& address : node->internal_addresses)
      Take(address, known);
    for (const IpAddress& address : node->external_addresses)
      Take(address, known);
    pod_cidrs = node->pod_cidrs;
  }
  for (const v1::WatchEvent& event : objects) {
    const k8s::Pod& pod = event.pod();
    if (pod.spec().node_name() != context.node_name) continue;
    const absl::StatusOr<IpAddress> host =
        IpAddress::Parse(pod.status().host_ip());
    if (host.ok()) Take(*host, known);
    AppendBlocks(pod, blocks);
  }
  for (const IpPrefix& pod_cidr : pod_cidrs.empty() ? blocks : pod_cidrs)
    AssumeFrom(pod_cidr, controller.state(), context.assumed_addresses);
  return context;
}

absl::StatusOr<v1::Explanation> ExplainOffline(
    const v1::ExplainRequest& request, const ExplainContext& context,
    Controller& controller) {
  ASSIGN_OR_RETURN(const Plan plan, controller.Preview());
  ASSIGN_OR_RETURN(v1::Explanation explanation,
                   ExplainByPolicies(request, controller.state(), context));
  explanation.set_offline(true);
  RETURN_IF_ERROR(AddKernelPart(PlannedSnapshot(plan), explanation));
  return explanation;
}

}  // namespace netpol
