#include "netpol/daemon/bounded_stream.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace netpol {
namespace {

void IpAndPort(const sockaddr_storage& address, socklen_t length,
               std::string& ip, int& port) {
  char host[NI_MAXHOST];
  char service[NI_MAXSERV];
  if (getnameinfo(reinterpret_cast<const sockaddr*>(&address), length, host,
                  sizeof(host), service, sizeof(service),
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return;
  }
  ip = host;
  port = std::atoi(service);
}

}  // namespace

BoundedStream::BoundedStream(socket_t socket, const StreamLimits& limits)
    : socket_(socket),
      request_end_(Clock::now() + limits.request),
      reply_end_(Clock::now() + limits.reply),
      bytes_left_(limits.request_bytes) {}

// NOLINTNEXTLINE(google-runtime-int): the type of poll(2).
bool BoundedStream::Await(short event, Clock::time_point end) const {
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - Clock::now());
    if (left.count() <= 0) return false;
    pollfd waiting = {socket_, event, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

bool BoundedStream::is_readable() const {
  return begin_ < end_ || Await(POLLIN, request_end_);
}

bool BoundedStream::is_writable() const { return Await(POLLOUT, reply_end_); }

bool BoundedStream::Fill() {
  const size_t most = std::min(bytes_left_, buffer_.size());
  if (most == 0 || !Await(POLLIN, request_end_)) return false;
  const ssize_t got = recv(socket_, buffer_.data(), most, 0);
  if (got <= 0) return false;
  begin_ = 0;
  end_ = static_cast<size_t>(got);
  bytes_left_ -= end_;
  return true;
}

ssize_t BoundedStream::read(char* bytes, size_t size) {
  if (begin_ == end_ && !Fill()) return -1;
  const size_t taken = std::min(size, end_ - begin_);
  std::memcpy(bytes, buffer_.data() + begin_, taken);
  begin_ += taken;
  return static_cast<ssize_t>(taken);
}

ssize_t BoundedStream::write(const char* bytes, size_t size) {
  if (!is_writable()) return -1;
  return send(socket_, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void BoundedStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address = {};
  socklen_t length = sizeof(address);
  if (getpeername(socket_, reinterpret_cast<sockaddr*>(&address), &length) == 0)
    IpAndPort(address, length, ip, port);
}

void BoundedStream::get_local_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address = {};
  socklen_t length = sizeof(address);
  if (getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length) == 0)
    IpAndPort(address, length, ip, port);
}

}  // namespace netpol
