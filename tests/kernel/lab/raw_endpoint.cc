#include "tests/kernel/lab/raw_endpoint.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "netpol/base/status_macros.h"
#include "tests/kernel/lab/address_bytes.h"
#include "tests/kernel/lab/packet_reader.h"

namespace netpol {
namespace {

// Room for some thousand small packets, whatever net.core.rmem_max says.
constexpr int kReceiveBuffer = 8 << 20;

int Domain(Family family) {
  return family == Family::kIPv4 ? AF_INET : AF_INET6;
}

absl::StatusOr<FileDescriptor> OpenRaw(const NetNs& ns, Family family,
                                       int protocol) {
  FileDescriptor fd;
  RETURN_IF_ERROR(ns.Run([&]() -> absl::Status {
    fd = FileDescriptor(socket(
        Domain(family), SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
    if (!fd.valid()) {
      return absl::ErrnoToStatus(
          errno, absl::StrCat("opening a raw ", FamilyName(family),
                              " socket for protocol ", protocol));
    }
    return absl::OkStatus();
  }));
  return fd;
}

// IPv6 raw sockets deliver no IP header: the addresses come beside the data.
absl::optional<IpPacket> ReadIpv6Ancillary(msghdr& message, uint8_t protocol,
                                           absl::Span<const uint8_t> bytes) {
  const auto* from = static_cast<const sockaddr_in6*>(message.msg_name);
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr;
       control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level != IPPROTO_IPV6 ||
        control->cmsg_type != IPV6_PKTINFO) {
      continue;
    }
    in6_pktinfo info;
    memcpy(&info, CMSG_DATA(control), sizeof(info));
    return IpPacket{AddressFromBytes(Family::kIPv6, from->sin6_addr.s6_addr),
                    AddressFromBytes(Family::kIPv6, info.ipi6_addr.s6_addr),
                    protocol, bytes};
  }
  return absl::nullopt;
}

bool IsIcmp(uint8_t protocol) {
  return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

void Interpret(const IpPacket& packet,
               const std::function<void(const Flow&, Heard)>& heard) {
  if (absl::optional<Flow> flow = ReadFirstPacket(packet)) {
    heard(*flow, Heard::kArrival);
  } else if (IsIcmp(packet.protocol)) {
    if (absl::optional<Flow> refused =
            ReadReject(packet.source.family, packet.payload)) {
      heard(*refused, Heard::kReject);
    }
  }
}

}  // namespace

absl::Status RawEndpoint::Listen(Family family, uint8_t protocol, int epoll) {
  std::unique_ptr<RawListener>& slot = listeners_[{family, protocol}];
  if (slot != nullptr) return absl::OkStatus();
  auto listener = std::make_unique<RawListener>();
  ASSIGN_OR_RETURN(listener->socket, OpenRaw(ns_, family, protocol));
  listener->family = family;
  listener->protocol = protocol;
  const int fd = listener->socket.get();
  const int on = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer,
                 sizeof(kReceiveBuffer)) != 0 ||
      (family == Family::kIPv6 &&
       setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) != 0)) {
    return absl::ErrnoToStatus(errno, "setting options of a raw socket");
  }
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.ptr = listener.get();
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
    return absl::ErrnoToStatus(errno, "watching a raw socket");
  }
  slot = std::move(listener);
  return absl::OkStatus();
}

absl::StatusOr<int> RawEndpoint::Sender(Family family) {
  FileDescriptor& fd = senders_[static_cast<int>(family)];
  if (!fd.valid()) {
    // IPPROTO_RAW implies that we bring the IP header, in both families.
    ASSIGN_OR_RETURN(fd, OpenRaw(ns_, family, IPPROTO_RAW));
  }
  return fd.get();
}

absl::StatusOr<bool> RawEndpoint::Send(const Flow& flow) {
  ASSIGN_OR_RETURN(const int fd, Sender(flow.source.family));
  const std::vector<uint8_t> packet = FirstPacket(flow);
  const std::vector<uint8_t> to = AddressBytes(flow.destination);
  sockaddr_storage address = {};
  socklen_t size = sizeof(sockaddr_in);
  address.ss_family = static_cast<sa_family_t>(Domain(flow.source.family));
  if (flow.source.family == Family::kIPv4) {
    memcpy(&reinterpret_cast<sockaddr_in*>(&address)->sin_addr, to.data(),
           to.size());
  } else {
    memcpy(&reinterpret_cast<sockaddr_in6*>(&address)->sin6_addr, to.data(),
           to.size());
    size = sizeof(sockaddr_in6);
  }
  while (sendto(fd, packet.data(), packet.size(), 0,
                reinterpret_cast<const sockaddr*>(&address), size) < 0) {
    if (errno == EPERM) return false;
    if (errno != EINTR) {
      return absl::ErrnoToStatus(errno,
                                 absl::StrCat("sending ", flow.ToString()));
    }
  }
  return true;
}

absl::Status RawEndpoint::Drain(
    RawListener& listener,
    const std::function<void(const Flow&, Heard)>& heard) {
  uint8_t data[2048];
  for (;;) {
    sockaddr_storage from = {};
    alignas(cmsghdr) char control[256];
    iovec part = {data, sizeof(data)};
    msghdr message = {};
    message.msg_name = &from;
    message.msg_namelen = sizeof(from);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    const ssize_t got = recvmsg(listener.socket.get(), &message, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return absl::OkStatus();
      return absl::ErrnoToStatus(errno, "reading from a raw socket");
    }
    const absl::Span<const uint8_t> bytes(data, static_cast<size_t>(got));
    const absl::optional<IpPacket> packet =
        listener.family == Family::kIPv4
            ? ReadIpHeader(Family::kIPv4, bytes)
            : ReadIpv6Ancillary(message, listener.protocol, bytes);
    if (packet) Interpret(*packet, heard);
  }
}

}  // namespace netpol
