#include "tests/kernel/lab/packet_reader.h"

#include <netinet/in.h>

#include <cstddef>

#include "tests/kernel/lab/address_bytes.h"

namespace netpol {
namespace {

using Bytes = absl::Span<const uint8_t>;

constexpr size_t kIcmpHeaderSize = 8;
constexpr size_t kTcpFlagsAt = 13;
constexpr size_t kSctpChunkTypeAt = 12;
constexpr uint8_t kTcpSynOnly = 0x02;
constexpr uint8_t kSctpInitChunk = 1;
constexpr uint8_t kEchoRequestV4 = 8;
constexpr uint8_t kEchoRequestV6 = 128;

uint16_t Get16(Bytes bytes, size_t at) {
  return static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

// Whether the byte at `at` is `wanted`, or was cut off.
bool IsOrMissing(Bytes bytes, size_t at, uint8_t wanted) {
  return bytes.size() <= at || bytes[at] == wanted;
}

bool OpensFlow(uint8_t protocol, Bytes payload) {
  switch (protocol) {
    case IPPROTO_TCP:
      return IsOrMissing(payload, kTcpFlagsAt, kTcpSynOnly);
    case IPPROTO_SCTP:
      return IsOrMissing(payload, kSctpChunkTypeAt, kSctpInitChunk);
    case IPPROTO_UDP:
      return true;
    case IPPROTO_ICMP:
      return payload[0] == kEchoRequestV4;
    case IPPROTO_ICMPV6:
      return payload[0] == kEchoRequestV6;
    default:
      return false;
  }
}

}  // namespace

absl::optional<IpPacket> ReadIpHeader(Family family, Bytes bytes) {
  const bool v4 = family == Family::kIPv4;
  const size_t fixed = v4 ? 20 : 40;
  if (bytes.size() < fixed || bytes[0] >> 4 != (v4 ? 4 : 6)) {
    return absl::nullopt;
  }
  const size_t header = v4 ? size_t{4} * (bytes[0] & 0x0f) : fixed;
  if (header < fixed || bytes.size() < header) return absl::nullopt;
  IpPacket packet;
  packet.source = AddressFromBytes(family, &bytes[v4 ? 12 : 8]);
  packet.destination = AddressFromBytes(family, &bytes[v4 ? 16 : 24]);
  packet.protocol = bytes[v4 ? 9 : 6];
  packet.payload = bytes.subspan(header);
  return packet;
}

absl::optional<Flow> ReadFirstPacket(const IpPacket& packet) {
  const Bytes payload = packet.payload;
  if (payload.size() < 8 || !OpensFlow(packet.protocol, payload)) {
    return absl::nullopt;
  }
  const bool echo =
      packet.protocol == IPPROTO_ICMP || packet.protocol == IPPROTO_ICMPV6;
  const size_t ports = echo ? 4 : 0;
  return Flow{packet.source, packet.destination, packet.protocol,
              Get16(payload, ports), Get16(payload, ports + 2)};
}

absl::optional<Flow> ReadReject(Family family, Bytes icmp) {
  const bool v4 = family == Family::kIPv4;
  if (icmp.size() < kIcmpHeaderSize || icmp[0] != (v4 ? 3 : 1) ||
      icmp[1] != (v4 ? 3 : 4)) {
    return absl::nullopt;
  }
  const absl::optional<IpPacket> quoted =
      ReadIpHeader(family, icmp.subspan(kIcmpHeaderSize));
  if (!quoted) return absl::nullopt;
  return ReadFirstPacket(*quoted);
}

}  // namespace netpol
