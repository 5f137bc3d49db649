#include "netpol/dataplane/ipset/ipset_channel.h"

#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

constexpr int kTimeoutSeconds = 5;
// Room for several full messages on the way, and for their copies that come
// back when each is refused.
constexpr int kSocketBuffer = 1 << 20;
// An answer that quotes a refused request is the longest.
constexpr size_t kReceiveBuffer = 128 << 10;
// One datagram is one allocation in the kernel; more gains nothing.
constexpr size_t kMaxSend = 256 << 10;

absl::Status SocketError(absl::string_view what, int error) {
  return absl::UnavailableError(
      absl::StrCat("ipset: ", what, ": ", std::strerror(error)));
}

// The privileged option goes beyond net.core.[rw]mem_max.
void EnlargeBuffer(int fd, int forced_option, int option) {
  if (setsockopt(fd, SOL_SOCKET, forced_option, &kSocketBuffer,
                 sizeof(kSocketBuffer)) != 0) {
    setsockopt(fd, SOL_SOCKET, option, &kSocketBuffer, sizeof(kSocketBuffer));
  }
}

size_t SendLimit(int fd) {
  int size = 0;
  socklen_t length = sizeof(size);
  // The kernel wants 32 bytes below the buffer's size (netlink_sendmsg).
  if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &length) != 0 || size < 64)
    return 4096;
  return std::min<size_t>(size - 32, kMaxSend);
}

// The line number in the quoted request of an error message.
uint32_t QuotedLine(const nlmsghdr& header, const nlmsgerr& error) {
  const size_t quoted =
      header.nlmsg_len - NLMSG_HDRLEN - offsetof(nlmsgerr, msg);
  constexpr size_t kHead = NLMSG_HDRLEN + sizeof(nfgenmsg);
  if (quoted < kHead || error.msg.nlmsg_len > quoted ||
      error.msg.nlmsg_len < kHead) {
    return 0;
  }
  const nlattr* line = nla_find(
      reinterpret_cast<const nlattr*>(
          reinterpret_cast<const char*>(&error.msg) + kHead),
      static_cast<int>(error.msg.nlmsg_len - kHead), IPSET_ATTR_LINENO);
  if (line == nullptr || nla_len(line) < 4) return 0;
  return nla_get_u32(line);
}

}  // namespace

absl::StatusOr<std::unique_ptr<IpsetChannel>> IpsetChannel::Open() {
  nl_sock* socket = nl_socket_alloc();
  if (socket == nullptr) return absl::ResourceExhaustedError("no memory");
  std::unique_ptr<IpsetChannel> channel(new IpsetChannel(socket));
  if (int error = nl_connect(socket, NETLINK_NETFILTER); error < 0) {
    return absl::UnimplementedError(absl::StrCat(
        "ipset: cannot open a netlink socket of the netfilter family: ",
        nl_geterror(error), "; kernel module nfnetlink is needed"));
  }
  const int fd = nl_socket_get_fd(socket);
  EnlargeBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
  EnlargeBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
  const timeval timeout = {kTimeoutSeconds, 0};
  if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0)
    return SocketError("set a receive timeout", errno);
  channel->send_limit_ = SendLimit(fd);
  return channel;
}

IpsetChannel::IpsetChannel(nl_sock* socket)
    : socket_(socket), buffer_(kReceiveBuffer) {}

IpsetChannel::~IpsetChannel() { nl_socket_free(socket_); }

absl::StatusOr<IpsetAnswer> IpsetChannel::Transact(
    absl::Span<const NetlinkMessage> messages, const DataHandler& on_data) {
  size_t done = 0;
  while (done < messages.size()) {
    size_t count = 0;
    size_t bytes = 0;
    while (done + count < messages.size()) {
      bytes += NLMSG_ALIGN(nlmsg_hdr(messages[done + count].get())->nlmsg_len);
      if (count > 0 && bytes > send_limit_) break;
      ++count;
    }
    const uint32_t first = sequence_ + 1;
    RETURN_IF_ERROR(Send(messages.subspan(done, count)));
    ASSIGN_OR_RETURN(IpsetAnswer answer, Receive(first, sequence_, on_data));
    answer.message += done;
    if (answer.error != 0) return answer;
    done += count;
  }
  return IpsetAnswer{};
}

absl::Status IpsetChannel::Send(absl::Span<const NetlinkMessage> messages) {
  std::vector<iovec> parts;
  parts.reserve(messages.size());
  for (const NetlinkMessage& message : messages) {
    nlmsghdr* header = nlmsg_hdr(message.get());
    header->nlmsg_seq = ++sequence_;
    header->nlmsg_pid = nl_socket_get_local_port(socket_);
    parts.push_back({header, header->nlmsg_len});
  }
  nlmsghdr* last = nlmsg_hdr(messages.back().get());
  // A dump ends with NLMSG_DONE instead.
  if ((last->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
    last->nlmsg_flags |= NLM_F_ACK;
  sockaddr_nl kernel = {};
  kernel.nl_family = AF_NETLINK;
  msghdr datagram = {};
  datagram.msg_name = &kernel;
  datagram.msg_namelen = sizeof(kernel);
  datagram.msg_iov = parts.data();
  datagram.msg_iovlen = parts.size();
  ssize_t sent;
  do {
    sent = sendmsg(nl_socket_get_fd(socket_), &datagram, 0);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    return SocketError(
        absl::StrCat("send ", messages.size(), " netlink messages"), errno);
  }
  return absl::OkStatus();
}

absl::StatusOr<IpsetAnswer> IpsetChannel::Receive(uint32_t first, uint32_t last,
                                                  const DataHandler& on_data) {
  IpsetAnswer answer;
  while (true) {
    ASSIGN_OR_RETURN(const size_t received, ReceiveDatagram());
    int left = static_cast<int>(received);
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer_.data());
         nlmsg_ok(header, left); header = nlmsg_next(header, &left)) {
      // Left over from an earlier exchange that was given up.
      if (header->nlmsg_seq - first > last - first) continue;
      if (header->nlmsg_type >= NLMSG_MIN_TYPE) {
        if (on_data) on_data(*header);
        continue;
      }
      if (header->nlmsg_type == NLMSG_OVERRUN)
        return SocketError("receive", EOVERFLOW);
      if (header->nlmsg_type == NLMSG_NOOP) continue;
      // NLMSG_ERROR, or NLMSG_DONE; both begin with a negative errno.
      int code = 0;
      if (nlmsg_datalen(header) >= static_cast<int>(sizeof(code)))
        std::memcpy(&code, nlmsg_data(header), sizeof(code));
      if (code != 0 && answer.error == 0) {
        answer.error = -code;
        answer.message = header->nlmsg_seq - first;
        if (header->nlmsg_type == NLMSG_ERROR &&
            nlmsg_datalen(header) >= static_cast<int>(sizeof(nlmsgerr))) {
          answer.line = QuotedLine(
              *header, *static_cast<const nlmsgerr*>(nlmsg_data(header)));
        }
      }
      // Without the capability nfnetlink answers the first request of a
      // datagram and throws the others away.
      if (header->nlmsg_seq == last || code == -EPERM) return answer;
    }
  }
}

absl::StatusOr<size_t> IpsetChannel::ReceiveDatagram() {
  ssize_t received;
  do {
    received = recv(nl_socket_get_fd(socket_), buffer_.data(), buffer_.size(),
                    MSG_TRUNC);
  } while (received < 0 && errno == EINTR);
  if (received < 0) {
    if (errno == EAGAIN) {
      return absl::UnavailableError(absl::StrCat(
          "ipset: the kernel did not answer within ", kTimeoutSeconds, " s"));
    }
    return SocketError("receive the kernel's answer", errno);
  }
  if (static_cast<size_t>(received) > buffer_.size())
    return SocketError("receive the kernel's answer", EMSGSIZE);
  return static_cast<size_t>(received);
}

}  // namespace netpol
