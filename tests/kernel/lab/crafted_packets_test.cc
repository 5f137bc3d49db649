#include "tests/kernel/lab/crafted_packets.h"

#include <netinet/in.h>

#include "gtest/gtest.h"
#include "tests/kernel/lab/packet_reader.h"

namespace netpol {
namespace {

IpAddress Ip(absl::string_view text) { return *IpAddress::Parse(text); }

Flow FlowOf(Family family) {
  return family == Family::kIPv4
             ? Flow{Ip("10.0.0.1"), Ip("10.0.0.2"), IPPROTO_TCP, 4000, 80}
             : Flow{Ip("fd00::1"), Ip("fd00::2"), IPPROTO_TCP, 4000, 80};
}

class CraftedPacketsTest : public testing::TestWithParam<Family> {
 protected:
  static size_t HeaderSize() { return GetParam() == Family::kIPv4 ? 20 : 40; }
};

TEST_P(CraftedPacketsTest, ASynIsTheFirstPacketOfItsFlow) {
  EXPECT_EQ(TcpSegment(FlowOf(GetParam()), kTcpSyn),
            FirstPacket(FlowOf(GetParam())));
}

TEST_P(CraftedPacketsTest, AnAckOpensNoFlow) {
  const std::vector<uint8_t> packet = TcpSegment(FlowOf(GetParam()), kTcpAck);
  const absl::optional<IpPacket> read = ReadIpHeader(GetParam(), packet);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->payload[13], kTcpAck);
  EXPECT_EQ(ReadFirstPacket(*read), absl::nullopt);
}

TEST_P(CraftedPacketsTest, ABadChecksumChangesNothingElseThatCounts) {
  const std::vector<uint8_t> good = FirstPacket(FlowOf(GetParam()));
  const std::vector<uint8_t> bad = WithBadChecksum(good);
  EXPECT_NE(good, bad);
  const absl::optional<IpPacket> read = ReadIpHeader(GetParam(), bad);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(ReadFirstPacket(*read), FlowOf(GetParam()));
}

TEST_P(CraftedPacketsTest, AnErrorGoesToTheSourceOfTheFlowThatItQuotes) {
  const Flow flow = FlowOf(GetParam());
  const IpAddress router =
      GetParam() == Family::kIPv4 ? Ip("10.9.9.9") : Ip("fd00::9");
  const std::vector<uint8_t> packet = PacketTooBig(router, flow);
  const absl::optional<IpPacket> error = ReadIpHeader(GetParam(), packet);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->source, router);
  EXPECT_EQ(error->destination, flow.source);
  EXPECT_EQ(error->protocol, IcmpProtocol(GetParam()));
  const absl::optional<IpPacket> quoted =
      ReadIpHeader(GetParam(), error->payload.subspan(8));
  ASSERT_TRUE(quoted.has_value());
  EXPECT_EQ(quoted->source, flow.source);
  EXPECT_EQ(quoted->destination, flow.destination);
  EXPECT_EQ(packet.size(), 2 * HeaderSize() + 8 + 20);
  if (GetParam() == Family::kIPv4) {
    // Over all of it the sum is zero.
    EXPECT_EQ(FinishChecksum(AddToChecksum(0, packet.data(), 20)), 0);
    EXPECT_EQ(FinishChecksum(AddToChecksum(0, &packet[20], packet.size() - 20)),
              0);
  }
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, CraftedPacketsTest,
                         testing::ValuesIn(kFamilies),
                         [](const testing::TestParamInfo<Family>& info) {
                           return std::string(FamilyName(info.param));
                         });

}  // namespace
}  // namespace netpol
