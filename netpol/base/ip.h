// Addresses and prefixes of both families as plain values.
#ifndef NETPOL_BASE_IP_H_
#define NETPOL_BASE_IP_H_

#include <cstdint>
#include <cstring>
#include <ostream>
#include <string>
#include <utility>

#include "absl/numeric/int128.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace netpol {

enum class Family : uint8_t { kIPv4 = 0, kIPv6 = 1 };

inline constexpr Family kFamilies[] = {Family::kIPv4, Family::kIPv6};

// "IPv4" or "IPv6".
absl::string_view FamilyName(Family family);

// 32 or 128.
inline int AddressBits(Family family) {
  return family == Family::kIPv4 ? 32 : 128;
}

// One address of 20 bytes: addresses are kept by the hundred thousand, and a
// uint128 member would make it 32.
struct IpAddress {
  IpAddress() = default;
  // The bits stand at the low end of `bits`, in host order: 10.0.0.1 is
  // 0x0a000001.
  IpAddress(Family family, absl::uint128 bits) : family(family) {
    std::memcpy(words, &bits, sizeof(words));
  }

  absl::uint128 bits() const {
    absl::uint128 bits;
    std::memcpy(&bits, words, sizeof(words));
    return bits;
  }

  // Reads dotted or colon form. IPv4-mapped IPv6 (::ffff:10.0.0.1) becomes
  // IPv4, as the API server's own parser does; leading zeros in an octet are
  // decimal. Zones, ports and blanks are InvalidArgument.
  static absl::StatusOr<IpAddress> Parse(absl::string_view text);

  std::string ToString() const;

  Family family = Family::kIPv4;
  uint32_t words[4] = {0, 0, 0, 0};  // See bits().

  friend bool operator==(const IpAddress& a, const IpAddress& b) {
    return a.family == b.family && a.bits() == b.bits();
  }
  friend bool operator!=(const IpAddress& a, const IpAddress& b) {
    return !(a == b);
  }
  friend bool operator<(const IpAddress& a, const IpAddress& b) {
    return std::make_pair(a.family, a.bits()) <
           std::make_pair(b.family, b.bits());
  }
  template <typename H>
  friend H AbslHashValue(H h, const IpAddress& a) {
    return H::combine(std::move(h), a.family, a.bits());
  }
  friend std::ostream& operator<<(std::ostream& os, const IpAddress& a) {
    return os << a.ToString();
  }
};

// A block of addresses; host bits of `address` are zero.
struct IpPrefix {
  IpAddress address;
  uint8_t length = 0;  // 0 to AddressBits(family)

  // The prefix of `length` bits that holds `address`; masks the host bits.
  static IpPrefix Of(IpAddress address, int length);
  // The block of just this address.
  static IpPrefix Host(IpAddress address);

  // Reads "address/length". Host bits are masked, as Kubernetes always did
  // (192.168.0.5/24 is 192.168.0.0/24). A missing or too long length is
  // InvalidArgument.
  static absl::StatusOr<IpPrefix> Parse(absl::string_view text);

  Family family() const { return address.family; }
  bool IsHost() const { return length == AddressBits(family()); }
  bool Contains(const IpAddress& other) const;
  bool Contains(const IpPrefix& other) const;
  IpAddress First() const { return address; }
  IpAddress Last() const;

  // "10.0.0.0/8".
  std::string ToString() const;

  friend bool operator==(const IpPrefix& a, const IpPrefix& b) {
    return a.address == b.address && a.length == b.length;
  }
  friend bool operator!=(const IpPrefix& a, const IpPrefix& b) {
    return !(a == b);
  }
  friend bool operator<(const IpPrefix& a, const IpPrefix& b) {
    return std::make_pair(a.address, a.length) <
           std::make_pair(b.address, b.length);
  }
  template <typename H>
  friend H AbslHashValue(H h, const IpPrefix& p) {
    return H::combine(std::move(h), p.address, p.length);
  }
  friend std::ostream& operator<<(std::ostream& os, const IpPrefix& p) {
    return os << p.ToString();
  }
};

// The `length` leading bits set, for an address of `family`.
absl::uint128 PrefixMask(Family family, int length);

}  // namespace netpol

#endif  // NETPOL_BASE_IP_H_
