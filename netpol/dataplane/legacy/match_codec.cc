#include "netpol/dataplane/legacy/match_codec.h"

#include <linux/in.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_limit.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_set.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/legacy/extension_data.h"

namespace netpol {
namespace {

static_assert(CtStateMatch::kInvalid == XT_CONNTRACK_STATE_INVALID);
static_assert(CtStateMatch::kEstablished ==
              XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED));
static_assert(CtStateMatch::kRelated == XT_CONNTRACK_STATE_BIT(IP_CT_RELATED));
static_assert(CtStateMatch::kNew == XT_CONNTRACK_STATE_BIT(IP_CT_NEW));
static_assert(PortsMatch::kMaxSlots == XT_MULTI_PORTS);

constexpr uint8_t kAllStates = CtStateMatch::kInvalid |
                               CtStateMatch::kEstablished |
                               CtStateMatch::kRelated | CtStateMatch::kNew;

// `--limit N/min` as the module's period: units of 1/XT_LIMIT_SCALE second.
constexpr uint32_t kMinute = XT_LIMIT_SCALE * 60;

// The ICMP type that the IPv4 module takes for "any".
constexpr uint8_t kAnyIcmpType = 0xff;

uint8_t IcmpProtocol(Family family) {
  return family == Family::kIPv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
}

// The direction bits of the first `dimensions` dimensions.
uint8_t SourceBits(int dimensions) {
  uint8_t bits = 0;
  for (int i = 1; i <= dimensions; ++i) bits |= 1 << i;
  return bits;
}

// --- encoding ---

template <typename Info>
Extension PackPortRange(absl::string_view name, const PortRange& range) {
  return PackExtension<Info>(name, 0, [&](Info& info) {
    info.spts[1] = 0xffff;
    info.dpts[0] = range.first;
    info.dpts[1] = range.last;
  });
}

absl::StatusOr<Extension> PackMultiport(const PortsMatch& match) {
  int slots = 0;
  for (const PortRange& range : match.ranges) {
    slots += range.first == range.last ? 1 : 2;
  }
  if (slots > PortsMatch::kMaxSlots) {
    return absl::InvalidArgumentError(
        absl::StrCat("a ports match needs ", slots, " slots, multiport has ",
                     PortsMatch::kMaxSlots));
  }
  return PackExtension<xt_multiport_v1>(
      "multiport", 1, [&](xt_multiport_v1& info) {
        info.flags = XT_MULTIPORT_DESTINATION;
        for (const PortRange& range : match.ranges) {
          info.pflags[info.count] = range.first != range.last;
          info.ports[info.count++] = range.first;
          if (range.first != range.last) info.ports[info.count++] = range.last;
        }
      });
}

struct MatchEncoder {
  const MatchContext& context;

  absl::StatusOr<Extension> operator()(const SetMatch& m) const {
    if (m.dimensions < 1 || m.dimensions > 2) {
      return absl::InvalidArgumentError(
          absl::StrCat("set match on ", m.set.value(), " with ", m.dimensions,
                       " dimensions; 1 or 2 are possible"));
    }
    ASSIGN_OR_RETURN(const uint16_t index, context.sets->IndexOf(m.set));
    return PackExtension<xt_set_info_match_v4>(
        "set", 4, [&](xt_set_info_match_v4& info) {
          info.match_set.index = index;
          info.match_set.dim = static_cast<uint8_t>(m.dimensions);
          if (m.side == Side::kSource) {
            info.match_set.flags |= SourceBits(m.dimensions);
          }
          if (m.negated) info.match_set.flags |= IPSET_INV_MATCH;
        });
  }

  absl::StatusOr<Extension> operator()(const PortsMatch& m) const {
    const uint8_t protocol = context.protocol.value_or(0);
    if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP &&
        protocol != IPPROTO_SCTP) {
      return absl::InvalidArgumentError(
          "a ports match needs the protocol TCP, UDP or SCTP");
    }
    if (m.ranges.empty()) {
      return absl::InvalidArgumentError("a ports match without ports");
    }
    for (const PortRange& range : m.ranges) {
      if (range.first > range.last) {
        return absl::InvalidArgumentError(absl::StrCat(
            "port range ", range.first, ":", range.last, " is backwards"));
      }
    }
    if (m.ranges.size() == 1 && protocol == IPPROTO_TCP) {
      return PackPortRange<xt_tcp>("tcp", m.ranges[0]);
    }
    if (m.ranges.size() == 1 && protocol == IPPROTO_UDP) {
      return PackPortRange<xt_udp>("udp", m.ranges[0]);
    }
    return PackMultiport(m);
  }

  absl::StatusOr<Extension> operator()(const CtStateMatch& m) const {
    if (m.states == 0 || (m.states & ~kAllStates) != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("conntrack state bits ", m.states));
    }
    return PackExtension<xt_conntrack_mtinfo3>(
        "conntrack", 3, [&](xt_conntrack_mtinfo3& info) {
          info.match_flags = XT_CONNTRACK_STATE;
          if (m.negated) info.invert_flags = XT_CONNTRACK_STATE;
          info.state_mask = m.states;
        });
  }

  absl::StatusOr<Extension> operator()(const LocalAddressMatch& m) const {
    return PackExtension<xt_addrtype_info_v1>(
        "addrtype", 1, [&](xt_addrtype_info_v1& info) {
          const bool source = m.side == Side::kSource;
          (source ? info.source : info.dest) =
              XT_ADDRTYPE_LOCAL | (m.anycast ? XT_ADDRTYPE_ANYCAST : 0);
          if (m.negated) {
            info.flags =
                source ? XT_ADDRTYPE_INVERT_SOURCE : XT_ADDRTYPE_INVERT_DEST;
          }
        });
  }

  absl::StatusOr<Extension> operator()(const MarkMatch& m) const {
    return PackExtension<xt_mark_mtinfo1>("mark", 1,
                                          [&](xt_mark_mtinfo1& info) {
                                            info.mark = m.value;
                                            info.mask = m.mask;
                                            info.invert = m.negated;
                                          });
  }

  absl::StatusOr<Extension> operator()(const IcmpTypeMatch& m) const {
    if (context.protocol != IcmpProtocol(context.family)) {
      return absl::InvalidArgumentError(
          absl::StrCat("an ICMP type match needs the protocol ICMP of ",
                       FamilyName(context.family)));
    }
    if (context.family == Family::kIPv6) {
      return PackExtension<ip6t_icmp>("icmp6", 0, [&](ip6t_icmp& info) {
        info.type = m.type;
        info.code[1] = 0xff;
      });
    }
    if (m.type == kAnyIcmpType) {
      return absl::InvalidArgumentError(
          "ICMP type 255 would match every type; leave the match out instead");
    }
    return PackExtension<ipt_icmp>("icmp", 0, [&](ipt_icmp& info) {
      info.type = m.type;
      info.code[1] = 0xff;
    });
  }

  absl::StatusOr<Extension> operator()(const LimitMatch& m) const {
    const bool possible =
        m.per_minute >= 1 && m.per_minute <= kMinute && m.burst >= 1;
    // The kernel keeps a period, so not every high rate can be read back.
    if (!possible || kMinute / (kMinute / m.per_minute) != m.per_minute) {
      return absl::InvalidArgumentError(
          absl::StrCat("a limit of ", m.per_minute, " a minute, burst ",
                       m.burst, ", cannot be kept; take a divisor of ", kMinute,
                       " or less than 700"));
    }
    return PackExtension<xt_rateinfo>("limit", 0, [&](xt_rateinfo& info) {
      info.avg = kMinute / m.per_minute;
      info.burst = m.burst;
    });
  }
};

// --- decoding ---

absl::StatusOr<Match> DecodeSet(const Extension& match,
                                const MatchContext& context) {
  const xt_set_info set =
      UnpackExtension<xt_set_info_match_v4>(match).match_set;
  absl::StatusOr<SetName> name = context.sets->NameOf(set.index);
  if (!name.ok()) return name.status();
  const bool source = (set.flags & IPSET_DIM_ONE_SRC) != 0;
  return SetMatch{*std::move(name), source ? Side::kSource : Side::kDestination,
                  set.dim, (set.flags & IPSET_INV_MATCH) != 0};
}

template <typename Info>
absl::StatusOr<Match> DecodePortRange(const Extension& match,
                                      const MatchContext&) {
  const Info info = UnpackExtension<Info>(match);
  return PortsMatch{{{info.dpts[0], info.dpts[1]}}};
}

absl::StatusOr<Match> DecodeMultiport(const Extension& match,
                                      const MatchContext&) {
  const auto info = UnpackExtension<xt_multiport_v1>(match);
  PortsMatch ports;
  for (int i = 0; i < info.count && i < XT_MULTI_PORTS; ++i) {
    PortRange range{info.ports[i], info.ports[i]};
    if (info.pflags[i] != 0 && i + 1 < XT_MULTI_PORTS) {
      range.last = info.ports[++i];
    }
    ports.ranges.push_back(range);
  }
  return ports;
}

absl::StatusOr<Match> DecodeConntrack(const Extension& match,
                                      const MatchContext&) {
  const auto info = UnpackExtension<xt_conntrack_mtinfo3>(match);
  return CtStateMatch{static_cast<uint8_t>(info.state_mask),
                      (info.invert_flags & XT_CONNTRACK_STATE) != 0};
}

absl::StatusOr<Match> DecodeAddrtype(const Extension& match,
                                     const MatchContext&) {
  const auto info = UnpackExtension<xt_addrtype_info_v1>(match);
  const bool source = info.source != 0;
  const uint32_t type = source ? info.source : info.dest;
  const uint32_t inverted =
      source ? XT_ADDRTYPE_INVERT_SOURCE : XT_ADDRTYPE_INVERT_DEST;
  return LocalAddressMatch{source ? Side::kSource : Side::kDestination,
                           (info.flags & inverted) != 0,
                           (type & XT_ADDRTYPE_ANYCAST) != 0};
}

absl::StatusOr<Match> DecodeMark(const Extension& match, const MatchContext&) {
  const auto info = UnpackExtension<xt_mark_mtinfo1>(match);
  return MarkMatch{info.mark, info.mask, info.invert != 0};
}

template <typename Info>
absl::StatusOr<Match> DecodeIcmp(const Extension& match, const MatchContext&) {
  return IcmpTypeMatch{UnpackExtension<Info>(match).type};
}

absl::StatusOr<Match> DecodeLimit(const Extension& match, const MatchContext&) {
  const auto info = UnpackExtension<xt_rateinfo>(match);
  return LimitMatch{info.avg == 0 ? 0 : kMinute / info.avg, info.burst};
}

struct MatchDecoder {
  absl::string_view name;
  uint8_t revision;
  size_t size;
  absl::StatusOr<Match> (*decode)(const Extension&, const MatchContext&);
};

constexpr MatchDecoder kDecoders[] = {
    {"set", 4, sizeof(xt_set_info_match_v4), DecodeSet},
    {"tcp", 0, sizeof(xt_tcp), DecodePortRange<xt_tcp>},
    {"udp", 0, sizeof(xt_udp), DecodePortRange<xt_udp>},
    {"multiport", 1, sizeof(xt_multiport_v1), DecodeMultiport},
    {"conntrack", 3, sizeof(xt_conntrack_mtinfo3), DecodeConntrack},
    {"addrtype", 1, sizeof(xt_addrtype_info_v1), DecodeAddrtype},
    {"mark", 1, sizeof(xt_mark_mtinfo1), DecodeMark},
    {"icmp", 0, sizeof(ipt_icmp), DecodeIcmp<ipt_icmp>},
    {"icmp6", 0, sizeof(ip6t_icmp), DecodeIcmp<ip6t_icmp>},
    {"limit", 0, sizeof(xt_rateinfo), DecodeLimit},
};

}  // namespace

absl::StatusOr<Extension> EncodeMatch(const Match& match,
                                      const MatchContext& context) {
  return absl::visit(MatchEncoder{context}, match);
}

absl::StatusOr<Match> DecodeMatch(const Extension& match,
                                  const MatchContext& context) {
  for (const MatchDecoder& decoder : kDecoders) {
    if (decoder.name != match.name || decoder.revision != match.revision) {
      continue;
    }
    if (match.data.size() != XT_ALIGN(decoder.size)) break;
    return decoder.decode(match, context);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "match ", match.name, " revision ", static_cast<int>(match.revision)));
}

absl::StatusOr<Extension> EncodeComment(const std::string& comment) {
  if (comment.size() >= XT_MAX_COMMENT_LEN ||
      comment.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("a comment of ", comment.size(), " bytes (at most ",
                     XT_MAX_COMMENT_LEN - 1, ", none of them zero)"));
  }
  return PackExtension<xt_comment_info>(
      "comment", 0, [&](xt_comment_info& info) {
        comment.copy(info.comment, sizeof(info.comment) - 1);
      });
}

absl::optional<std::string> DecodeComment(const Extension& match) {
  if (match.name != "comment" || match.revision != 0) return absl::nullopt;
  return std::string(match.data.data(),
                     strnlen(match.data.data(), match.data.size()));
}

}  // namespace netpol
