// A node, its pods and the rest of the world, with real packets between them.
#ifndef NETPOL_TESTS_KERNEL_LAB_PACKET_LAB_H_
#define NETPOL_TESTS_KERNEL_LAB_PACKET_LAB_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "netpol/base/ip.h"
#include "tests/kernel/lab/file_descriptor.h"
#include "tests/kernel/lab/link_batch.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/node_process.h"
#include "tests/kernel/lab/prober.h"
#include "tests/kernel/lab/raw_endpoint.h"
#include "tests/kernel/lab/udp_flow.h"

namespace netpol {

// A link of the node that only bears addresses, each as "address/length". It is
// a veth end whose other end, of the same name, idles in the world.
struct LabLink {
  std::string name;
  std::vector<std::string> addresses;
};

struct LabOptions {
  // On the link to the world, "eth0".
  std::vector<std::string> uplink_addresses = {"172.31.0.1/24",
                                               "fd00:31::1/64"};
  // As a bridge for pods and an overlay tunnel would bring them.
  std::vector<LabLink> links = {
      {"kube-bridge", {"10.42.0.1/24", "fd00:42::1/64"}},
      {"lab-tunnel", {"10.42.0.0/32"}},
  };
  // The name of one of `links`: that one is a real bridge then, and the veth
  // ends of all pods are its ports.
  std::string bridge;
  ProberOptions prober;
};

// Three kinds of network namespaces: the node, which routes for both families
// and where the rules under test go; one per pod, joined to the node by a veth
// pair and a host route per address; and the world behind the node's uplink,
// which owns every remote address (pods of other nodes, other nodes,
// strangers).
//
//   pod eth0 --- vethN  node  eth0 --- eth0 world
//
// With LabOptions::bridge the pods share the bridge's subnets instead, find
// each other and the node by ARP and neighbour discovery, and reach all else by
// the bridge's addresses; what crosses the bridge meets the rules of iptables
// (bridge-nf-call-iptables and -ip6tables).
//
//   pod eth0 --- vethN  bridge  node  eth0 --- eth0 world
//
// Elsewhere no address is ever resolved (permanent neighbours). No IPv6 address
// waits for duplicate detection, no ICMP error is rate limited, so what a probe
// meets is the rules and nothing else. Everything vanishes with this object, or
// with the process however it ends (see NetNs).
//
// Thread-compatible. Needs CAP_SYS_ADMIN and CAP_NET_ADMIN: see
// MayMakeNamespaces(). Raises the soft limit of open files to the hard one: a
// pod that is probed in every way holds eleven.
class PacketLab {
 public:
  static absl::StatusOr<std::unique_ptr<PacketLab>> Create(
      const LabOptions& options = LabOptions());

  PacketLab(const PacketLab&) = delete;
  PacketLab& operator=(const PacketLab&) = delete;

  // AlreadyExists if the name, or one of the addresses, is in use.
  absl::Status AddPod(absl::string_view name,
                      absl::Span<const IpAddress> addresses);
  // NotFound if there is no such pod.
  absl::Status DelPod(absl::string_view name);

  // Gives the world these addresses. AlreadyExists if one is in use.
  absl::Status AddRemote(absl::Span<const IpAddress> addresses);

  // Gives a link of the node ("eth0", or one of LabOptions::links) another
  // address, as "address/length".
  absl::Status AddNodeAddress(absl::string_view link,
                              absl::string_view address);

  // For addresses that somebody else set up: `endpoint`, which is borrowed for
  // good, or else the node sends from and hears for them. AlreadyExists if one
  // is in use.
  absl::Status Own(absl::Span<const IpAddress> addresses,
                   RawEndpoint* endpoint);

  // See Prober. Sources and destinations may be addresses of pods, of the node
  // (not of its loopback) and of the world.
  absl::StatusOr<std::vector<ProbeOutcome>> Probe(
      absl::Span<const ProbeSpec> specs);
  absl::StatusOr<ProbeOutcome> ProbeOne(const ProbeSpec& spec);

  // A conversation from a fresh port of `source` to `port` of `destination`,
  // both in the lab. Nothing is sent yet. Must not outlive the lab.
  UdpFlow OpenUdpFlow(const IpAddress& source, const IpAddress& destination,
                      uint16_t port);

  // The namespaces, to open sockets in or to run programs in. `OwnerOf` is null
  // if no pod, node or remote has the address; DelPod ends a pod's.
  const NetNs& node() const { return node_->ns(); }
  const NetNs* OwnerOf(const IpAddress& address) const;

  // Runs `work` in a thread of its own in the node's namespace, and waits.
  absl::Status RunOnNode(const std::function<void()>& work) const;
  absl::StatusOr<ProgramResult> ExecOnNode(const Program& program) const;
  absl::StatusOr<std::unique_ptr<NodeProcess>> StartOnNode(
      const Program& program, const std::string& log_path = "") const;

 private:
  struct Pod {
    std::unique_ptr<RawEndpoint> endpoint;
    std::vector<IpAddress> addresses;
    int node_index = 0;  // of its veth end in the node
    MacAddress mac = {};
    FileDescriptor groups;  // membership in those of neighbour discovery
  };

  // The bridge that pods are joined to, if there is one.
  struct Bridge {
    int index = 0;
    std::string name;
    std::vector<InterfaceAddress> addresses;
    FileDescriptor groups;
  };

  PacketLab(std::unique_ptr<RawEndpoint> node,
            std::unique_ptr<RawEndpoint> world, LinkBatch node_links,
            LinkBatch world_links, std::unique_ptr<Prober> prober);

  absl::Status BuildUplink(const LabOptions& options);
  absl::Status BuildLinks(const LabOptions& options);
  absl::Status AddNodeAddresses(int index,
                                const std::vector<std::string>& texts);
  absl::Status BuildBridge(const LabLink& link, int index);
  absl::Status JoinPod(Pod& pod);
  void RoutePod(const Pod& pod, LinkBatch& links);
  void BridgePod(const Pod& pod, LinkBatch& links);
  // All or none.
  absl::Status OwnAll(absl::Span<const IpAddress> addresses,
                      RawEndpoint* endpoint);

  std::unique_ptr<RawEndpoint> node_;
  std::unique_ptr<RawEndpoint> world_;
  LinkBatch node_links_;
  LinkBatch world_links_;
  std::unique_ptr<Prober> prober_;
  absl::flat_hash_map<std::string, Pod> pods_;
  absl::flat_hash_map<std::string, int> link_indices_;  // of the node
  absl::optional<Bridge> bridge_;
  int next_pod_index_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_PACKET_LAB_H_
