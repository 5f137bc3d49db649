#include "tests/kernel/lab/socket_address.h"

#include <netinet/in.h>

#include <cstring>
#include <vector>

#include "tests/kernel/lab/address_bytes.h"

namespace netpol {

int AddressDomain(Family family) {
  return family == Family::kIPv4 ? AF_INET : AF_INET6;
}

SocketAddress::SocketAddress(const IpAddress& address, uint16_t port) {
  const std::vector<uint8_t> bytes = AddressBytes(address);
  storage.ss_family = static_cast<sa_family_t>(AddressDomain(address.family));
  if (address.family == Family::kIPv4) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    v4->sin_port = htons(port);
    memcpy(&v4->sin_addr, bytes.data(), bytes.size());
    size = sizeof(*v4);
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    v6->sin6_port = htons(port);
    memcpy(&v6->sin6_addr, bytes.data(), bytes.size());
    size = sizeof(*v6);
  }
}

IpAddress SocketAddress::address() const {
  if (storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
    return AddressFromBytes(Family::kIPv4,
                            reinterpret_cast<const uint8_t*>(&v4->sin_addr));
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
  return AddressFromBytes(Family::kIPv6, v6->sin6_addr.s6_addr);
}

uint16_t SocketAddress::port() const {
  // Both structures have the port at the same place.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

}  // namespace netpol
