#include "netpol/dataplane/nft/nft_socket.h"

#include <linux/netlink.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

constexpr int kTimeoutSeconds = 5;

absl::Status SocketError(absl::string_view what, int error) {
  return absl::UnavailableError(
      absl::StrCat("nf_tables: ", what, ": ", std::strerror(error)));
}

// The privileged option goes beyond net.core.[rw]mem_max.
void EnlargeBuffer(int fd, int forced_option, int option, int bytes) {
  if (setsockopt(fd, SOL_SOCKET, forced_option, &bytes, sizeof(bytes)) != 0)
    setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof(bytes));
}

}  // namespace

void NftSocketDeleter::operator()(nl_sock* socket) const {
  nl_socket_free(socket);
}

absl::StatusOr<NftSocket> OpenNftSocket(int receive_bytes) {
  NftSocket socket(nl_socket_alloc());
  if (socket == nullptr) return absl::ResourceExhaustedError("no memory");
  if (int error = nl_connect(socket.get(), NETLINK_NETFILTER); error < 0) {
    return absl::UnimplementedError(absl::StrCat(
        "nf_tables: cannot open a netlink socket of the netfilter family: ",
        nl_geterror(error), "; kernel module nfnetlink is needed"));
  }
  const int fd = nl_socket_get_fd(socket.get());
  EnlargeBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, receive_bytes);
  const timeval timeout = {kTimeoutSeconds, 0};
  if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0)
    return SocketError("set a receive timeout", errno);
  // A refusal need not quote the whole request.
  const int on = 1;
  setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
  return socket;
}

void ReserveSendBuffer(nl_sock* socket, size_t bytes) {
  // The kernel wants 32 bytes below the buffer's size (netlink_sendmsg), and
  // doubles what it is told.
  const int fd = nl_socket_get_fd(socket);
  int size = 0;
  socklen_t length = sizeof(size);
  if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &length) == 0 &&
      static_cast<size_t>(size) > bytes + 32) {
    return;
  }
  EnlargeBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF,
                static_cast<int>(std::min<size_t>(bytes + 64, INT_MAX / 2)));
}

absl::Status SendDatagram(nl_sock* socket, absl::string_view bytes) {
  ReserveSendBuffer(socket, bytes.size());
  sockaddr_nl kernel = {};
  kernel.nl_family = AF_NETLINK;
  ssize_t sent;
  do {
    sent = sendto(nl_socket_get_fd(socket), bytes.data(), bytes.size(), 0,
                  reinterpret_cast<const sockaddr*>(&kernel), sizeof(kernel));
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    return SocketError(
        absl::StrCat("send ", bytes.size(), " bytes of netlink messages"),
        errno);
  }
  return absl::OkStatus();
}

absl::StatusOr<Datagram> ReceiveDatagram(nl_sock* socket, Patience patience,
                                         std::vector<char>& buffer) {
  const int flags =
      MSG_TRUNC | (patience == Patience::kNone ? MSG_DONTWAIT : 0);
  ssize_t received;
  do {
    received =
        recv(nl_socket_get_fd(socket), buffer.data(), buffer.size(), flags);
  } while (received < 0 && errno == EINTR);
  if (received >= 0) {
    const size_t bytes = static_cast<size_t>(received);
    return Datagram{std::min(bytes, buffer.size()), bytes > buffer.size()};
  }
  if (errno == ENOBUFS) return Datagram{0, true};
  if (errno != EAGAIN && errno != EWOULDBLOCK)
    return SocketError("receive from the kernel", errno);
  if (patience == Patience::kNone) return Datagram{};
  return absl::UnavailableError(absl::StrCat(
      "nf_tables: the kernel did not answer within ", kTimeoutSeconds, " s"));
}

}  // namespace netpol
