// Another node, behind a VXLAN tunnel.
#ifndef NETPOL_TESTS_KERNEL_LAB_TUNNEL_NODE_H_
#define NETPOL_TESTS_KERNEL_LAB_TUNNEL_NODE_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "netpol/base/ip.h"
#include "tests/kernel/lab/packet_lab.h"
#include "tests/kernel/lab/raw_endpoint.h"

namespace netpol {

// A node of its own next to that of a lab, as an overlay network joins them:
//
//   lab's node  eth1 172.32.0.1 --- 172.32.0.2 eth1  this node
//        flannel.1 ==== VXLAN, UDP port 8472 ==== flannel.1
//
// Both ends of the tunnel have addresses (kNodeEnds at the lab's), and all
// packets to and from the pods of this node go through it.
//
// Thread-compatible. Must outlive every use of the lab.
class TunnelNode {
 public:
  static constexpr const char* kNodeEnds[] = {"10.42.0.0", "fd00:42::"};
  static constexpr const char* kUnderlayOfNode = "172.32.0.1";
  static constexpr const char* kUnderlay = "172.32.0.2";

  // `lab` is borrowed.
  static absl::StatusOr<std::unique_ptr<TunnelNode>> Create(PacketLab* lab);

  TunnelNode(const TunnelNode&) = delete;
  TunnelNode& operator=(const TunnelNode&) = delete;

  // Pods of this node, known to the lab as owners of their addresses.
  absl::Status AddPods(absl::Span<const IpAddress> addresses);

  const NetNs& ns() const { return endpoint_.ns(); }

 private:
  TunnelNode(PacketLab* lab, NetNs ns, LinkBatch here, LinkBatch there)
      : lab_(lab),
        endpoint_(std::move(ns)),
        here_(std::move(here)),
        there_(std::move(there)) {}

  absl::Status Build();

  PacketLab* lab_;
  RawEndpoint endpoint_;
  LinkBatch here_;   // the lab's node
  LinkBatch there_;  // this one
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_TUNNEL_NODE_H_
