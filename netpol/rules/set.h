// IP sets as values: what a set is, and what is in it.
#ifndef NETPOL_RULES_SET_H_
#define NETPOL_RULES_SET_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"
#include "netpol/rules/names.h"

namespace netpol {

enum class SetType : uint8_t {
  kHashIp,      // addresses
  kHashNet,     // prefixes, never of length 0 (the kernel refuses it)
  kHashIpPort,  // address, protocol and port
};

// "hash:ip", "hash:net", "hash:ip,port".
absl::string_view SetTypeName(SetType type);

// One element. Fields that the set's type does not have stay at their defaults,
// so that equal members are equal values.
struct SetMember {
  IpPrefix prefix;       // a host prefix but in hash:net
  uint8_t protocol = 0;  // IPPROTO_*, hash:ip,port only
  uint16_t port = 0;     // hash:ip,port only

  static SetMember Address(IpAddress address) {
    return {IpPrefix::Host(address)};
  }
  static SetMember Net(IpPrefix prefix) { return {prefix}; }
  static SetMember AddressPort(IpAddress address, uint8_t protocol,
                               uint16_t port) {
    return {IpPrefix::Host(address), protocol, port};
  }

  // As `ipset list` writes it: "10.0.0.1", "10.0.0.0/8", "10.0.0.1,tcp:80".
  std::string ToString() const;

  friend bool operator==(const SetMember& a, const SetMember& b) {
    return a.prefix == b.prefix && a.protocol == b.protocol && a.port == b.port;
  }
  friend bool operator!=(const SetMember& a, const SetMember& b) {
    return !(a == b);
  }
  friend bool operator<(const SetMember& a, const SetMember& b) {
    return std::tie(a.prefix, a.protocol, a.port) <
           std::tie(b.prefix, b.protocol, b.port);
  }
  template <typename H>
  friend H AbslHashValue(H h, const SetMember& m) {
    return H::combine(std::move(h), m.prefix, m.protocol, m.port);
  }
  friend std::ostream& operator<<(std::ostream& os, const SetMember& m) {
    return os << m.ToString();
  }
};

// What a set is, apart from its members.
struct SetSpec {
  SetName name;
  SetType type = SetType::kHashIp;
  Family family = Family::kIPv4;
  // Most members the kernel will take; more is an error there.
  uint32_t max_elements = 65536;

  friend bool operator==(const SetSpec& a, const SetSpec& b) {
    return a.name == b.name && a.type == b.type && a.family == b.family &&
           a.max_elements == b.max_elements;
  }
  friend bool operator!=(const SetSpec& a, const SetSpec& b) {
    return !(a == b);
  }
};

// The hashsize to create a set of `members` with: the power of two at or above,
// at least 64. Growing later costs an RCU grace period for every doubling.
uint32_t HashSizeFor(size_t members);

// The capacity for a set of `members`: 65536, or twice the next power of two.
uint32_t MaxElementsFor(size_t members);

}  // namespace netpol

#endif  // NETPOL_RULES_SET_H_
