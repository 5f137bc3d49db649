#include "tests/kernel/lab/address_bytes.h"

namespace netpol {

std::vector<uint8_t> AddressBytes(const IpAddress& address) {
  std::vector<uint8_t> bytes(AddressBits(address.family) / 8);
  absl::uint128 bits = address.bits();
  for (auto it = bytes.rbegin(); it != bytes.rend(); ++it) {
    *it = static_cast<uint8_t>(bits);
    bits >>= 8;
  }
  return bytes;
}

IpAddress AddressFromBytes(Family family, const uint8_t* bytes) {
  absl::uint128 bits = 0;
  for (int i = 0; i < AddressBits(family) / 8; ++i) {
    bits = (bits << 8) | absl::uint128(bytes[i]);
  }
  return {family, bits};
}

}  // namespace netpol
