// A netlink socket of the netfilter family, sized for whole tables.
#ifndef NETPOL_DATAPLANE_NFT_NFT_SOCKET_H_
#define NETPOL_DATAPLANE_NFT_NFT_SOCKET_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct nl_sock;

namespace netpol {

struct NftSocketDeleter {
  void operator()(nl_sock* socket) const;
};
using NftSocket = std::unique_ptr<nl_sock, NftSocketDeleter>;

// Connected, in the network namespace of the calling thread, with a receive
// buffer of `receive_bytes` as far as the process may have it; gives up an
// answer after five seconds. Unimplemented where the kernel has no nfnetlink.
absl::StatusOr<NftSocket> OpenNftSocket(int receive_bytes);

// Makes room for one datagram of `bytes`, beyond net.core.wmem_max where the
// process may (SO_SNDBUFFORCE).
void ReserveSendBuffer(nl_sock* socket, size_t bytes);

// Sends `bytes` to the kernel as one datagram. Unavailable if that fails.
absl::Status SendDatagram(nl_sock* socket, absl::string_view bytes);

enum class Patience {
  kNone,  // an answer must be there already
  kWait,  // up to the socket's five seconds
};

// What came in, or why not.
struct Datagram {
  // Of the buffer; 0 if there is none (yet).
  size_t bytes = 0;
  // The kernel dropped messages for want of room, or this one was longer than
  // the buffer: some are missing. The next call reads on.
  bool lost = false;
};

// Reads one datagram into `buffer`. Unavailable if the socket fails, or if
// nothing comes though it waits.
absl::StatusOr<Datagram> ReceiveDatagram(nl_sock* socket, Patience patience,
                                         std::vector<char>& buffer);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_NFT_NFT_SOCKET_H_
