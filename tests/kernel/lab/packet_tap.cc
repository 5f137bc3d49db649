#include "tests/kernel/lab/packet_tap.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/types/optional.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

// Waits up to `limit`, then reads one packet into `buffer`: its size, or -1 if
// none came.
absl::StatusOr<ssize_t> ReadOne(int fd, absl::Span<uint8_t> buffer,
                                sockaddr_ll* from, absl::Duration limit) {
  pollfd ready = {fd, POLLIN, 0};
  const int count =
      poll(&ready, 1, static_cast<int>(absl::ToInt64Milliseconds(limit)));
  if (count == 0 || (count < 0 && errno == EINTR)) return -1;
  socklen_t size = sizeof(*from);
  const ssize_t got = count < 0
                          ? -1
                          : recvfrom(fd, buffer.data(), buffer.size(), 0,
                                     reinterpret_cast<sockaddr*>(from), &size);
  if (got < 0) return absl::ErrnoToStatus(errno, "reading from a packet tap");
  return got;
}

}  // namespace

absl::StatusOr<PacketTap> PacketTap::Open(const NetNs& ns) {
  FileDescriptor fd;
  RETURN_IF_ERROR(ns.Run([&]() -> absl::Status {
    fd = FileDescriptor(
        socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL)));
    if (!fd.valid()) return absl::ErrnoToStatus(errno, "opening a packet tap");
    return absl::OkStatus();
  }));
  return PacketTap(std::move(fd));
}

absl::StatusOr<bool> PacketTap::Hears(const Wanted& wanted,
                                      absl::Duration limit) {
  const absl::Time end = absl::Now() + limit;
  uint8_t buffer[65536];
  for (;;) {
    const absl::Duration left = end - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    sockaddr_ll from = {};
    ASSIGN_OR_RETURN(const ssize_t got,
                     ReadOne(socket_.get(), absl::MakeSpan(buffer), &from,
                             absl::Ceil(left, absl::Milliseconds(1))));
    if (got < 0 || from.sll_pkttype == PACKET_OUTGOING ||
        from.sll_hatype == ARPHRD_LOOPBACK) {
      continue;
    }
    const uint16_t protocol = ntohs(from.sll_protocol);
    if (protocol != ETH_P_IP && protocol != ETH_P_IPV6) continue;
    const absl::optional<IpPacket> packet =
        ReadIpHeader(protocol == ETH_P_IP ? Family::kIPv4 : Family::kIPv6,
                     absl::MakeConstSpan(buffer, static_cast<size_t>(got)));
    if (packet && wanted(*packet)) return true;
  }
}

absl::StatusOr<bool> SendRawPacket(const NetNs& ns,
                                   absl::Span<const uint8_t> packet) {
  const bool v4 = packet[0] >> 4 == 4;
  bool sent = false;
  RETURN_IF_ERROR(ns.Run([&]() -> absl::Status {
    const FileDescriptor fd(
        socket(v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
    sockaddr_storage to = {};
    socklen_t size = sizeof(sockaddr_in);
    to.ss_family = v4 ? AF_INET : AF_INET6;
    if (v4) {
      memcpy(&reinterpret_cast<sockaddr_in*>(&to)->sin_addr, &packet[16], 4);
    } else {
      auto* to6 = reinterpret_cast<sockaddr_in6*>(&to);
      memcpy(&to6->sin6_addr, &packet[24], 16);
      size = sizeof(sockaddr_in6);
    }
    sent = sendto(fd.get(), packet.data(), packet.size(), 0,
                  reinterpret_cast<sockaddr*>(&to), size) >= 0;
    if (sent || errno == EPERM) return absl::OkStatus();
    return absl::ErrnoToStatus(errno, "sending a raw packet");
  }));
  return sent;
}

}  // namespace netpol
