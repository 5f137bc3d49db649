// Connections that stay open while rules change.
#ifndef NETPOL_TESTS_KERNEL_STEADY_TRAFFIC_CONVERSATIONS_H_
#define NETPOL_TESTS_KERNEL_STEADY_TRAFFIC_CONVERSATIONS_H_

#include <cstdint>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpol/base/ip.h"
#include "netpol/testing/packet.h"
#include "tests/kernel/lab/packet_lab.h"
#include "tests/kernel/lab/tcp_pair.h"
#include "tests/kernel/lab/udp_flow.h"

namespace netpol {

// How much was sent on open connections, and how much of it was seen to be
// lost. Segments of TCP that are lost are sent again by the kernel: see
// TcpRetransmissions().
struct ConversationTally {
  int64_t sent = 0;
  int64_t lost = 0;
};

// Real TCP connections and UDP flows that are ESTABLISHED for connection
// tracking. `lab` is borrowed and must outlive it. Thread-compatible.
class Conversations {
 public:
  explicit Conversations(PacketLab* lab) : lab_(lab) {}

  // Opens one by `packet`, TCP or UDP, which must be allowed at this moment.
  // False if it cannot be had: neither protocol, or the port is taken.
  absl::StatusOr<bool> Open(const Packet& packet);

  // Something from each end of each to the other.
  absl::Status SayAll();

  size_t size() const { return tcp_.size() + udp_.size(); }
  const ConversationTally& tally(Family family) const {
    return tallies_[static_cast<int>(family)];
  }

 private:
  void Count(Family family, bool arrived);

  PacketLab* lab_;
  std::vector<TcpPair> tcp_;
  std::vector<std::pair<Family, UdpFlow>> udp_;
  std::set<std::pair<IpAddress, uint16_t>> servers_;
  ConversationTally tallies_[2];  // by Family
};

// TCP segments that the namespace `ns` has sent again since it was made.
absl::StatusOr<int64_t> TcpRetransmissions(const NetNs& ns);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_STEADY_TRAFFIC_CONVERSATIONS_H_
