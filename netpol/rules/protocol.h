// IP protocol numbers as iptables and ipset write them.
#ifndef NETPOL_RULES_PROTOCOL_H_
#define NETPOL_RULES_PROTOCOL_H_

#include <cstdint>
#include <string>

namespace netpol {

// "tcp", "udp", "sctp", "icmp", "ipv6-icmp", or the number.
std::string ProtocolText(uint8_t protocol);

}  // namespace netpol

#endif  // NETPOL_RULES_PROTOCOL_H_
