#include "tests/kernel/lab/lab_server.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "netpol/base/status_macros.h"
#include "tests/kernel/lab/socket_address.h"

namespace netpol {
namespace {

constexpr int kBacklog = 64;
constexpr timeval kSendLimit = {2, 0};  // for a client that does not read

int SocketType(uint8_t protocol) {
  return protocol == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;
}

absl::StatusOr<FileDescriptor> OpenServer(const IpAddress& at, uint8_t protocol,
                                          uint16_t port) {
  const std::string what =
      absl::StrCat("serving ", at.ToString(), " port ", port);
  FileDescriptor fd(socket(AddressDomain(at.family),
                           SocketType(protocol) | SOCK_CLOEXEC | SOCK_NONBLOCK,
                           0));
  if (!fd.valid()) return absl::ErrnoToStatus(errno, what);
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  SocketAddress local(at, port);
  if (bind(fd.get(), local.get(), local.size) != 0 ||
      (protocol == IPPROTO_TCP && listen(fd.get(), kBacklog) != 0)) {
    return absl::ErrnoToStatus(errno, what);
  }
  return fd;
}

bool IsRefusal(int error) {
  return error == ECONNREFUSED || error == ECONNRESET || error == EPERM ||
         error == EHOSTUNREACH || error == ENETUNREACH || error == EACCES;
}

// Waits for `events` until `end`.
bool Await(int fd, int16_t events, absl::Time end) {
  for (;;) {
    const absl::Duration left = end - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    pollfd ready = {fd, events, 0};
    const int count = poll(&ready, 1,
                           static_cast<int>(absl::ToInt64Milliseconds(
                               absl::Ceil(left, absl::Milliseconds(1)))));
    if (count > 0) return true;
  }
}

// An ICMP error that came while the socket was busy with connect() is only
// remembered, until the next retransmission. Its error queue tells at once.
int PendingError(int fd) {
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return error;
  alignas(cmsghdr) char control[512];
  char quoted[512];
  iovec part = {quoted, sizeof(quoted)};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if ((header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_RECVERR) ||
        (header->cmsg_level == IPPROTO_IPV6 &&
         header->cmsg_type == IPV6_RECVERR)) {
      sock_extended_err extended;
      memcpy(&extended, CMSG_DATA(header), sizeof(extended));
      return static_cast<int>(extended.ee_errno);
    }
  }
  return 0;
}

absl::StatusOr<CallResult> Failed(int error, const CallSpec& spec) {
  if (IsRefusal(error)) return CallResult{CallOutcome::kRefused, ""};
  if (error == ETIMEDOUT) return CallResult{CallOutcome::kSilent, ""};
  return absl::ErrnoToStatus(
      error, absl::StrCat("calling ", spec.destination.ToString(), " port ",
                          spec.port));
}

// Reads a datagram, or a stream to its end.
absl::StatusOr<CallResult> ReadAnswer(int fd, const CallSpec& spec,
                                      absl::Time end) {
  CallResult result;
  char buffer[65536];
  while (Await(fd, POLLIN, end)) {
    const ssize_t got = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) continue;
    if (got < 0) return Failed(errno, spec);
    result.text.append(buffer, static_cast<size_t>(got));
    if (got == 0 || spec.protocol == IPPROTO_UDP) {
      result.outcome = CallOutcome::kAnswered;
      return result;
    }
  }
  return result;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LabServer>> LabServer::Start(const NetNs& ns,
                                                            const IpAddress& at,
                                                            uint8_t protocol,
                                                            uint16_t port,
                                                            Answer answer) {
  FileDescriptor stop(eventfd(0, EFD_CLOEXEC));
  if (!stop.valid()) return absl::ErrnoToStatus(errno, "making an event");
  FileDescriptor socket;
  RETURN_IF_ERROR(ns.Run([&]() -> absl::Status {
    ASSIGN_OR_RETURN(socket, OpenServer(at, protocol, port));
    return absl::OkStatus();
  }));
  std::unique_ptr<LabServer> server(new LabServer(
      std::move(socket), std::move(stop), protocol, std::move(answer)));
  LabServer* borrowed = server.get();
  const int ns_fd = ns.fd();
  std::atomic<int> error = -1;
  server->thread_ = std::thread([borrowed, ns_fd, &error] {
    const bool entered = setns(ns_fd, CLONE_NEWNET) == 0;
    error = entered ? 0 : errno;
    error.notify_one();
    if (entered) borrowed->Serve();
  });
  error.wait(-1);
  if (error != 0) return absl::ErrnoToStatus(error, "entering a namespace");
  return server;
}

LabServer::LabServer(FileDescriptor socket, FileDescriptor stop,
                     uint8_t protocol, Answer answer)
    : socket_(std::move(socket)),
      stop_(std::move(stop)),
      protocol_(protocol),
      answer_(std::move(answer)) {}

LabServer::~LabServer() {
  const uint64_t one = 1;
  if (write(stop_.get(), &one, sizeof(one)) < 0) return;  // cannot happen
  thread_.join();
}

void LabServer::Serve() {
  for (;;) {
    pollfd ready[2] = {{stop_.get(), POLLIN, 0}, {socket_.get(), POLLIN, 0}};
    if (poll(ready, 2, -1) < 0) continue;
    if (ready[0].revents != 0) return;
    if (protocol_ == IPPROTO_TCP) {
      AnswerTcp();
    } else {
      AnswerUdp();
    }
  }
}

void LabServer::AnswerTcp() {
  SocketAddress from;
  const FileDescriptor client(
      accept4(socket_.get(), from.get(), &from.size, SOCK_CLOEXEC));
  if (!client.valid()) return;
  ++calls_;
  setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &kSendLimit,
             sizeof(kSendLimit));
  const std::string text = answer_(from.address());
  size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t some = send(client.get(), text.data() + sent,
                              text.size() - sent, MSG_NOSIGNAL);
    if (some <= 0) return;
    sent += static_cast<size_t>(some);
  }
}

void LabServer::AnswerUdp() {
  SocketAddress from;
  char buffer[2048];
  if (recvfrom(socket_.get(), buffer, sizeof(buffer), 0, from.get(),
               &from.size) < 0) {
    return;
  }
  ++calls_;
  const std::string text = answer_(from.address());
  // A client that is gone shows in what it did not hear.
  (void)!sendto(socket_.get(), text.data(), text.size(), 0, from.get(),
                from.size);
}

std::ostream& operator<<(std::ostream& os, CallOutcome outcome) {
  switch (outcome) {
    case CallOutcome::kAnswered:
      return os << "answered";
    case CallOutcome::kRefused:
      return os << "refused";
    case CallOutcome::kSilent:
      break;
  }
  return os << "silent";
}

absl::StatusOr<CallResult> Call(const NetNs& ns, const CallSpec& spec) {
  absl::StatusOr<CallResult> result = absl::UnknownError("not called");
  RETURN_IF_ERROR(ns.Run([&] {
    result = CallFromHere(spec);
    return absl::OkStatus();
  }));
  return result;
}

absl::StatusOr<CallResult> CallFromHere(const CallSpec& spec) {
  const absl::Time end = absl::Now() + spec.limit;
  const FileDescriptor fd(
      socket(AddressDomain(spec.destination.family),
             SocketType(spec.protocol) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return Failed(errno, spec);
  if (spec.source) {
    SocketAddress from(*spec.source, 0);
    if (bind(fd.get(), from.get(), from.size) != 0) return Failed(errno, spec);
  }
  const int on = 1;
  if (spec.destination.family == Family::kIPv4) {
    setsockopt(fd.get(), IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
  } else {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
  }
  SocketAddress to(spec.destination, spec.port);
  if (connect(fd.get(), to.get(), to.size) != 0 && errno != EINPROGRESS) {
    return Failed(errno, spec);
  }
  if (spec.protocol == IPPROTO_UDP) {
    if (send(fd.get(), "?", 1, MSG_NOSIGNAL) < 0) return Failed(errno, spec);
  } else {
    if (!Await(fd.get(), POLLOUT, end)) return CallResult{};
    const int error = PendingError(fd.get());
    if (error != 0) return Failed(error, spec);
  }
  return ReadAnswer(fd.get(), spec, end);
}

}  // namespace netpol
