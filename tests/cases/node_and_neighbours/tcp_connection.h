// One TCP connection that stays open, by the sockets of two namespaces.
#ifndef NETPOL_TESTS_CASES_NODE_AND_NEIGHBOURS_TCP_CONNECTION_H_
#define NETPOL_TESTS_CASES_NODE_AND_NEIGHBOURS_TCP_CONNECTION_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "netpol/base/ip.h"
#include "tests/kernel/lab/file_descriptor.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/packet_builder.h"

namespace netpol {

// Thread-compatible. Closed with this object.
class TcpConnection {
 public:
  // From `source`, an address of `client`, to `port` of `destination`, an
  // address of `server`. Unavailable if it is refused or does not come about
  // in some seconds.
  static absl::StatusOr<std::unique_ptr<TcpConnection>> Open(
      const NetNs& client, const IpAddress& source, const NetNs& server,
      const IpAddress& destination, uint16_t port);

  // Whether a new byte, sent by one end, reaches the other in some seconds.
  bool CarriesForward() { return Carries(client_, server_); }
  bool CarriesBack() { return Carries(server_, client_); }

  // As the client sees it.
  const Flow& flow() const { return flow_; }

 private:
  TcpConnection() = default;

  static bool Carries(const FileDescriptor& from, const FileDescriptor& to);

  FileDescriptor client_;
  FileDescriptor server_;
  Flow flow_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_CASES_NODE_AND_NEIGHBOURS_TCP_CONNECTION_H_
