#include "tests/kernel/lab/packet_builder.h"

#include <netinet/in.h>

#include "absl/strings/str_cat.h"
#include "tests/kernel/lab/address_bytes.h"

namespace netpol {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint8_t kHopLimit = 64;
constexpr size_t kIpv4HeaderSize = 20;

void Put16(Bytes& out, uint16_t value) {
  out.push_back(static_cast<uint8_t>(value >> 8));
  out.push_back(static_cast<uint8_t>(value));
}

void Put32(Bytes& out, uint32_t value) {
  Put16(out, static_cast<uint16_t>(value >> 16));
  Put16(out, static_cast<uint16_t>(value));
}

void Set16(Bytes& out, size_t at, uint16_t value) {
  out[at] = static_cast<uint8_t>(value >> 8);
  out[at + 1] = static_cast<uint8_t>(value);
}

void Append(Bytes& out, const Bytes& more) {
  out.insert(out.end(), more.begin(), more.end());
}

// The checksum of TCP, UDP and ICMPv6: over the addresses too.
uint16_t PseudoHeaderChecksum(const Flow& flow, const Bytes& payload) {
  Bytes pseudo = AddressBytes(flow.source);
  Append(pseudo, AddressBytes(flow.destination));
  Put32(pseudo, static_cast<uint32_t>(payload.size()));
  Put32(pseudo, flow.protocol);
  const uint32_t sum = AddToChecksum(0, pseudo.data(), pseudo.size());
  return FinishChecksum(AddToChecksum(sum, payload.data(), payload.size()));
}

Bytes TcpSyn(const Flow& flow) {
  constexpr size_t kChecksumAt = 16;
  Bytes out;
  Put16(out, flow.source_port);
  Put16(out, flow.destination_port);
  Put32(out, 0x6e703031);  // sequence number
  Put32(out, 0);           // acknowledgement
  Put16(out, 0x5002);      // five words of header, SYN
  Put16(out, 64240);       // window
  Put32(out, 0);           // checksum, urgent pointer
  Set16(out, kChecksumAt, PseudoHeaderChecksum(flow, out));
  return out;
}

Bytes UdpDatagram(const Flow& flow) {
  constexpr size_t kChecksumAt = 6;
  constexpr uint16_t kSize = 12;
  Bytes out;
  Put16(out, flow.source_port);
  Put16(out, flow.destination_port);
  Put16(out, kSize);
  Put16(out, 0);
  Put32(out, 0x6e703031);
  uint16_t checksum = PseudoHeaderChecksum(flow, out);
  if (checksum == 0) checksum = 0xffff;  // zero would mean "none"
  Set16(out, kChecksumAt, checksum);
  return out;
}

Bytes SctpInit(const Flow& flow) {
  constexpr size_t kChecksumAt = 8;
  Bytes out;
  Put16(out, flow.source_port);
  Put16(out, flow.destination_port);
  Put32(out, 0);           // verification tag: zero in an INIT
  Put32(out, 0);           // checksum
  Put32(out, 0x01000014);  // INIT, no flags, 20 bytes
  Put32(out, 0x6e703031);  // initiate tag
  Put32(out, 65536);       // receiver window
  Put16(out, 1);           // outbound streams
  Put16(out, 1);           // inbound streams
  Put32(out, 1);           // initial TSN
  const uint32_t crc = Crc32c(out.data(), out.size());
  for (int i = 0; i < 4; ++i) {
    out[kChecksumAt + i] = static_cast<uint8_t>(crc >> (8 * i));
  }
  return out;
}

Bytes EchoRequest(const Flow& flow) {
  constexpr size_t kChecksumAt = 2;
  const bool v4 = flow.protocol == IPPROTO_ICMP;
  Bytes out;
  Put16(out, v4 ? 0x0800 : 0x8000);  // type 8 or 128, code 0
  Put16(out, 0);
  Put16(out, flow.source_port);       // identifier
  Put16(out, flow.destination_port);  // sequence number
  Set16(out, kChecksumAt,
        v4 ? FinishChecksum(AddToChecksum(0, out.data(), out.size()))
           : PseudoHeaderChecksum(flow, out));
  return out;
}

Bytes Ipv4Header(const Flow& flow, size_t payload) {
  constexpr size_t kChecksumAt = 10;
  Bytes out;
  Put16(out, 0x4500);
  Put16(out, static_cast<uint16_t>(kIpv4HeaderSize + payload));
  Put16(out, 0);       // identification
  Put16(out, 0x4000);  // do not fragment
  out.push_back(kHopLimit);
  out.push_back(flow.protocol);
  Put16(out, 0);
  Append(out, AddressBytes(flow.source));
  Append(out, AddressBytes(flow.destination));
  Set16(out, kChecksumAt,
        FinishChecksum(AddToChecksum(0, out.data(), out.size())));
  return out;
}

Bytes Ipv6Header(const Flow& flow, size_t payload) {
  Bytes out;
  Put32(out, 0x60000000);
  Put16(out, static_cast<uint16_t>(payload));
  out.push_back(flow.protocol);
  out.push_back(kHopLimit);
  Append(out, AddressBytes(flow.source));
  Append(out, AddressBytes(flow.destination));
  return out;
}

Bytes Transport(const Flow& flow) {
  switch (flow.protocol) {
    case IPPROTO_TCP:
      return TcpSyn(flow);
    case IPPROTO_UDP:
      return UdpDatagram(flow);
    case IPPROTO_SCTP:
      return SctpInit(flow);
    default:
      return EchoRequest(flow);
  }
}

std::string Endpoint(const IpAddress& address, uint16_t port) {
  return address.family == Family::kIPv4
             ? absl::StrCat(address.ToString(), ":", port)
             : absl::StrCat("[", address.ToString(), "]:", port);
}

}  // namespace

std::string Flow::ToString() const {
  return absl::StrCat(Endpoint(source, source_port), " -> ",
                      Endpoint(destination, destination_port), " protocol ",
                      int{protocol});
}

Flow Reversed(const Flow& flow) {
  return {flow.destination, flow.source, flow.protocol, flow.destination_port,
          flow.source_port};
}

uint8_t IcmpProtocol(Family family) {
  return static_cast<uint8_t>(family == Family::kIPv4 ? int{IPPROTO_ICMP}
                                                      : int{IPPROTO_ICMPV6});
}

std::vector<uint8_t> FirstPacket(const Flow& flow) {
  const Bytes payload = Transport(flow);
  Bytes out = flow.source.family == Family::kIPv4
                  ? Ipv4Header(flow, payload.size())
                  : Ipv6Header(flow, payload.size());
  Append(out, payload);
  return out;
}

uint32_t AddToChecksum(uint32_t sum, const uint8_t* data, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    sum += i % 2 == 0 ? uint32_t{data[i]} << 8 : uint32_t{data[i]};
  }
  return sum;
}

uint16_t FinishChecksum(uint32_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

uint32_t Crc32c(const uint8_t* data, size_t size) {
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < size; ++i) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
    }
  }
  return ~crc;
}

}  // namespace netpol
