#include "tests/kernel/lab/crafted_packets.h"

#include <netinet/in.h>

#include "tests/kernel/lab/address_bytes.h"

namespace netpol {
namespace {

constexpr size_t kIpv6HeaderSize = 40;

size_t HeaderSize(const std::vector<uint8_t>& packet) {
  return packet[0] >> 4 == 4 ? 20 : kIpv6HeaderSize;
}

void Set16(std::vector<uint8_t>& out, size_t at, uint16_t value) {
  out[at] = static_cast<uint8_t>(value >> 8);
  out[at + 1] = static_cast<uint8_t>(value);
}

// The checksum from `from` to the end, with the addresses of `flow` if
// `pseudo`.
void SetChecksum(std::vector<uint8_t>& packet, const Flow& flow, bool pseudo,
                 size_t from, size_t at) {
  Set16(packet, at, 0);
  uint32_t sum = 0;
  if (pseudo) {
    for (const IpAddress& address : {flow.source, flow.destination}) {
      const std::vector<uint8_t> bytes = AddressBytes(address);
      sum = AddToChecksum(sum, bytes.data(), bytes.size());
    }
    sum += flow.protocol + static_cast<uint32_t>(packet.size() - from);
  }
  Set16(
      packet, at,
      FinishChecksum(AddToChecksum(sum, &packet[from], packet.size() - from)));
}

}  // namespace

std::vector<uint8_t> TcpSegment(const Flow& flow, uint8_t flags) {
  std::vector<uint8_t> packet = FirstPacket(flow);
  const size_t tcp = HeaderSize(packet);
  packet[tcp + 13] = flags;
  if ((flags & kTcpAck) != 0) packet[tcp + 11] = 1;  // acknowledges one byte
  SetChecksum(packet, flow, /*pseudo=*/true, tcp, tcp + 16);
  return packet;
}

std::vector<uint8_t> WithBadChecksum(std::vector<uint8_t> packet) {
  packet[HeaderSize(packet) + 4] ^= 0x55;  // within what is summed
  return packet;
}

std::vector<uint8_t> PacketTooBig(const IpAddress& router, const Flow& flow) {
  const bool v4 = router.family == Family::kIPv4;
  constexpr uint16_t kMtu = 1400;
  const Flow error = {router, flow.source, IcmpProtocol(router.family), 0, 0};
  std::vector<uint8_t> packet = FirstPacket(error);  // 8 bytes of ICMP
  const size_t icmp = HeaderSize(packet);
  packet[icmp] = v4 ? 3 : 2;
  packet[icmp + 1] = v4 ? 4 : 0;
  Set16(packet, icmp + 4, 0);
  Set16(packet, icmp + 6, kMtu);
  const std::vector<uint8_t> quoted = TcpSegment(flow, kTcpAck);
  packet.insert(packet.end(), quoted.begin(), quoted.end());
  const uint16_t size = static_cast<uint16_t>(packet.size());
  if (v4) {
    Set16(packet, 2, size);
    Set16(packet, 10, 0);
    Set16(packet, 10, FinishChecksum(AddToChecksum(0, packet.data(), icmp)));
  } else {
    Set16(packet, 4, static_cast<uint16_t>(size - icmp));
  }
  SetChecksum(packet, error, /*pseudo=*/!v4, icmp, icmp + 2);
  return packet;
}

}  // namespace netpol
