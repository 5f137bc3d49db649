// One TCP connection on real sockets, both ends held.
#ifndef NETPOL_TESTS_KERNEL_LAB_TCP_PAIR_H_
#define NETPOL_TESTS_KERNEL_LAB_TCP_PAIR_H_

#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "netpol/base/ip.h"
#include "tests/kernel/lab/file_descriptor.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/packet_builder.h"

namespace netpol {

// A connection between two namespaces that stays open.
//
// Thread-compatible.
class TcpPair {
 public:
  // From `source` in `client` to `destination` in `server`, at a free port.
  // Unavailable if it did not come about within `limit`.
  static absl::StatusOr<TcpPair> Open(const NetNs& client,
                                      const IpAddress& source,
                                      const NetNs& server,
                                      const IpAddress& destination,
                                      uint16_t port,
                                      absl::Duration limit = absl::Seconds(3));

  // Whether what one end writes now gets to the other within `limit`.
  absl::StatusOr<bool> ReachesServer(absl::Duration limit = absl::Seconds(3));
  absl::StatusOr<bool> ReachesClient(absl::Duration limit = absl::Seconds(3));

  // From client to server.
  const Flow& flow() const { return flow_; }

 private:
  TcpPair(FileDescriptor client, FileDescriptor server, Flow flow)
      : client_(std::move(client)), server_(std::move(server)), flow_(flow) {}

  FileDescriptor client_;
  FileDescriptor server_;
  Flow flow_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_TCP_PAIR_H_
