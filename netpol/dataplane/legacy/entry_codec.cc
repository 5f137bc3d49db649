#include "netpol/dataplane/legacy/entry_codec.h"

#include <linux/in.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <cstring>
#include <string>

#include "absl/numeric/bits.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/legacy/match_codec.h"
#include "netpol/dataplane/legacy/target_codec.h"

namespace netpol {
namespace {

// Each family's header struct with the names of its flags.
struct HeaderV4 {
  static constexpr Family kFamily = Family::kIPv4;
  static constexpr uint8_t kGoto = IPT_F_GOTO;
  static constexpr uint8_t kProtocol = 0;  // the number alone says it
  using Struct = ipt_ip;
};
struct HeaderV6 {
  static constexpr Family kFamily = Family::kIPv6;
  static constexpr uint8_t kGoto = IP6T_F_GOTO;
  static constexpr uint8_t kProtocol = IP6T_F_PROTO;
  using Struct = ip6t_ip6;
};

// `bits` in network order, filling `Address`.
template <typename Address>
Address ToNetwork(absl::uint128 bits) {
  unsigned char bytes[sizeof(Address)];
  for (size_t i = sizeof(Address); i-- > 0; bits >>= 8) {
    bytes[i] = static_cast<unsigned char>(absl::Uint128Low64(bits) & 0xff);
  }
  Address address;
  std::memcpy(&address, bytes, sizeof(address));
  return address;
}

template <typename Address>
absl::uint128 FromNetwork(const Address& address) {
  unsigned char bytes[sizeof(Address)];
  std::memcpy(bytes, &address, sizeof(address));
  absl::uint128 bits = 0;
  for (unsigned char byte : bytes) bits = (bits << 8) | byte;
  return bits;
}

template <typename Address>
absl::Status PutPrefix(const absl::optional<IpPrefix>& prefix, Family family,
                       Address& address, Address& mask) {
  if (!prefix) return absl::OkStatus();
  if (prefix->family() != family) {
    return absl::InvalidArgumentError(absl::StrCat(
        prefix->ToString(), " is no ", FamilyName(family), " address"));
  }
  address = ToNetwork<Address>(prefix->address.bits());
  mask = ToNetwork<Address>(PrefixMask(family, prefix->length));
  return absl::OkStatus();
}

template <typename Address>
absl::optional<IpPrefix> GetPrefix(Family family, const Address& address,
                                   const Address& mask) {
  const absl::uint128 mask_bits = FromNetwork(mask);
  const int length = absl::popcount(absl::Uint128High64(mask_bits)) +
                     absl::popcount(absl::Uint128Low64(mask_bits));
  if (length == 0) return absl::nullopt;
  return IpPrefix::Of(IpAddress{family, FromNetwork(address)}, length);
}

template <typename Header>
absl::StatusOr<std::string> EncodeHeader(const Rule& rule, bool go) {
  typename Header::Struct header;
  std::memset(&header, 0, sizeof(header));
  RETURN_IF_ERROR(
      PutPrefix(rule.source, Header::kFamily, header.src, header.smsk));
  RETURN_IF_ERROR(
      PutPrefix(rule.destination, Header::kFamily, header.dst, header.dmsk));
  if (rule.protocol) {
    if (*rule.protocol == 0) {
      return absl::InvalidArgumentError(
          "protocol 0 would match every protocol");
    }
    header.proto = *rule.protocol;
    header.flags |= Header::kProtocol;
  }
  if (go) header.flags |= Header::kGoto;
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header));
}

// Fills addresses and protocol of `rule`; returns whether the goto flag is set.
template <typename Header>
bool DecodeHeader(const std::string& bytes, Rule& rule) {
  typename Header::Struct header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  rule.source = GetPrefix(Header::kFamily, header.src, header.smsk);
  rule.destination = GetPrefix(Header::kFamily, header.dst, header.dmsk);
  if (header.proto != 0) rule.protocol = static_cast<uint8_t>(header.proto);
  return (header.flags & Header::kGoto) != 0;
}

// What is outside the vocabulary in a header.
template <typename Header>
std::string DescribeHeader(const std::string& bytes) {
  typename Header::Struct header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.iniface_mask[0] != 0 || header.outiface_mask[0] != 0) {
    return "interface name";
  }
  if (header.invflags != 0) return "inverted address, protocol or fragment";
  return "fragments, an uneven mask or other header fields";
}

absl::Status EncodeParts(const Rule& rule, const TargetParts& target,
                         const MatchContext& context, EntryParts& parts) {
  ASSIGN_OR_RETURN(parts.header, context.family == Family::kIPv4
                                     ? EncodeHeader<HeaderV4>(rule, target.go)
                                     : EncodeHeader<HeaderV6>(rule, target.go));
  for (const Match& match : rule.matches) {
    ASSIGN_OR_RETURN(Extension extension, EncodeMatch(match, context));
    parts.matches.push_back(std::move(extension));
  }
  if (rule.comment.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(Extension comment, EncodeComment(rule.comment));
  parts.matches.push_back(std::move(comment));
  return absl::OkStatus();
}

absl::StatusOr<EntryParts> Encode(const Rule& rule, Family family,
                                  SetIndex& sets) {
  if (!rule.foreign.empty()) {
    return absl::InvalidArgumentError("a foreign rule cannot be written");
  }
  ASSIGN_OR_RETURN(TargetParts target, EncodeTarget(rule.action, family));
  EntryParts parts;
  RETURN_IF_ERROR(EncodeParts(
      rule, target, MatchContext{family, rule.protocol, &sets}, parts));
  parts.target = std::move(target.target);
  parts.verdict = target.verdict;
  return parts;
}

// Fills `rule` as far as it can be understood.
absl::Status Decode(const EntryParts& parts, Family family, SetIndex& sets,
                    Rule& rule) {
  const bool go = family == Family::kIPv4
                      ? DecodeHeader<HeaderV4>(parts.header, rule)
                      : DecodeHeader<HeaderV6>(parts.header, rule);
  absl::StatusOr<Action> action =
      DecodeTarget({parts.target, parts.verdict, go}, family);
  const absl::Status target_status = action.status();
  // The target first: whoever removes chains must know where a foreign rule
  // leads.
  if (action.ok()) rule.action = *std::move(action);
  const MatchContext context{family, rule.protocol, &sets};
  for (size_t i = 0; i < parts.matches.size(); ++i) {
    // Older layouts have it first.
    if (i == 0 || i + 1 == parts.matches.size()) {
      if (auto comment = DecodeComment(parts.matches[i])) {
        rule.comment = *std::move(comment);
        continue;
      }
    }
    ASSIGN_OR_RETURN(Match match, DecodeMatch(parts.matches[i], context));
    rule.matches.push_back(std::move(match));
  }
  return target_status;
}

// Where `parts` and what would be written for the same rule first differ.
std::string DescribeDifference(const EntryParts& parts, const EntryParts& again,
                               Family family) {
  if (parts.header != again.header) {
    return family == Family::kIPv4 ? DescribeHeader<HeaderV4>(parts.header)
                                   : DescribeHeader<HeaderV6>(parts.header);
  }
  for (size_t i = 0; i < parts.matches.size(); ++i) {
    if (i >= again.matches.size() || !(parts.matches[i] == again.matches[i])) {
      return absl::StrCat("other options of match ", parts.matches[i].name);
    }
  }
  return absl::StrCat("other options of target ", parts.target.name);
}

}  // namespace

absl::StatusOr<EntryParts> EncodeRule(const Rule& rule, Family family,
                                      SetIndex& sets) {
  absl::StatusOr<EntryParts> parts = Encode(rule, family, sets);
  if (!parts.ok()) {
    return Annotate(parts.status(),
                    absl::StrCat("rule \"", rule.ToString(family), "\""));
  }
  return parts;
}

Rule DecodeRule(const EntryParts& parts, Family family, SetIndex& sets) {
  Rule rule;
  if (absl::Status status = Decode(parts, family, sets, rule); !status.ok()) {
    rule.foreign = std::string(status.message());
    return rule;
  }
  absl::StatusOr<EntryParts> again = Encode(rule, family, sets);
  if (!again.ok()) {
    rule.foreign = std::string(again.status().message());
  } else if (parts != *again) {
    rule.foreign = DescribeDifference(parts, *again, family);
  }
  return rule;
}

}  // namespace netpol
