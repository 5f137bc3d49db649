#include "netpol/testing/packet_way.h"

#include <algorithm>

namespace netpol {
namespace {

constexpr int kFirstNodePort = 30000;
constexpr int kLastNodePort = 32767;

}  // namespace

bool IsAddressOf(const NodeView& node, const IpAddress& address) {
  return std::find(node.addresses.begin(), node.addresses.end(), address) !=
         node.addresses.end();
}

bool IsForNodePort(const NodeView& node, const Packet& packet) {
  return packet.destination_port >= kFirstNodePort &&
         packet.destination_port <= kLastNodePort &&
         IsAddressOf(node, packet.destination);
}

bool GoesOn(Outcome outcome) {
  return outcome == Outcome::kAccepted || outcome == Outcome::kFellThrough;
}

bool LetsThrough(const PacketSimulator& rules, const NodeView& node,
                 const Packet& packet) {
  SimulatedPacket simulated;
  simulated.source = packet.source;
  simulated.destination = packet.destination;
  simulated.protocol = packet.protocol;
  simulated.destination_port = packet.destination_port;
  simulated.source_local = IsAddressOf(node, packet.source);
  simulated.destination_local = IsAddressOf(node, packet.destination);
  simulated.mark = 0x30000;
  const Hook hook = simulated.source_local        ? Hook::kOutput
                    : simulated.destination_local ? Hook::kInput
                                                  : Hook::kForward;
  return GoesOn(rules.Decide(hook, simulated));
}

}  // namespace netpol
