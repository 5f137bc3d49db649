#include "netpol/rules/protocol.h"

#include <netinet/in.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace netpol {

std::string ProtocolText(uint8_t protocol) {
  switch (protocol) {
    case IPPROTO_TCP:
      return "tcp";
    case IPPROTO_UDP:
      return "udp";
    case IPPROTO_SCTP:
      return "sctp";
    case IPPROTO_ICMP:
      return "icmp";
    case IPPROTO_ICMPV6:
      return "ipv6-icmp";
    default:
      return absl::StrCat(protocol);
  }
}

}  // namespace netpol
