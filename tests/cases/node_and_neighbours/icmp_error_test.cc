// ICMP of an isolated pod: errors about its connections, and echo (C098).
#include <linux/icmp.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "tests/cases/node_and_neighbours/neighbour_node.h"
#include "tests/cases/node_and_neighbours/tcp_connection.h"
#include "tests/kernel/lab/packet_builder.h"

namespace netpol {
namespace {

const IpAddress kPod = *IpAddress::Parse("10.42.0.174");
const IpAddress kPeer = *IpAddress::Parse("203.0.113.1");
const IpAddress kRouter = *IpAddress::Parse("203.0.113.254");

uint32_t NetworkOrder(const IpAddress& address) {
  return htonl(static_cast<uint32_t>(address.bits()));
}

// "Fragmentation needed" (RFC 792 type 3 code 4, RFC 1191) about a packet of
// `flow`, its IP header and eight bytes of TCP included.
std::vector<uint8_t> FragmentationNeeded(const Flow& flow, uint16_t mtu) {
  const std::vector<uint8_t> about = FirstPacket(flow);
  icmphdr icmp = {};
  icmp.type = ICMP_DEST_UNREACH;
  icmp.code = ICMP_FRAG_NEEDED;
  icmp.un.frag.mtu = htons(mtu);
  std::vector<uint8_t> message(sizeof(icmp) + sizeof(iphdr) + 8);
  std::memcpy(message.data(), &icmp, sizeof(icmp));
  std::memcpy(message.data() + sizeof(icmp), about.data(), sizeof(iphdr) + 8);
  const uint16_t checksum =
      FinishChecksum(AddToChecksum(0, message.data(), message.size()));
  message[2] = checksum >> 8;
  message[3] = checksum & 0xff;
  return message;
}

class IcmpErrorTest : public NeighbourNodeTest {
 protected:
  void SetUp() override {
    NeighbourNodeTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(lab().AddPod("s", {kPod}).ok());
    ASSERT_TRUE(lab().AddRemote({kPeer, kRouter}).ok());
    pod_icmp_ = OpenIcmp(kPod);
    router_icmp_ = OpenIcmp(kRouter);
  }

  // A raw socket with that address, in its owner's namespace.
  FileDescriptor OpenIcmp(const IpAddress& address) {
    FileDescriptor fd;
    const absl::Status ran = lab().OwnerOf(address)->Run([&] {
      fd = FileDescriptor(
          socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
      return absl::OkStatus();
    });
    EXPECT_TRUE(ran.ok() && fd.valid()) << ran;
    sockaddr_in local = {};
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = NetworkOrder(address);
    EXPECT_EQ(
        bind(fd.get(), reinterpret_cast<sockaddr*>(&local), sizeof(local)), 0);
    return fd;
  }

  void SendToPod(const std::vector<uint8_t>& message) {
    sockaddr_in pod = {};
    pod.sin_family = AF_INET;
    pod.sin_addr.s_addr = NetworkOrder(kPod);
    ASSERT_EQ(sendto(router_icmp_.get(), message.data(), message.size(), 0,
                     reinterpret_cast<sockaddr*>(&pod), sizeof(pod)),
              static_cast<ssize_t>(message.size()));
  }

  // The MTU in the next "fragmentation needed" that the pod is told; -1 if none
  // comes in some seconds.
  int NextMtu() {
    uint8_t buffer[1500];
    pollfd wait = {pod_icmp_.get(), POLLIN, 0};
    while (poll(&wait, 1, 5000) > 0) {
      const ssize_t size = recv(pod_icmp_.get(), buffer, sizeof(buffer), 0);
      if (size < static_cast<ssize_t>(sizeof(iphdr) + sizeof(icmphdr)))
        continue;
      icmphdr icmp;
      std::memcpy(&icmp, buffer + sizeof(iphdr), sizeof(icmp));
      if (icmp.type == ICMP_DEST_UNREACH && icmp.code == ICMP_FRAG_NEEDED)
        return ntohs(icmp.un.frag.mtu);
    }
    return -1;
  }

  void Enforce(IcmpMode mode) {
    LayoutOptions layout;
    layout.families = {Family::kIPv4, Family::kIPv6};
    layout.icmp = mode;
    StartController(layout, OpenKernel());
    ASSERT_NO_FATAL_FAILURE(TellStep(ReadIt("C098"), 0));
    Settle();
  }

  // The one connection that the policy lets the pod open.
  std::unique_ptr<TcpConnection> Connect() {
    auto connection = TcpConnection::Open(*lab().OwnerOf(kPod), kPod,
                                          *lab().OwnerOf(kPeer), kPeer, 8443);
    EXPECT_TRUE(connection.ok()) << connection.status();
    return connection.ok() ? *std::move(connection) : nullptr;
  }

  FileDescriptor pod_icmp_;
  FileDescriptor router_icmp_;
};

TEST_F(IcmpErrorTest, FragmentationNeededAboutAnOpenConnectionReachesThePod) {
  for (IcmpMode mode : {IcmpMode::kKubeRouter, IcmpMode::kPolicy}) {
    SCOPED_TRACE(mode == IcmpMode::kPolicy ? "by policy" : "as kube-router");
    Enforce(mode);
    const auto connection = Connect();
    ASSERT_NE(connection, nullptr);
    ASSERT_TRUE(connection->CarriesForward());
    SendToPod(FragmentationNeeded(connection->flow(), 1400));
    EXPECT_EQ(NextMtu(), 1400);
    EXPECT_TRUE(connection->CarriesForward());
    EXPECT_TRUE(connection->CarriesBack());
  }
}

// Such an error is of no connection: where ICMP is judged by policy, nothing
// lets it in. It is sent first, so that it would arrive first.
TEST_F(IcmpErrorTest, AnErrorAboutNoConnectionIsRefusedWhereIcmpIsJudged) {
  Enforce(IcmpMode::kPolicy);
  const auto connection = Connect();
  ASSERT_NE(connection, nullptr);
  Flow nobodys = connection->flow();
  nobodys.destination_port = 9999;
  SendToPod(FragmentationNeeded(nobodys, 1300));
  SendToPod(FragmentationNeeded(connection->flow(), 1400));
  EXPECT_EQ(NextMtu(), 1400);
}

TEST_F(IcmpErrorTest, EchoRequestsReachThePodUnlessIcmpIsJudged) {
  const ProbeSpec echo = {kPeer, kPod, IPPROTO_ICMP, 0};
  Enforce(IcmpMode::kKubeRouter);
  absl::StatusOr<ProbeOutcome> outcome = lab().ProbeOne(echo);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(*outcome, ProbeOutcome::kAllowed);
  Enforce(IcmpMode::kPolicy);
  outcome = lab().ProbeOne(echo);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_NE(*outcome, ProbeOutcome::kAllowed);
}

}  // namespace
}  // namespace netpol
