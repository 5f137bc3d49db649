// Whole IP packets, byte by byte, that open a flow.
#ifndef NETPOL_TESTS_KERNEL_LAB_PACKET_BUILDER_H_
#define NETPOL_TESTS_KERNEL_LAB_PACKET_BUILDER_H_

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "netpol/base/ip.h"

namespace netpol {

// What tells one flow from another. For ICMP echo, `source_port` is the
// identifier and `destination_port` the sequence number.
struct Flow {
  IpAddress source;
  IpAddress destination;
  uint8_t protocol = 0;  // IPPROTO_TCP, _UDP, _SCTP, _ICMP or _ICMPV6
  uint16_t source_port = 0;
  uint16_t destination_port = 0;

  std::string ToString() const;

  friend bool operator==(const Flow& a, const Flow& b) {
    return a.source == b.source && a.destination == b.destination &&
           a.protocol == b.protocol && a.source_port == b.source_port &&
           a.destination_port == b.destination_port;
  }
  template <typename H>
  friend H AbslHashValue(H h, const Flow& f) {
    return H::combine(std::move(h), f.source, f.destination, f.protocol,
                      f.source_port, f.destination_port);
  }
  friend std::ostream& operator<<(std::ostream& os, const Flow& f) {
    return os << f.ToString();
  }
};

// The flow of the answers.
Flow Reversed(const Flow& flow);

// IPPROTO_ICMP or IPPROTO_ICMPV6.
uint8_t IcmpProtocol(Family family);

// The first packet of `flow`, IP header included, every checksum real: a TCP
// SYN (RFC 9293), a UDP datagram with a small payload (RFC 768), an SCTP INIT
// (RFC 9260) or an echo request (RFC 792, RFC 4443). Both addresses are of one
// family and `protocol` is one of Flow's; a bug in the caller otherwise.
std::vector<uint8_t> FirstPacket(const Flow& flow);

// The one's complement sum of RFC 1071 over `size` bytes, on top of `sum`, not
// yet folded.
uint32_t AddToChecksum(uint32_t sum, const uint8_t* data, size_t size);

// The folded complement, to be stored in network order.
uint16_t FinishChecksum(uint32_t sum);

// CRC-32C (Castagnoli), as SCTP uses it; stored little-endian (RFC 9260 A).
uint32_t Crc32c(const uint8_t* data, size_t size);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_PACKET_BUILDER_H_
