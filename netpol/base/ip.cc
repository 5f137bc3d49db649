#include "netpol/base/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

absl::Status BadAddress(absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is not an IP address"));
}

bool AllDigits(absl::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("0123456789") == absl::string_view::npos;
}

// inet_pton refuses leading zeros, which old objects may hold.
absl::StatusOr<IpAddress> ParseV4(absl::string_view text) {
  const std::vector<absl::string_view> octets = absl::StrSplit(text, '.');
  if (octets.size() != 4) return BadAddress(text);
  uint32_t bits = 0;
  for (absl::string_view octet : octets) {
    uint32_t value = 0;
    if (!AllDigits(octet) || !absl::SimpleAtoi(octet, &value) || value > 255) {
      return BadAddress(text);
    }
    bits = bits << 8 | value;
  }
  return IpAddress{Family::kIPv4, bits};
}

absl::StatusOr<IpAddress> ParseV6(absl::string_view text) {
  in6_addr raw;
  if (inet_pton(AF_INET6, std::string(text).c_str(), &raw) != 1)
    return BadAddress(text);
  absl::uint128 bits = 0;
  for (uint8_t byte : raw.s6_addr) bits = bits << 8 | byte;
  if (IN6_IS_ADDR_V4MAPPED(&raw)) {
    return IpAddress{Family::kIPv4, bits & 0xffffffffu};
  }
  return IpAddress{Family::kIPv6, bits};
}

}  // namespace

absl::string_view FamilyName(Family family) {
  return family == Family::kIPv4 ? "IPv4" : "IPv6";
}

absl::uint128 PrefixMask(Family family, int length) {
  const int width = AddressBits(family);
  const absl::uint128 all =
      width == 128 ? absl::Uint128Max() : absl::uint128(0xffffffffu);
  return length == 0 ? absl::uint128(0) : all << (width - length) & all;
}

absl::StatusOr<IpAddress> IpAddress::Parse(absl::string_view text) {
  return text.find(':') == absl::string_view::npos ? ParseV4(text)
                                                   : ParseV6(text);
}

std::string IpAddress::ToString() const {
  char buffer[INET6_ADDRSTRLEN];
  if (family == Family::kIPv4) {
    const in_addr raw{htonl(static_cast<uint32_t>(bits()))};
    return inet_ntop(AF_INET, &raw, buffer, sizeof(buffer));
  }
  in6_addr raw;
  for (int i = 0; i < 16; ++i) {
    raw.s6_addr[i] = static_cast<uint8_t>(bits() >> (8 * (15 - i)));
  }
  return inet_ntop(AF_INET6, &raw, buffer, sizeof(buffer));
}

IpPrefix IpPrefix::Of(IpAddress address, int length) {
  return IpPrefix{{address.family,
                   address.bits() & PrefixMask(address.family, length)},
                  static_cast<uint8_t>(length)};
}

IpPrefix IpPrefix::Host(IpAddress address) {
  return IpPrefix{address, static_cast<uint8_t>(AddressBits(address.family))};
}

absl::StatusOr<IpPrefix> IpPrefix::Parse(absl::string_view text) {
  const size_t slash = text.find('/');
  if (slash == absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not a CIDR: it has no /length"));
  }
  ASSIGN_OR_RETURN(IpAddress address, IpAddress::Parse(text.substr(0, slash)));
  const absl::string_view digits = text.substr(slash + 1);
  int length = 0;
  if (!AllDigits(digits) || !absl::SimpleAtoi(digits, &length)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" has no length after the /"));
  }
  // ::ffff:10.0.0.0/104 is 10.0.0.0/8 written in the other family.
  if (address.family == Family::kIPv4 &&
      text.find(':') != absl::string_view::npos) {
    length -= 96;
  }
  if (length < 0 || length > AddressBits(address.family)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" has a length out of range"));
  }
  return Of(address, length);
}

bool IpPrefix::Contains(const IpAddress& other) const {
  return other.family == family() &&
         (other.bits() & PrefixMask(family(), length)) == address.bits();
}

bool IpPrefix::Contains(const IpPrefix& other) const {
  return other.length >= length && Contains(other.address);
}

IpAddress IpPrefix::Last() const {
  const absl::uint128 all = PrefixMask(family(), AddressBits(family()));
  return IpAddress{family(),
                   address.bits() | (all & ~PrefixMask(family(), length))};
}

std::string IpPrefix::ToString() const {
  return absl::StrCat(address.ToString(), "/", length);
}

}  // namespace netpol
