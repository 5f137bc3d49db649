#include "tests/kernel/lab/tcp_pair.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "tests/kernel/lab/socket_address.h"

namespace netpol {
namespace {

absl::StatusOr<FileDescriptor> OpenBound(const NetNs& ns,
                                         const IpAddress& address,
                                         uint16_t port) {
  FileDescriptor fd;
  RETURN_IF_ERROR(ns.Run([&]() -> absl::Status {
    fd = FileDescriptor(socket(AddressDomain(address.family),
                               SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    SocketAddress local(address, port);
    if (!fd.valid() ||
        setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd.get(), local.get(), local.size) != 0) {
      return absl::ErrnoToStatus(
          errno,
          absl::StrCat("binding to ", address.ToString(), " port ", port));
    }
    return absl::OkStatus();
  }));
  return fd;
}

bool Await(int fd, absl::Duration limit) {
  pollfd ready = {fd, POLLIN, 0};
  return poll(&ready, 1, static_cast<int>(absl::ToInt64Milliseconds(limit))) >
         0;
}

absl::StatusOr<bool> Carries(int from, int to, absl::Duration limit) {
  const char sent[] = "netpol";
  if (send(from, sent, sizeof(sent), MSG_NOSIGNAL) != sizeof(sent)) {
    return absl::ErrnoToStatus(errno, "writing to a connection");
  }
  char got[sizeof(sent)];
  return Await(to, limit) &&
         recv(to, got, sizeof(got), MSG_DONTWAIT) == sizeof(sent);
}

}  // namespace

absl::StatusOr<TcpPair> TcpPair::Open(const NetNs& client,
                                      const IpAddress& source,
                                      const NetNs& server,
                                      const IpAddress& destination,
                                      uint16_t port, absl::Duration limit) {
  ASSIGN_OR_RETURN(const FileDescriptor listener,
                   OpenBound(server, destination, port));
  ASSIGN_OR_RETURN(FileDescriptor from, OpenBound(client, source, 0));
  SocketAddress to(destination, port);
  if (listen(listener.get(), 1) != 0 ||
      (connect(from.get(), to.get(), to.size) != 0 && errno != EINPROGRESS)) {
    return absl::ErrnoToStatus(errno, "opening a connection");
  }
  if (!Await(listener.get(), limit)) {
    return absl::UnavailableError("no connection came about");
  }
  FileDescriptor accepted(
      accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  SocketAddress local;
  if (!accepted.valid() ||
      getsockname(from.get(), local.get(), &local.size) != 0) {
    return absl::ErrnoToStatus(errno, "accepting a connection");
  }
  const Flow flow = {source, destination, IPPROTO_TCP, local.port(), port};
  return TcpPair(std::move(from), std::move(accepted), flow);
}

absl::StatusOr<bool> TcpPair::ReachesServer(absl::Duration limit) {
  return Carries(client_.get(), server_.get(), limit);
}

absl::StatusOr<bool> TcpPair::ReachesClient(absl::Duration limit) {
  return Carries(server_.get(), client_.get(), limit);
}

}  // namespace netpol
