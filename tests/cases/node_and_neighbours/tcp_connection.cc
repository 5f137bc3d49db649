#include "tests/cases/node_and_neighbours/tcp_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

constexpr int kPatienceMs = 5000;

absl::Status Failed(const char* step) {
  return absl::UnavailableError(
      absl::StrCat("TCP connection: ", step, ": ", strerror(errno)));
}

sockaddr_in Endpoint(const IpAddress& address, uint16_t port) {
  sockaddr_in endpoint = {};
  endpoint.sin_family = AF_INET;
  endpoint.sin_port = htons(port);
  endpoint.sin_addr.s_addr = htonl(static_cast<uint32_t>(address.bits()));
  return endpoint;
}

// A socket of the calling thread's namespace, bound.
absl::StatusOr<FileDescriptor> Bound(const IpAddress& address, uint16_t port) {
  FileDescriptor fd(
      socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return Failed("socket");
  // A connection of before may not have been forgotten yet.
  const int reuse = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
  const sockaddr_in local = Endpoint(address, port);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&local),
           sizeof(local)) != 0) {
    return Failed("bind");
  }
  return fd;
}

absl::Status Await(const FileDescriptor& fd, int16_t events, const char* step) {
  pollfd wait = {fd.get(), events, 0};
  if (poll(&wait, 1, kPatienceMs) > 0) return absl::OkStatus();
  errno = ETIMEDOUT;
  return Failed(step);
}

absl::StatusOr<FileDescriptor> Listener(const IpAddress& address,
                                        uint16_t port) {
  ASSIGN_OR_RETURN(FileDescriptor fd, Bound(address, port));
  if (listen(fd.get(), 1) != 0) return Failed("listen");
  return fd;
}

absl::StatusOr<FileDescriptor> Connected(const IpAddress& source,
                                         const IpAddress& destination,
                                         uint16_t port) {
  ASSIGN_OR_RETURN(FileDescriptor fd, Bound(source, 0));
  const sockaddr_in remote = Endpoint(destination, port);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&remote),
              sizeof(remote)) != 0 &&
      errno != EINPROGRESS) {
    return Failed("connect");
  }
  RETURN_IF_ERROR(Await(fd, POLLOUT, "connect"));
  socklen_t size = sizeof(errno);
  int error = 0;
  getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0) return fd;
  errno = error;
  return Failed("connect");
}

}  // namespace

absl::StatusOr<std::unique_ptr<TcpConnection>> TcpConnection::Open(
    const NetNs& client, const IpAddress& source, const NetNs& server,
    const IpAddress& destination, uint16_t port) {
  std::unique_ptr<TcpConnection> connection(new TcpConnection);
  absl::StatusOr<FileDescriptor> listener = absl::UnknownError("not run");
  RETURN_IF_ERROR(server.Run([&] {
    listener = Listener(destination, port);
    return listener.status();
  }));
  RETURN_IF_ERROR(client.Run([&]() -> absl::Status {
    ASSIGN_OR_RETURN(connection->client_, Connected(source, destination, port));
    return absl::OkStatus();
  }));
  RETURN_IF_ERROR(Await(*listener, POLLIN, "accept"));
  connection->server_ =
      FileDescriptor(accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!connection->server_.valid()) return Failed("accept");
  sockaddr_in local = {};
  socklen_t size = sizeof(local);
  getsockname(connection->client_.get(), reinterpret_cast<sockaddr*>(&local),
              &size);
  connection->flow_ = {source, destination, IPPROTO_TCP, ntohs(local.sin_port),
                       port};
  return connection;
}

bool TcpConnection::Carries(const FileDescriptor& from,
                            const FileDescriptor& to) {
  char byte = 'x';
  if (send(from.get(), &byte, 1, MSG_NOSIGNAL) != 1) return false;
  return Await(to, POLLIN, "recv").ok() && recv(to.get(), &byte, 1, 0) == 1;
}

}  // namespace netpol
