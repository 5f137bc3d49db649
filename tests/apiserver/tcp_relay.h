// The way to a server, which a test can cut and mend.
#ifndef NETPOL_TESTS_APISERVER_TCP_RELAY_H_
#define NETPOL_TESTS_APISERVER_TCP_RELAY_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/kernel/lab/file_descriptor.h"
#include "tests/kernel/lab/netns.h"

namespace netpol {

// Listens on a port of 127.0.0.1, perhaps in another network namespace, and
// passes bytes on to a port of 127.0.0.1 where its maker is. Thread-compatible.
class TcpRelay {
 public:
  // Joined. `ns`, where clients are, must outlive it; its loopback must be up.
  static absl::StatusOr<std::unique_ptr<TcpRelay>> Create(uint16_t target,
                                                          const NetNs& ns);
  ~TcpRelay();  // As Cut().
  TcpRelay(const TcpRelay&) = delete;
  TcpRelay& operator=(const TcpRelay&) = delete;

  std::string url() const;
  // Accepted so far.
  int connections() const { return connections_; }

  // Ends all connections; new ones are refused.
  void Cut();
  // The way is open again, at the same port, to `target` if one is given.
  absl::Status Join(uint16_t target = 0);

 private:
  TcpRelay(uint16_t target, const NetNs& ns) : target_(target), ns_(ns) {}

  absl::Status Listen();
  void Run();

  uint16_t target_;
  const NetNs& ns_;
  uint16_t port_ = 0;  // 0: any, at the first time
  std::atomic<int> connections_ = 0;
  FileDescriptor listener_;
  FileDescriptor stop_;  // eventfd
  std::thread thread_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_APISERVER_TCP_RELAY_H_
