#include "tests/kernel/lab/packet_reader.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstdint>
#include <vector>

namespace netpol {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr size_t kIpv4Header = 20;

Flow MakeFlow(Family family, uint8_t protocol) {
  const bool v4 = family == Family::kIPv4;
  return {*IpAddress::Parse(v4 ? "10.42.0.5" : "fd00:42::5"),
          *IpAddress::Parse(v4 ? "10.42.1.77" : "fd00:42:1::77"), protocol,
          31234, 8443};
}

std::vector<Flow> EveryKindOfFlow() {
  std::vector<Flow> flows;
  for (Family family : kFamilies) {
    for (int protocol : {int{IPPROTO_TCP}, int{IPPROTO_UDP}, int{IPPROTO_SCTP},
                         int{IcmpProtocol(family)}}) {
      flows.push_back(MakeFlow(family, static_cast<uint8_t>(protocol)));
    }
  }
  return flows;
}

absl::optional<Flow> ReadWhole(Family family, const Bytes& packet) {
  const absl::optional<IpPacket> split = ReadIpHeader(family, packet);
  if (!split) return absl::nullopt;
  return ReadFirstPacket(*split);
}

Bytes PortUnreachable(const Flow& flow, size_t quoted) {
  const bool v4 = flow.source.family == Family::kIPv4;
  Bytes icmp = {static_cast<uint8_t>(v4 ? 3 : 1),
                static_cast<uint8_t>(v4 ? 3 : 4),
                0,
                0,
                0,
                0,
                0,
                0};
  const Bytes packet = FirstPacket(flow);
  icmp.insert(icmp.end(), packet.begin(),
              packet.begin() + static_cast<long>(quoted));
  return icmp;
}

TEST(PacketReaderTest, FirstPacketTellsItsFlow) {
  for (const Flow& flow : EveryKindOfFlow()) {
    EXPECT_EQ(ReadWhole(flow.source.family, FirstPacket(flow)), flow) << flow;
  }
}

TEST(PacketReaderTest, AnswersOpenNothing) {
  Bytes reset = FirstPacket(MakeFlow(Family::kIPv4, IPPROTO_TCP));
  reset[kIpv4Header + 13] = 0x14;  // RST, ACK
  EXPECT_FALSE(ReadWhole(Family::kIPv4, reset).has_value());
  Bytes echo_reply = FirstPacket(MakeFlow(Family::kIPv4, IPPROTO_ICMP));
  echo_reply[kIpv4Header] = 0;
  EXPECT_FALSE(ReadWhole(Family::kIPv4, echo_reply).has_value());
  Bytes abort = FirstPacket(MakeFlow(Family::kIPv4, IPPROTO_SCTP));
  abort[kIpv4Header + 12] = 6;
  EXPECT_FALSE(ReadWhole(Family::kIPv4, abort).has_value());
}

TEST(PacketReaderTest, RejectTellsTheFlowItQuotes) {
  for (const Flow& flow : EveryKindOfFlow()) {
    const Bytes icmp = PortUnreachable(flow, FirstPacket(flow).size());
    EXPECT_EQ(ReadReject(flow.source.family, icmp), flow) << flow;
  }
}

TEST(PacketReaderTest, EightQuotedBytesAreEnough) {
  const Flow flow = MakeFlow(Family::kIPv4, IPPROTO_TCP);
  EXPECT_EQ(ReadReject(Family::kIPv4, PortUnreachable(flow, kIpv4Header + 8)),
            flow);
  EXPECT_FALSE(ReadReject(Family::kIPv4, PortUnreachable(flow, kIpv4Header + 7))
                   .has_value());
}

TEST(PacketReaderTest, OtherUnreachablesAreNoReject) {
  const Flow flow = MakeFlow(Family::kIPv6, IPPROTO_UDP);
  Bytes icmp = PortUnreachable(flow, FirstPacket(flow).size());
  icmp[1] = 0;  // no route
  EXPECT_FALSE(ReadReject(Family::kIPv6, icmp).has_value());
}

TEST(PacketReaderTest, EveryTruncationIsRefusedOrReadWithinBounds) {
  for (const Flow& flow : EveryKindOfFlow()) {
    const Family family = flow.source.family;
    const Bytes packet = FirstPacket(flow);
    const size_t header = family == Family::kIPv4 ? 20 : 40;
    for (size_t size = 0; size < packet.size(); ++size) {
      const Bytes cut(packet.begin(), packet.begin() + static_cast<long>(size));
      EXPECT_EQ(ReadWhole(family, cut).has_value(), size >= header + 8);
    }
  }
}

}  // namespace
}  // namespace netpol
