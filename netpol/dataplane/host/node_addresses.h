// The addresses of this machine, now and as they change.
#ifndef NETPOL_DATAPLANE_HOST_NODE_ADDRESSES_H_
#define NETPOL_DATAPLANE_HOST_NODE_ADDRESSES_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "netpol/base/ip.h"

struct nl_sock;

namespace netpol {

// Every address of the calling thread's network namespace: of all links, those
// that are down and loopback included, both families, sorted, each once. They
// are what the kernel takes for its own while their link is up (addrtype LOCAL;
// 127.0.0.0/8 stands here as the one address that is configured).
// Unavailable if the kernel does not answer.
absl::StatusOr<std::vector<IpAddress>> ReadNodeAddresses();

// Follows the addresses of one network namespace: that of the thread that made
// it, whoever uses it later. Thread-compatible.
class NodeAddressWatcher {
 public:
  // addresses() is what ReadNodeAddresses() would tell; no change after that is
  // missed. Unavailable if the kernel does not answer.
  static absl::StatusOr<std::unique_ptr<NodeAddressWatcher>> Create();

  ~NodeAddressWatcher();
  NodeAddressWatcher(const NodeAddressWatcher&) = delete;
  NodeAddressWatcher& operator=(const NodeAddressWatcher&) = delete;

  // Readable when Poll() has something to do. Stays ours.
  int fd() const;

  // Reads what the kernel has told, without waiting for more, and lists the
  // addresses anew if it told anything or had to drop some of it. True if
  // addresses() is now another list. After an error the list is the old one,
  // and the next call tries again.
  absl::StatusOr<bool> Poll();

  const std::vector<IpAddress>& addresses() const { return addresses_; }

 private:
  NodeAddressWatcher(nl_sock* events, nl_sock* requests);

  nl_sock* events_;
  nl_sock* requests_;
  bool stale_ = false;
  std::vector<IpAddress> addresses_;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_HOST_NODE_ADDRESSES_H_
