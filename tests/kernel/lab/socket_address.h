// Addresses in the form that socket calls take.
#ifndef NETPOL_TESTS_KERNEL_LAB_SOCKET_ADDRESS_H_
#define NETPOL_TESTS_KERNEL_LAB_SOCKET_ADDRESS_H_

#include <sys/socket.h>

#include <cstdint>

#include "netpol/base/ip.h"

namespace netpol {

// AF_INET or AF_INET6.
int AddressDomain(Family family);

// A sockaddr_in or sockaddr_in6 with its length.
struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = sizeof(sockaddr_storage);

  SocketAddress() = default;
  SocketAddress(const IpAddress& address, uint16_t port);

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  IpAddress address() const;
  uint16_t port() const;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_SOCKET_ADDRESS_H_
