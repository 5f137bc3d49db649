#include "netpol/dataplane/ipset/set_listing.h"

#include <netinet/in.h>

// After the C library, which it then leaves alone.
#include <linux/netfilter.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "absl/numeric/int128.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "netpol/rules/set.h"
#include "netpol/sync/dataplane.h"

namespace netpol {
namespace {

// Of a set's head; since Linux 6.2, so not in every ip_set.h.
constexpr int kAttrBitmask = 12;

// The value of attribute `index`, a number of the kernel's in network order.
template <typename T>
absl::optional<T> Number(nlattr* const* attributes, int index) {
  const nlattr* attribute = attributes[index];
  if (attribute == nullptr ||
      nla_len(attribute) < static_cast<int>(sizeof(T))) {
    return absl::nullopt;
  }
  T value;
  std::memcpy(&value, nla_data(attribute), sizeof(T));
  if constexpr (sizeof(T) == 4) return ntohl(value);
  if constexpr (sizeof(T) == 2) return ntohs(value);
  return value;
}

absl::string_view Text(const nlattr* attribute) {
  if (attribute == nullptr) return "";
  const auto* text = static_cast<const char*>(nla_data(attribute));
  return absl::string_view(text, strnlen(text, nla_len(attribute)));
}

absl::optional<IpAddress> ReadAddress(nlattr* nest) {
  nlattr* attributes[IPSET_ATTR_IPADDR_MAX + 1];
  if (nest == nullptr ||
      nla_parse_nested(attributes, IPSET_ATTR_IPADDR_MAX, nest, nullptr) < 0) {
    return absl::nullopt;
  }
  if (const auto ipv4 = Number<uint32_t>(attributes, IPSET_ATTR_IPADDR_IPV4))
    return IpAddress{Family::kIPv4, *ipv4};
  const nlattr* ipv6 = attributes[IPSET_ATTR_IPADDR_IPV6];
  if (ipv6 == nullptr || nla_len(ipv6) != 16) return absl::nullopt;
  const auto* bytes = static_cast<const uint8_t*>(nla_data(ipv6));
  absl::uint128 bits = 0;
  for (int i = 0; i < 16; ++i) bits = bits << 8 | bytes[i];
  return IpAddress{Family::kIPv6, bits};
}

absl::optional<SetType> OurType(absl::string_view name) {
  for (SetType type :
       {SetType::kHashIp, SetType::kHashNet, SetType::kHashIpPort}) {
    if (name == SetTypeName(type)) return type;
  }
  return absl::nullopt;
}

SetType NearestType(absl::string_view name) {
  if (absl::StrContains(name, "net")) return SetType::kHashNet;
  if (absl::StrContains(name, "port")) return SetType::kHashIpPort;
  return SetType::kHashIp;
}

// What kind of set it is, and how many members it has; the message that begins
// a set has it.
void ReadHead(nlattr* const* attributes, ObservedSet& set, size_t& size) {
  const absl::string_view type = Text(attributes[IPSET_ATTR_TYPENAME]);
  const auto family = Number<uint8_t>(attributes, IPSET_ATTR_FAMILY);
  set.spec.type = OurType(type).value_or(NearestType(type));
  const Family named = set.spec.family;
  if (family == NFPROTO_IPV4) set.spec.family = Family::kIPv4;
  if (family == NFPROTO_IPV6) set.spec.family = Family::kIPv6;
  set.foreign_content = !OurType(type).has_value() || set.spec.family != named;
  set.spec.max_elements = 0;
  nlattr* head[IPSET_ATTR_CREATE_MAX + 1];
  if (attributes[IPSET_ATTR_DATA] == nullptr ||
      nla_parse_nested(head, IPSET_ATTR_CREATE_MAX, attributes[IPSET_ATTR_DATA],
                       nullptr) < 0) {
    set.foreign_content = true;
    return;
  }
  set.spec.max_elements =
      Number<uint32_t>(head, IPSET_ATTR_MAXELEM).value_or(0);
  set.hash_size = Number<uint32_t>(head, IPSET_ATTR_HASHSIZE).value_or(0);
  // Kernels before 4.10 keep it to themselves.
  const auto elements = Number<uint32_t>(head, IPSET_ATTR_ELEMENTS);
  size = elements.has_value() ? *elements : Glance::kUnknownSize;
  const int bits = AddressBits(set.spec.family);
  if (Number<uint32_t>(head, IPSET_ATTR_TIMEOUT).value_or(0) != 0 ||
      Number<uint8_t>(head, IPSET_ATTR_NETMASK).value_or(bits) != bits ||
      head[kAttrBitmask] != nullptr ||
      (Number<uint32_t>(head, IPSET_ATTR_CADT_FLAGS).value_or(0) &
       IPSET_FLAG_WITH_FORCEADD) != 0) {
    set.foreign_content = true;
  }
}

// Nothing where SetMember has no words for it.
absl::optional<SetMember> ReadMember(const SetSpec& spec, nlattr* data) {
  nlattr* attributes[IPSET_ATTR_ADT_MAX + 1];
  if (nla_parse_nested(attributes, IPSET_ATTR_ADT_MAX, data, nullptr) < 0)
    return absl::nullopt;
  const auto address = ReadAddress(attributes[IPSET_ATTR_IP]);
  if (!address.has_value() || address->family != spec.family)
    return absl::nullopt;
  if (Number<uint32_t>(attributes, IPSET_ATTR_TIMEOUT).value_or(0) != 0 ||
      (Number<uint32_t>(attributes, IPSET_ATTR_CADT_FLAGS).value_or(0) &
       IPSET_FLAG_NOMATCH) != 0) {
    return absl::nullopt;
  }
  const int length = Number<uint8_t>(attributes, IPSET_ATTR_CIDR)
                         .value_or(AddressBits(spec.family));
  if (length > AddressBits(spec.family)) return absl::nullopt;
  switch (spec.type) {
    case SetType::kHashIp:
      return SetMember::Address(*address);
    case SetType::kHashNet:
      return SetMember::Net(IpPrefix::Of(*address, length));
    case SetType::kHashIpPort: {
      const auto protocol = Number<uint8_t>(attributes, IPSET_ATTR_PROTO);
      const auto port = Number<uint16_t>(attributes, IPSET_ATTR_PORT);
      if (!protocol.has_value() || !port.has_value()) return absl::nullopt;
      return SetMember::AddressPort(*address, *protocol, *port);
    }
  }
  return absl::nullopt;
}

}  // namespace

void SetListing::Add(const nlmsghdr& message) {
  nlattr* attributes[IPSET_ATTR_CMD_MAX + 1];
  // The library reads only, but its signatures do not say so.
  auto* header = const_cast<nlmsghdr*>(&message);
  if (nlmsg_parse(header, sizeof(nfgenmsg), attributes, IPSET_ATTR_CMD_MAX,
                  nullptr) < 0) {
    return;
  }
  const absl::string_view name = Text(attributes[IPSET_ATTR_SETNAME]);
  const Family family =
      absl::StartsWith(name, "inet6:") ? Family::kIPv6 : Family::kIPv4;
  const bool head = attributes[IPSET_ATTR_TYPENAME] != nullptr;
  if (!SetName::IsOurs(name) || name.size() > SetName::kMaxLength ||
      std::find(families_.begin(), families_.end(), family) ==
          families_.end()) {
    others_ += head ? 1 : 0;
    return;
  }
  const SetName set_name(name);
  ObservedSet& set = sets_[set_name];
  if (head) {
    set.spec.name = set_name;
    set.spec.family = family;
    ReadHead(attributes, set, sizes_[set_name]);
  }
  if (attributes[IPSET_ATTR_ADT] == nullptr) return;
  nlattr* data;
  int left;
  nla_for_each_nested(data, attributes[IPSET_ATTR_ADT], left) {
    if (auto member = ReadMember(set.spec, data)) {
      set.members.insert(*member);
    } else {
      set.foreign_content = true;
    }
  }
}

}  // namespace netpol
