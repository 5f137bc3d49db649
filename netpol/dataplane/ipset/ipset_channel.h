// A socket to the kernel's ipset subsystem.
#ifndef NETPOL_DATAPLANE_IPSET_IPSET_CHANNEL_H_
#define NETPOL_DATAPLANE_IPSET_IPSET_CHANNEL_H_

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "netpol/dataplane/ipset/ipset_messages.h"

struct nl_sock;

namespace netpol {

// What the kernel said to a row of requests.
struct IpsetAnswer {
  // Of the first request that was refused: an errno value or an IPSET_ERR_*;
  // 0 when none was.
  int error = 0;
  // The index of that request, and the line number of the member at fault, from
  // 1; 0 when it was not one member.
  size_t message = 0;
  uint32_t line = 0;
};

// Belongs to the network namespace of the thread that opened it, whoever uses
// it later. Thread-compatible.
class IpsetChannel {
 public:
  // Called with each message that the kernel sends as data.
  using DataHandler = std::function<void(const nlmsghdr&)>;

  // Sends nothing yet.
  static absl::StatusOr<std::unique_ptr<IpsetChannel>> Open();

  ~IpsetChannel();
  IpsetChannel(const IpsetChannel&) = delete;
  IpsetChannel& operator=(const IpsetChannel&) = delete;

  // Sends `messages` in as few system calls as the socket's buffer allows, with
  // an acknowledgement asked for the last of each; stops after a call in which
  // one was refused. A dump stands alone. An error status (Unavailable) means
  // that the socket failed or that no answer came for five seconds: what the
  // kernel did is then unknown.
  absl::StatusOr<IpsetAnswer> Transact(
      absl::Span<const NetlinkMessage> messages,
      const DataHandler& on_data = nullptr);

 private:
  explicit IpsetChannel(nl_sock* socket);

  // Number and flag `messages`, and send them as one datagram.
  absl::Status Send(absl::Span<const NetlinkMessage> messages);
  // Read until the request numbered `last` is answered.
  absl::StatusOr<IpsetAnswer> Receive(uint32_t first, uint32_t last,
                                      const DataHandler& on_data);
  absl::StatusOr<size_t> ReceiveDatagram();

  nl_sock* socket_;
  size_t send_limit_ = 0;
  uint32_t sequence_ = 0;
  std::vector<char> buffer_;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_IPSET_IPSET_CHANNEL_H_
