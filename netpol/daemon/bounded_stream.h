// A connection of a server that does not trust who connects.
#ifndef NETPOL_DAEMON_BOUNDED_STREAM_H_
#define NETPOL_DAEMON_BOUNDED_STREAM_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <string>

#include "httplib.h"

namespace netpol {

// How much one connection may take.
struct StreamLimits {
  std::chrono::milliseconds request{2000};  // from its begin to the last byte
  std::chrono::milliseconds reply{10000};   // likewise from its begin
  size_t request_bytes = size_t{16} * 1024;
};

// A stream over a connected socket that ends when its time or its bytes are
// used up, however slowly or steadily they come: what is left looks like the
// end of the connection. Thread-compatible.
class BoundedStream : public httplib::Stream {
 public:
  // `socket` stays the caller's, and must outlive the stream.
  BoundedStream(socket_t socket, const StreamLimits& limits);

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* bytes, size_t size) override;
  ssize_t write(const char* bytes, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  using Clock = std::chrono::steady_clock;

  // Whether `event` of poll(2) comes before `end`.
  bool Await(short event, Clock::time_point end) const;
  // The next part of what is sent; false at the end.
  bool Fill();

  socket_t socket_;
  Clock::time_point request_end_;
  Clock::time_point reply_end_;
  size_t bytes_left_;
  // The library reads byte by byte.
  std::array<char, 2048> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_DAEMON_BOUNDED_STREAM_H_
