// The fixed part of the rule layout, and the names of the rest.
//
// A packet enters by KUBE-ROUTER-INPUT, -FORWARD or -OUTPUT. A forwarded one of
// a known connection leaves at once: if it is of a pod of this node it passes
// (KUBE-POD-FW-ESTABLISHED), else the rules of others decide. Only packets from
// or to a pod of this node (set kube-router-local-pods) go on: by source into
// KUBE-POD-FW-EGRESS, by destination into KUBE-POD-FW-INGRESS. Each of the two
// judges what needs no policy (KUBE-NWPLCY-COMMON), then sends isolated pods to
// a chain of their own by their address, through a tree if there are many.
//
// What the node itself sends to its pods (hook OUTPUT, a source that is the
// node's) passes in KUBE-POD-FW-NODE and is not judged: only there, since a
// source says nothing in a packet that comes from elsewhere.
//
// With default_deny, KUBE-NWPLCY-TAIL refuses new connections from and to
// addresses within the node's pod CIDRs (set kube-router-pod-cidrs) that are no
// known pod's, but for those of the node itself.
#ifndef NETPOL_COMPILE_LAYOUT_H_
#define NETPOL_COMPILE_LAYOUT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"
#include "netpol/policy/object_key.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"

namespace netpol {

enum class Direction : uint8_t { kIngress = 0, kEgress = 1 };

inline constexpr Direction kDirections[] = {Direction::kIngress,
                                            Direction::kEgress};

// "ingress" or "egress".
absl::string_view DirectionName(Direction direction);

// How ICMP is judged that no connection belongs to.
enum class IcmpMode : uint8_t {
  // Echo requests and errors pass to and from every pod, as in kube-router.
  kKubeRouter,
  // As any other protocol: only rules without ports allow it. Neighbour
  // discovery passes.
  kPolicy,
};

struct LayoutOptions {
  std::vector<Family> families = {Family::kIPv4};
  // Packet mark bits; other bits are never touched.
  uint32_t allowed_mark = 0x10000;  // allowed in the direction being judged
  uint32_t passed_mark = 0x20000;   // judged, and not refused
  uint16_t log_group = 100;
  IcmpMode icmp = IcmpMode::kKubeRouter;
  // A pod that more policies than this select in a direction has one chain for
  // all: what they allow is joined where it is of the same ports. Fewer have
  // chains of their own, which all their pods share.
  size_t most_chains_in_a_row = 4;
  // Refuse what is within this node's pod CIDRs and no known pod's address.
  bool default_deny = false;
  // Destinations on this node for which egress is not judged, since a service
  // proxy will rewrite them: service addresses and node ports.
  std::vector<IpPrefix> cluster_ip_ranges;
  std::vector<IpPrefix> external_ip_ranges;
  std::vector<IpPrefix> load_balancer_ip_ranges;
  PortRange node_ports = {30000, 32767};
};

ChainName CommonChain();
// Marks a packet as allowed; rules that allow go to it.
ChainName AllowChain();
ChainName TailChain();
// Where forwarded packets of known connections go: those of local pods pass.
ChainName EstablishedChain();
// Where packets to local pods are looked at that leave by OUTPUT.
ChainName FromNodeChain();
// Where packets from (egress) or to (ingress) local pods are judged.
ChainName RootChain(Direction direction);
ChainName DispatchChain(Direction direction, const IpPrefix& prefix);
ChainName PodChain(const ObjectKey& pod, Direction direction, Family family);
ChainName PolicyChain(const ObjectKey& policy, Direction direction,
                      Family family);
// Runs the chains of several policies, or is a chain for all of them; see
// LayoutOptions::most_chains_in_a_row.
ChainName GroupChain(const std::vector<ObjectKey>& policies,
                     Direction direction, Family family);

SetName LocalPodsSet(Family family);
// Exists with default_deny; see SetEffect::kRefuses.
SetName PodCidrsSet(Family family);

// Every chain that does not depend on pods or policies, but the root chains.
std::vector<Chain> FixedChains(const LayoutOptions& options, Family family);

// The rules at the head of a root chain, before the dispatch.
std::vector<Rule> RootChainHead(const LayoutOptions& options);

// The match on an address that the node answers to.
LocalAddressMatch NodeAddress(Family family, Side side, bool negated = false);

// The match that a rule has allowed the packet in the direction being judged.
MarkMatch AllowedMark(const LayoutOptions& options);

}  // namespace netpol

#endif  // NETPOL_COMPILE_LAYOUT_H_
