// Addresses as they stand in packets and in the kernel's structures.
#ifndef NETPOL_TESTS_KERNEL_LAB_ADDRESS_BYTES_H_
#define NETPOL_TESTS_KERNEL_LAB_ADDRESS_BYTES_H_

#include <cstdint>
#include <vector>

#include "netpol/base/ip.h"

namespace netpol {

// 4 or 16 bytes in network order.
std::vector<uint8_t> AddressBytes(const IpAddress& address);

// Reads 4 or 16 bytes, by family.
IpAddress AddressFromBytes(Family family, const uint8_t* bytes);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_ADDRESS_BYTES_H_
