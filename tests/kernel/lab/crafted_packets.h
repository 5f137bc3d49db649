// Whole IP packets that open no flow: segments out of order, errors, replies.
#ifndef NETPOL_TESTS_KERNEL_LAB_CRAFTED_PACKETS_H_
#define NETPOL_TESTS_KERNEL_LAB_CRAFTED_PACKETS_H_

#include <cstdint>
#include <vector>

#include "netpol/base/ip.h"
#include "tests/kernel/lab/packet_builder.h"

namespace netpol {

inline constexpr uint8_t kTcpSyn = 0x02;
inline constexpr uint8_t kTcpRst = 0x04;
inline constexpr uint8_t kTcpAck = 0x10;

// One TCP segment without data, with these flags and real checksums.
std::vector<uint8_t> TcpSegment(const Flow& flow, uint8_t flags);

// The first packet of `flow`, but the checksum after the IP header is wrong.
std::vector<uint8_t> WithBadChecksum(std::vector<uint8_t> packet);

// "Fragmentation needed" (RFC 792 type 3 code 4) or "packet too big" (RFC 4443
// type 2) from `router`, about a packet of `flow`, to its source: the next
// link takes 1400 bytes.
std::vector<uint8_t> PacketTooBig(const IpAddress& router, const Flow& flow);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_CRAFTED_PACKETS_H_
