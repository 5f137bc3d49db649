// A first packet of a connection, as far as a network policy can see it.
#ifndef NETPOL_TESTING_PACKET_H_
#define NETPOL_TESTING_PACKET_H_

#include <netinet/in.h>

#include <cstdint>
#include <ostream>
#include <string>

#include "netpol/base/ip.h"

namespace netpol {

struct Packet {
  IpAddress source;
  IpAddress destination;
  uint8_t protocol = IPPROTO_TCP;  // An IPPROTO_ number.
  uint16_t destination_port = 0;   // Host order; 0 where there are no ports.

  // "TCP 10.42.0.5 -> 10.42.0.6 port 80".
  std::string ToString() const;

  friend bool operator==(const Packet& a, const Packet& b) {
    return a.source == b.source && a.destination == b.destination &&
           a.protocol == b.protocol && a.destination_port == b.destination_port;
  }
  friend std::ostream& operator<<(std::ostream& os, const Packet& packet) {
    return os << packet.ToString();
  }
};

}  // namespace netpol

#endif  // NETPOL_TESTING_PACKET_H_
