// What is asked: one connection, or one on every port.
#ifndef NETPOL_EXPLAIN_PATH_QUESTION_H_
#define NETPOL_EXPLAIN_PATH_QUESTION_H_

#include <netinet/in.h>

#include <cstdint>

#include "absl/types/optional.h"
#include "netpol/base/ip.h"

namespace netpol {

// The first packet of a new connection. Both addresses are of one family; an
// unspecified one (0.0.0.0, ::) stands for an address that nobody knows.
struct PathQuestion {
  IpAddress source;
  IpAddress destination;
  // IPPROTO_TCP, _UDP, _SCTP; IPPROTO_ICMP or _ICMPV6 by the family: an echo
  // request.
  uint8_t protocol = IPPROTO_TCP;
  // From 1; nothing: every port. ICMP has none.
  absl::optional<uint16_t> port;
  // The address is one of this node's own.
  bool source_is_node = false;
  bool destination_is_node = false;

  bool is_icmp() const {
    return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
  }
  // There are ports, and none of them was named.
  bool asks_every_port() const { return !port && !is_icmp(); }
};

}  // namespace netpol

#endif  // NETPOL_EXPLAIN_PATH_QUESTION_H_
