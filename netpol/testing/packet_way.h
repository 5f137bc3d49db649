// The way of a packet past a node whose rules are in memory.
#ifndef NETPOL_TESTING_PACKET_WAY_H_
#define NETPOL_TESTING_PACKET_WAY_H_

#include "netpol/base/ip.h"
#include "netpol/explain/packet_simulator.h"
#include "netpol/testing/packet.h"
#include "netpol/testing/reference_evaluator.h"

namespace netpol {

// Whether the node itself has the address.
bool IsAddressOf(const NodeView& node, const IpAddress& address);

// Whether the packet is for what a service proxy may rewrite on its way to the
// node: a port of kube-proxy's default range, 30000 to 32767. Which pod it ends
// at is not known to the rules, and nothing is refused.
bool IsForNodePort(const NodeView& node, const Packet& packet);

// Whether a packet that meets `outcome` goes on: only the host's own rules may
// still stop it.
bool GoesOn(Outcome outcome);

// Whether `rules` let the first packet of a connection through `node`: at the
// hook that its addresses lead to, and with bits in its mark that somebody else
// left behind, which must not matter.
bool LetsThrough(const PacketSimulator& rules, const NodeView& node,
                 const Packet& packet);

}  // namespace netpol

#endif  // NETPOL_TESTING_PACKET_WAY_H_
