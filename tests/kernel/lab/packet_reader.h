// Finds the flow in what raw sockets deliver. Never trusts a length.
#ifndef NETPOL_TESTS_KERNEL_LAB_PACKET_READER_H_
#define NETPOL_TESTS_KERNEL_LAB_PACKET_READER_H_

#include <cstdint>

#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "netpol/base/ip.h"
#include "tests/kernel/lab/packet_builder.h"

namespace netpol {

// A packet split into its addresses and what follows the IP header. `payload`
// borrows from the packet.
struct IpPacket {
  IpAddress source;
  IpAddress destination;
  uint8_t protocol = 0;
  absl::Span<const uint8_t> payload;
};

// Splits an IPv4 packet, or an IPv6 packet without extension headers. The
// payload may be cut short, as it is in an ICMP error.
absl::optional<IpPacket> ReadIpHeader(Family family,
                                      absl::Span<const uint8_t> bytes);

// The flow, if `packet` is of the kind that FirstPacket() makes: not a TCP
// answer, not an echo reply, not a later SCTP chunk. A payload cut after eight
// bytes is given the benefit of the doubt.
absl::optional<Flow> ReadFirstPacket(const IpPacket& packet);

// The flow that was refused, if `icmp` (from the ICMP header on) is "port
// unreachable", which is what the REJECT target sends by default, about a first
// packet (RFC 792 type 3 code 3; RFC 4443 type 1 code 4).
absl::optional<Flow> ReadReject(Family family, absl::Span<const uint8_t> icmp);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_PACKET_READER_H_
