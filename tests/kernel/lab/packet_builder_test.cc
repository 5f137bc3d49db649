#include "tests/kernel/lab/packet_builder.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstdint>
#include <vector>

#include "tests/kernel/lab/address_bytes.h"

namespace netpol {
namespace {

using Bytes = std::vector<uint8_t>;

Flow MakeFlow(Family family, uint8_t protocol) {
  const bool v4 = family == Family::kIPv4;
  return {*IpAddress::Parse(v4 ? "10.42.0.5" : "fd00:42::5"),
          *IpAddress::Parse(v4 ? "10.42.1.77" : "fd00:42:1::77"), protocol,
          31234, 8443};
}

Bytes PayloadOf(const Flow& flow) {
  Bytes packet = FirstPacket(flow);
  packet.erase(
      packet.begin(),
      packet.begin() + (flow.source.family == Family::kIPv4 ? 20 : 40));
  return packet;
}

// What a receiver computes; zero if the checksum is right.
uint16_t VerifyTransport(const Flow& flow) {
  const Bytes payload = PayloadOf(flow);
  Bytes all = AddressBytes(flow.source);
  const Bytes destination = AddressBytes(flow.destination);
  all.insert(all.end(), destination.begin(), destination.end());
  all.insert(all.end(),
             {0, static_cast<uint8_t>(payload.size()), 0, flow.protocol});
  all.insert(all.end(), payload.begin(), payload.end());
  return FinishChecksum(AddToChecksum(0, all.data(), all.size()));
}

TEST(ChecksumTest, MatchesTheExampleOfRfc1071) {
  const uint8_t data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(FinishChecksum(AddToChecksum(0, data, sizeof(data))), 0x220d);
}

TEST(ChecksumTest, OddLastByteCountsAsHighByte) {
  const uint8_t data[] = {0x12, 0x34, 0x56};
  EXPECT_EQ(FinishChecksum(AddToChecksum(0, data, 3)),
            static_cast<uint16_t>(~(0x1234 + 0x5600)));
}

TEST(Crc32cTest, MatchesTheCheckValue) {
  const uint8_t data[] = {'1', '2', '3', '4', '5', '6', '7', '8', '9'};
  EXPECT_EQ(Crc32c(data, sizeof(data)), 0xe3069283u);
}

TEST(FirstPacketTest, Ipv4HeaderVerifiesAndTellsTheLength) {
  const Bytes packet = FirstPacket(MakeFlow(Family::kIPv4, IPPROTO_TCP));
  EXPECT_EQ(FinishChecksum(AddToChecksum(0, packet.data(), 20)), 0);
  EXPECT_EQ(packet[2] << 8 | packet[3], static_cast<int>(packet.size()));
}

TEST(FirstPacketTest, Ipv6HeaderTellsThePayloadLength) {
  const Bytes packet = FirstPacket(MakeFlow(Family::kIPv6, IPPROTO_UDP));
  EXPECT_EQ(packet[4] << 8 | packet[5], static_cast<int>(packet.size()) - 40);
  EXPECT_EQ(packet[6], IPPROTO_UDP);
}

TEST(FirstPacketTest, TransportChecksumsVerifyInBothFamilies) {
  for (Family family : kFamilies) {
    EXPECT_EQ(VerifyTransport(MakeFlow(family, IPPROTO_TCP)), 0);
    EXPECT_EQ(VerifyTransport(MakeFlow(family, IPPROTO_UDP)), 0);
  }
  EXPECT_EQ(VerifyTransport(MakeFlow(Family::kIPv6, IPPROTO_ICMPV6)), 0);
}

TEST(FirstPacketTest, Icmpv4ChecksumCoversTheMessageAlone) {
  const Bytes payload = PayloadOf(MakeFlow(Family::kIPv4, IPPROTO_ICMP));
  EXPECT_EQ(FinishChecksum(AddToChecksum(0, payload.data(), payload.size())),
            0);
}

TEST(FirstPacketTest, UdpChecksumIsNeverTheOneThatMeansNone) {
  Flow flow = MakeFlow(Family::kIPv4, IPPROTO_UDP);
  bool all_ones = false;
  for (int port = 0; port < 65536; ++port) {
    flow.source_port = static_cast<uint16_t>(port);
    const Bytes payload = PayloadOf(flow);
    const int checksum = payload[6] << 8 | payload[7];
    ASSERT_NE(checksum, 0) << flow;
    all_ones |= checksum == 0xffff;
  }
  EXPECT_TRUE(all_ones) << "no port led to the special case";
}

TEST(FirstPacketTest, SctpCrcIsOverThePacketWithZeroInItsPlace) {
  Bytes payload = PayloadOf(MakeFlow(Family::kIPv4, IPPROTO_SCTP));
  uint32_t stored = 0;
  for (int i = 3; i >= 0; --i) {
    stored = stored << 8 | payload[8 + i];
    payload[8 + i] = 0;
  }
  EXPECT_EQ(stored, Crc32c(payload.data(), payload.size()));
  EXPECT_EQ(payload.size(), 32u);
}

TEST(FlowTest, ReversedTwiceIsTheSame) {
  const Flow flow = MakeFlow(Family::kIPv6, IPPROTO_TCP);
  EXPECT_EQ(Reversed(flow).source_port, 8443);
  EXPECT_EQ(Reversed(Reversed(flow)), flow);
}

TEST(AddressBytesTest, BytesRoundTripInNetworkOrder) {
  const IpAddress v4 = *IpAddress::Parse("10.42.1.77");
  EXPECT_EQ(AddressBytes(v4), (Bytes{10, 42, 1, 77}));
  const IpAddress v6 = *IpAddress::Parse("fd00:42::77");
  const Bytes bytes = AddressBytes(v6);
  EXPECT_EQ(bytes.size(), 16u);
  EXPECT_EQ(bytes.front(), 0xfd);
  EXPECT_EQ(AddressFromBytes(Family::kIPv6, bytes.data()), v6);
}

}  // namespace
}  // namespace netpol
