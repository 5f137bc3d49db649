#include "tests/kernel/lab/tunnel_node.h"

#include <utility>

#include "netpol/base/status_macros.h"
#include "tests/kernel/lab/lab_sysctls.h"
#include "tests/kernel/lab/link_batch.h"

namespace netpol {
namespace {

constexpr int kUnderlayLink = 200;
constexpr int kTunnelLink = 201;
constexpr uint32_t kVni = 1;
constexpr MacAddress kHereMac = {0x02, 0, 0, 0, 2, 1};
constexpr MacAddress kThereMac = {0x02, 0, 0, 0, 2, 2};

IpAddress Ip(absl::string_view text) { return *IpAddress::Parse(text); }

InterfaceAddress Host(const IpAddress& address) {
  return {address, AddressBits(address.family)};
}

// One end: an underlay address, the way to the other, and the tunnel.
void AddEnd(LinkBatch& links, const MacAddress& mac, const MacAddress& far_mac,
            const IpAddress& here, const IpAddress& there) {
  links.SetUp(kUnderlayLink);
  links.AddAddress(kUnderlayLink, Host(here));
  links.AddNeighbour(kUnderlayLink, there, far_mac);
  links.AddHostRoute(kUnderlayLink, there);
  links.AddVxlan({"flannel.1", kTunnelLink, mac}, kVni, here, there);
  links.SetUp(kTunnelLink);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TunnelNode>> TunnelNode::Create(PacketLab* lab) {
  ASSIGN_OR_RETURN(NetNs ns, NetNs::Create());
  RETURN_IF_ERROR(ns.Run([] { return ApplyLabSysctls(/*router=*/true); }));
  ASSIGN_OR_RETURN(LinkBatch here, LinkBatch::Open(lab->node()));
  ASSIGN_OR_RETURN(LinkBatch there, LinkBatch::Open(ns));
  std::unique_ptr<TunnelNode> node(
      new TunnelNode(lab, std::move(ns), std::move(here), std::move(there)));
  RETURN_IF_ERROR(Annotate(node->Build(), "building a node behind a tunnel"));
  return node;
}

absl::Status TunnelNode::Build() {
  here_.AddVeth({"eth1", kUnderlayLink, kHereMac},
                {"eth1", kUnderlayLink, kThereMac}, ns());
  AddEnd(here_, kHereMac, kThereMac, Ip(kUnderlayOfNode), Ip(kUnderlay));
  for (const char* end : kNodeEnds) {
    here_.AddAddress(kTunnelLink, Host(Ip(end)));
  }
  RETURN_IF_ERROR(here_.Commit());
  there_.SetUp(1);
  AddEnd(there_, kThereMac, kHereMac, Ip(kUnderlay), Ip(kUnderlayOfNode));
  for (const char* end : kNodeEnds) {
    const IpAddress gateway = Ip(end);
    there_.AddNeighbour(kTunnelLink, gateway, kHereMac);
    there_.AddDefaultRoute(kTunnelLink, gateway);
  }
  RETURN_IF_ERROR(there_.Commit());
  RETURN_IF_ERROR(here_.ActivateLink("eth1"));
  RETURN_IF_ERROR(there_.ActivateLink("eth1"));
  for (const char* end : kNodeEnds) {
    RETURN_IF_ERROR(lab_->Own({Ip(end)}, nullptr));
  }
  return lab_->Own({Ip(kUnderlayOfNode)}, nullptr);
}

absl::Status TunnelNode::AddPods(absl::Span<const IpAddress> addresses) {
  RETURN_IF_ERROR(lab_->Own(addresses, &endpoint_));
  for (const IpAddress& address : addresses) {
    there_.AddAddress(kTunnelLink, Host(address));
    here_.AddNeighbour(kTunnelLink, address, kThereMac);
    here_.AddHostRoute(kTunnelLink, address);
  }
  RETURN_IF_ERROR(there_.Commit());
  return here_.Commit();
}

}  // namespace netpol
