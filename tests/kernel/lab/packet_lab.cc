#include "tests/kernel/lab/packet_lab.h"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "tests/kernel/lab/address_bytes.h"
#include "tests/kernel/lab/lab_sysctls.h"

namespace netpol {
namespace {

constexpr int kLoopback = 1;
constexpr int kUplink = 100;  // of the node, the world and each pod
constexpr int kFirstNodeLink = 101;
constexpr int kFirstPod = 1000;

constexpr MacAddress kNodeMac = {0x02, 0, 0, 0, 0, 0x01};
constexpr MacAddress kFarMac = {0x02, 0, 0, 0, 0, 0x02};

// The next hop of every default route: never an address of anybody, only a key
// to the permanent neighbour entry.
IpAddress Gateway(Family family) {
  return family == Family::kIPv4
             ? IpAddress{family, absl::uint128(0xa9fe0101)}  // 169.254.1.1
             : IpAddress{family, absl::MakeUint128(0xfe80ULL << 48, 1)};
}

void AddDefaultRoutes(LinkBatch& links, int index, const MacAddress& far) {
  for (Family family : kFamilies) {
    links.AddNeighbour(index, Gateway(family), far);
    links.AddDefaultRoute(index, Gateway(family));
  }
}

InterfaceAddress Host(const IpAddress& address) {
  return {address, AddressBits(address.family)};
}

absl::StatusOr<std::unique_ptr<RawEndpoint>> MakeEndpoint(bool router) {
  ASSIGN_OR_RETURN(NetNs ns, NetNs::Create());
  RETURN_IF_ERROR(ns.Run([router] { return ApplyLabSysctls(router); }));
  return std::make_unique<RawEndpoint>(std::move(ns));
}

// The link-local address that neighbour discovery needs.
InterfaceAddress LinkLocal(int number) {
  return {{Family::kIPv6,
           absl::MakeUint128(0xfe80ULL << 48, static_cast<uint64_t>(number))},
          64};
}

void AddSubnetAddress(LinkBatch& links, int index,
                      const InterfaceAddress& address) {
  links.AddAddress(index, address);
  if (address.length == AddressBits(address.address.family)) return;
  links.AddRoute(index, IpPrefix::Of(address.address, address.length));
}

// Membership in the groups by which neighbours ask for these addresses (RFC
// 4291 2.7.1), as long as the descriptor is open. The kernel joins them too, in
// a work queue: too late for who asks at once.
absl::StatusOr<FileDescriptor> JoinSolicitedNodes(
    const NetNs& ns, int index, const std::vector<IpAddress>& addresses) {
  FileDescriptor fd;
  RETURN_IF_ERROR(ns.Run([&]() -> absl::Status {
    fd = FileDescriptor(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    for (const IpAddress& address : addresses) {
      if (address.family != Family::kIPv6) continue;
      ipv6_mreq group = {};
      group.ipv6mr_interface = static_cast<unsigned>(index);
      const std::vector<uint8_t> bytes = AddressBytes(
          {Family::kIPv6, absl::MakeUint128(0xff02ULL << 48, 0x1ff000000ULL) |
                              (address.bits() & 0xffffff)});
      memcpy(&group.ipv6mr_multiaddr, bytes.data(), bytes.size());
      if (setsockopt(fd.get(), IPPROTO_IPV6, IPV6_JOIN_GROUP, &group,
                     sizeof(group)) != 0 &&
          errno != EADDRINUSE) {  // of another address that ends alike
        return absl::ErrnoToStatus(errno, "joining a solicited-node group");
      }
    }
    return absl::OkStatus();
  }));
  return fd;
}

absl::Status RaiseFileLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return absl::ErrnoToStatus(errno, "reading the limit of open files");
  }
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return absl::ErrnoToStatus(errno, "raising the limit of open files");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<PacketLab>> PacketLab::Create(
    const LabOptions& options) {
  RETURN_IF_ERROR(RaiseFileLimit());
  ASSIGN_OR_RETURN(std::unique_ptr<RawEndpoint> node, MakeEndpoint(true));
  ASSIGN_OR_RETURN(std::unique_ptr<RawEndpoint> world, MakeEndpoint(false));
  ASSIGN_OR_RETURN(LinkBatch node_links, LinkBatch::Open(node->ns()));
  ASSIGN_OR_RETURN(LinkBatch world_links, LinkBatch::Open(world->ns()));
  ASSIGN_OR_RETURN(std::unique_ptr<Prober> prober,
                   Prober::Create(options.prober));
  std::unique_ptr<PacketLab> lab(
      new PacketLab(std::move(node), std::move(world), std::move(node_links),
                    std::move(world_links), std::move(prober)));
  RETURN_IF_ERROR(lab->BuildUplink(options));
  RETURN_IF_ERROR(lab->BuildLinks(options));
  return lab;
}

PacketLab::PacketLab(std::unique_ptr<RawEndpoint> node,
                     std::unique_ptr<RawEndpoint> world, LinkBatch node_links,
                     LinkBatch world_links, std::unique_ptr<Prober> prober)
    : node_(std::move(node)),
      world_(std::move(world)),
      node_links_(std::move(node_links)),
      world_links_(std::move(world_links)),
      prober_(std::move(prober)),
      next_pod_index_(kFirstPod) {}

absl::Status PacketLab::BuildUplink(const LabOptions& options) {
  link_indices_["eth0"] = kUplink;
  node_links_.SetUp(kLoopback);
  node_links_.AddVeth({"eth0", kUplink, kNodeMac}, {"eth0", kUplink, kFarMac},
                      world_->ns());
  node_links_.SetUp(kUplink);
  RETURN_IF_ERROR(node_links_.Commit());
  world_links_.SetUp(kLoopback);
  world_links_.SetUp(kUplink);
  AddDefaultRoutes(world_links_, kUplink, kNodeMac);
  RETURN_IF_ERROR(world_links_.Commit());
  RETURN_IF_ERROR(node_links_.ActivateLink("eth0"));
  AddDefaultRoutes(node_links_, kUplink, kFarMac);
  RETURN_IF_ERROR(AddNodeAddresses(kUplink, options.uplink_addresses));
  return Annotate(node_links_.Commit(), "building the node's uplink");
}

absl::Status PacketLab::BuildLinks(const LabOptions& options) {
  int index = kFirstNodeLink;
  for (const LabLink& link : options.links) {
    link_indices_[link.name] = index;
    if (link.name == options.bridge) {
      RETURN_IF_ERROR(BuildBridge(link, index++));
      continue;
    }
    // Not a dummy or bridge link: veth is in every kernel that runs pods.
    node_links_.AddVeth({link.name, index, kNodeMac},
                        {link.name, index, kFarMac}, world_->ns());
    node_links_.SetUp(index);
    world_links_.SetUp(index);
    RETURN_IF_ERROR(AddNodeAddresses(index, link.addresses));
    ++index;
  }
  RETURN_IF_ERROR(Annotate(node_links_.Commit(), "building the node's links"));
  return Annotate(world_links_.Commit(), "building the node's links");
}

absl::Status PacketLab::BuildBridge(const LabLink& link, int index) {
  RETURN_IF_ERROR(node().Run([]() -> absl::Status {
    RETURN_IF_ERROR(WriteSysctl("net/bridge/bridge-nf-call-iptables", "1"));
    return WriteSysctl("net/bridge/bridge-nf-call-ip6tables", "1");
  }));
  Bridge bridge;
  bridge.index = index;
  bridge.name = link.name;
  node_links_.AddBridge({link.name, index, kNodeMac});
  node_links_.SetUp(index);
  AddSubnetAddress(node_links_, index, LinkLocal(1));
  for (const std::string& text : link.addresses) {
    ASSIGN_OR_RETURN(const InterfaceAddress address,
                     InterfaceAddress::Parse(text));
    RETURN_IF_ERROR(prober_->Own(address.address, node_.get()));
    AddSubnetAddress(node_links_, index, address);
    bridge.addresses.push_back(address);
  }
  RETURN_IF_ERROR(node_links_.Commit());
  // A solicitation for an anycast address is else answered after a random delay
  // of up to 0.8 seconds (RFC 4861, section 7.2.7).
  RETURN_IF_ERROR(node().Run([&] {
    return WriteSysctl(
        absl::StrCat("net/ipv6/neigh/", link.name, "/proxy_delay"), "0");
  }));
  std::vector<IpAddress> own = {LinkLocal(1).address};
  for (const InterfaceAddress& address : bridge.addresses) {
    own.push_back(address.address);
  }
  ASSIGN_OR_RETURN(bridge.groups, JoinSolicitedNodes(node(), index, own));
  bridge_ = std::move(bridge);
  return absl::OkStatus();
}

absl::Status PacketLab::AddNodeAddresses(
    int index, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    ASSIGN_OR_RETURN(const InterfaceAddress address,
                     InterfaceAddress::Parse(text));
    RETURN_IF_ERROR(prober_->Own(address.address, node_.get()));
    node_links_.AddAddress(index, address);
  }
  return absl::OkStatus();
}

absl::Status PacketLab::AddPod(absl::string_view name,
                               absl::Span<const IpAddress> addresses) {
  const std::string context = absl::StrCat("adding pod ", name);
  if (pods_.contains(name)) {
    return absl::AlreadyExistsError(
        absl::StrCat(context, ": the name is used"));
  }
  Pod pod;
  ASSIGN_OR_RETURN(pod.endpoint, MakeEndpoint(false));
  pod.addresses.assign(addresses.begin(), addresses.end());
  pod.node_index = next_pod_index_++;
  pod.mac = kFarMac;
  if (bridge_) {  // All ports see each other: each needs its own.
    pod.mac[3] = 1;
    pod.mac[4] = static_cast<uint8_t>(pod.node_index >> 8);
    pod.mac[5] = static_cast<uint8_t>(pod.node_index);
  }
  RETURN_IF_ERROR(Annotate(OwnAll(addresses, pod.endpoint.get()), context));
  const absl::Status joined = JoinPod(pod);
  if (!joined.ok()) {
    for (const IpAddress& address : addresses) prober_->Disown(address);
    return Annotate(joined, context);
  }
  pods_.emplace(name, std::move(pod));
  return absl::OkStatus();
}

absl::Status PacketLab::JoinPod(Pod& pod) {
  const NetNs& ns = pod.endpoint->ns();
  ASSIGN_OR_RETURN(LinkBatch links, LinkBatch::Open(ns));
  const std::string name = absl::StrCat("veth", pod.node_index);
  MacAddress node_mac = kNodeMac;
  if (bridge_) {
    node_mac = pod.mac;
    node_mac[2] = 1;
  }
  node_links_.AddVeth({name, pod.node_index, node_mac},
                      {"eth0", kUplink, pod.mac}, ns);
  if (bridge_) node_links_.AddPort(pod.node_index, bridge_->index);
  node_links_.SetUp(pod.node_index);
  RETURN_IF_ERROR(node_links_.Commit());
  links.SetUp(kLoopback);
  links.SetUp(kUplink);
  if (bridge_) {
    BridgePod(pod, links);
  } else {
    RoutePod(pod, links);
  }
  RETURN_IF_ERROR(links.Commit());
  RETURN_IF_ERROR(node_links_.Commit());
  RETURN_IF_ERROR(node_links_.ActivateLink(name));
  if (!bridge_) return absl::OkStatus();
  std::vector<IpAddress> own = pod.addresses;
  own.push_back(LinkLocal(pod.node_index).address);
  ASSIGN_OR_RETURN(pod.groups, JoinSolicitedNodes(ns, kUplink, own));
  return node_links_.ActivateLink(bridge_->name);
}

void PacketLab::RoutePod(const Pod& pod, LinkBatch& links) {
  AddDefaultRoutes(links, kUplink, kNodeMac);
  for (const IpAddress& address : pod.addresses) {
    links.AddAddress(kUplink, Host(address));
    node_links_.AddNeighbour(pod.node_index, address, pod.mac);
    node_links_.AddHostRoute(pod.node_index, address);
  }
}

void PacketLab::BridgePod(const Pod& pod, LinkBatch& links) {
  AddSubnetAddress(links, kUplink, LinkLocal(pod.node_index));
  for (const InterfaceAddress& gateway : bridge_->addresses) {
    for (const IpAddress& address : pod.addresses) {
      if (address.family != gateway.address.family) continue;
      links.AddAddress(kUplink, {address, gateway.length});
    }
    links.AddRoute(kUplink, IpPrefix::Of(gateway.address, gateway.length));
    links.AddDefaultRoute(kUplink, gateway.address);
  }
}

absl::Status PacketLab::DelPod(absl::string_view name) {
  const auto it = pods_.find(name);
  if (it == pods_.end()) {
    return absl::NotFoundError(
        absl::StrCat("deleting pod ", name, ": there is no such pod"));
  }
  // The link first: the namespace itself goes later, when the kernel likes.
  node_links_.DeleteLink(it->second.node_index);
  const absl::Status status = node_links_.Commit();
  for (const IpAddress& address : it->second.addresses) {
    prober_->Disown(address);
  }
  pods_.erase(it);
  return Annotate(status, absl::StrCat("deleting pod ", name));
}

absl::Status PacketLab::AddRemote(absl::Span<const IpAddress> addresses) {
  RETURN_IF_ERROR(Annotate(OwnAll(addresses, world_.get()), "adding remotes"));
  for (const IpAddress& address : addresses) {
    world_links_.AddAddress(kUplink, Host(address));
  }
  return Annotate(world_links_.Commit(), "adding remotes");
}

absl::Status PacketLab::AddNodeAddress(absl::string_view link,
                                       absl::string_view address) {
  const auto it = link_indices_.find(link);
  if (it == link_indices_.end()) {
    return absl::NotFoundError(
        absl::StrCat("adding address ", address, ": no link ", link));
  }
  RETURN_IF_ERROR(AddNodeAddresses(it->second, {std::string(address)}));
  return node_links_.Commit();
}

absl::Status PacketLab::Own(absl::Span<const IpAddress> addresses,
                            RawEndpoint* endpoint) {
  return OwnAll(addresses, endpoint == nullptr ? node_.get() : endpoint);
}

absl::Status PacketLab::OwnAll(absl::Span<const IpAddress> addresses,
                               RawEndpoint* endpoint) {
  for (size_t i = 0; i < addresses.size(); ++i) {
    const absl::Status status = prober_->Own(addresses[i], endpoint);
    if (status.ok()) continue;
    for (size_t j = 0; j < i; ++j) prober_->Disown(addresses[j]);
    return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ProbeOutcome>> PacketLab::Probe(
    absl::Span<const ProbeSpec> specs) {
  return prober_->Probe(specs);
}

absl::StatusOr<ProbeOutcome> PacketLab::ProbeOne(const ProbeSpec& spec) {
  ASSIGN_OR_RETURN(const std::vector<ProbeOutcome> outcomes,
                   prober_->Probe(absl::MakeConstSpan(&spec, 1)));
  return outcomes.front();
}

UdpFlow PacketLab::OpenUdpFlow(const IpAddress& source,
                               const IpAddress& destination, uint16_t port) {
  return UdpFlow(prober_.get(), Flow{source, destination, IPPROTO_UDP,
                                     prober_->NextPort(), port});
}

const NetNs* PacketLab::OwnerOf(const IpAddress& address) const {
  const RawEndpoint* owner = prober_->OwnerOf(address);
  return owner == nullptr ? nullptr : &owner->ns();
}

absl::Status PacketLab::RunOnNode(const std::function<void()>& work) const {
  return node().Run([&work] {
    work();
    return absl::OkStatus();
  });
}

absl::StatusOr<ProgramResult> PacketLab::ExecOnNode(
    const Program& program) const {
  return RunProgram(node(), program);
}

absl::StatusOr<std::unique_ptr<NodeProcess>> PacketLab::StartOnNode(
    const Program& program, const std::string& log_path) const {
  return NodeProcess::Start(node(), program, log_path);
}

}  // namespace netpol
