#include "tests/apiserver/tcp_relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <list>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

sockaddr_in LoopbackPort(uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// One direction: reads only what it can hand on.
struct Way {
  int from = -1;
  int to = -1;
  std::string pending = {};

  pollfd Waiting() const {
    return pending.empty() ? pollfd{from, POLLIN, 0} : pollfd{to, POLLOUT, 0};
  }

  // False at the end of either side.
  bool Move() {
    if (pending.empty()) {
      char buffer[65536];
      const ssize_t size = recv(from, buffer, sizeof(buffer), MSG_DONTWAIT);
      if (size <= 0) return size < 0 && errno == EAGAIN;
      pending.assign(buffer, static_cast<size_t>(size));
    }
    const ssize_t sent =
        send(to, pending.data(), pending.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    pending.erase(0, static_cast<size_t>(sent));
    return true;
  }
};

struct Relayed {
  Relayed(FileDescriptor client_socket, FileDescriptor server_socket)
      : client(std::move(client_socket)), server(std::move(server_socket)) {
    ways[0] = {client.get(), server.get()};
    ways[1] = {server.get(), client.get()};
  }

  FileDescriptor client;
  FileDescriptor server;
  Way ways[2];
};

void Accept(int listener, uint16_t target, std::list<Relayed>& all) {
  FileDescriptor client(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  FileDescriptor server(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = LoopbackPort(target);
  // Without a server, the client's connection ends, too.
  if (connect(server.get(), reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) == 0) {
    all.emplace_back(std::move(client), std::move(server));
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<TcpRelay>> TcpRelay::Create(uint16_t target,
                                                           const NetNs& ns) {
  auto relay = absl::WrapUnique(new TcpRelay(target, ns));
  RETURN_IF_ERROR(relay->Join());
  return relay;
}

TcpRelay::~TcpRelay() { Cut(); }

std::string TcpRelay::url() const {
  return absl::StrCat("https://127.0.0.1:", port_);
}

void TcpRelay::Cut() {
  if (!thread_.joinable()) return;
  eventfd_write(stop_.get(), 1);
  thread_.join();
  listener_.Close();
}

absl::Status TcpRelay::Join(uint16_t target) {
  Cut();
  if (target != 0) target_ = target;
  RETURN_IF_ERROR(ns_.Run([this] { return Listen(); }));
  stop_ = FileDescriptor(eventfd(0, EFD_CLOEXEC));
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

absl::Status TcpRelay::Listen() {
  listener_ = FileDescriptor(
      socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address = LoopbackPort(port_);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof(address);
  if (bind(listener_.get(), generic, size) != 0 ||
      listen(listener_.get(), 64) != 0 ||
      getsockname(listener_.get(), generic, &size) != 0) {
    return absl::ErrnoToStatus(errno, "listening for a relay");
  }
  port_ = ntohs(address.sin_port);
  return absl::OkStatus();
}

void TcpRelay::Run() {
  std::list<Relayed> all;
  while (true) {
    std::vector<pollfd> ready = {{stop_.get(), POLLIN, 0},
                                 {listener_.get(), POLLIN, 0}};
    for (const Relayed& relayed : all)
      for (const Way& way : relayed.ways) ready.push_back(way.Waiting());
    if (poll(ready.data(), ready.size(), -1) <= 0) continue;
    if (ready[0].revents != 0) return;
    size_t next = 2;
    for (auto it = all.begin(); it != all.end();) {
      bool open = true;
      for (Way& way : it->ways) {
        if (ready[next++].revents != 0 && open) open = way.Move();
      }
      it = open ? std::next(it) : all.erase(it);
    }
    if (ready[1].revents == 0) continue;
    ++connections_;
    Accept(listener_.get(), target_, all);
  }
}

}  // namespace netpol
