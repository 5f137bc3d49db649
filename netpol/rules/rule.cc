#include "netpol/rules/rule.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "netpol/rules/protocol.h"

namespace netpol {
namespace {

absl::string_view SideText(Side side) {
  return side == Side::kSource ? "src" : "dst";
}

// As xtables_save_string does: bare if it is one plain word.
std::string Quoted(absl::string_view text) {
  const bool plain =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' ||
               c == '-';
      });
  if (plain) return std::string(text);
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\' || c == '\'') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

// The rate in the unit that iptables picks: the largest in which the module's
// period (1/10,000 second) comes out without much rounding.
std::string RateText(uint32_t per_minute) {
  struct Unit {
    absl::string_view name;
    uint32_t periods;
  };
  constexpr Unit kUnits[] = {
      {"day", 864000000}, {"hour", 36000000}, {"min", 600000}, {"sec", 10000}};
  const uint32_t period = per_minute == 0 ? 0 : 600000 / per_minute;
  if (period == 0) return absl::StrCat(per_minute, "/min");
  const Unit* unit = kUnits;
  for (const Unit& smaller : kUnits) {
    if (period > smaller.periods ||
        smaller.periods / period < smaller.periods % period)
      break;
    unit = &smaller;
  }
  return absl::StrCat(unit->periods / period, "/", unit->name);
}

std::string RangeText(const PortRange& range) {
  return range.first == range.last ? absl::StrCat(range.first)
                                   : absl::StrCat(range.first, ":", range.last);
}

// Writes the part of a rule that one match stands for.
struct MatchText {
  const Rule& rule;
  Family family;

  std::string operator()(const SetMatch& m) const {
    std::string sides(SideText(m.side));
    for (int i = 1; i < m.dimensions; ++i)
      absl::StrAppend(&sides, ",", SideText(m.side));
    return absl::StrCat("-m set ", m.negated ? "! " : "", "--match-set ",
                        m.set.value(), " ", sides);
  }
  std::string operator()(const PortsMatch& m) const {
    const std::string protocol = ProtocolText(rule.protocol.value_or(0));
    if (m.ranges.size() == 1 && (protocol == "tcp" || protocol == "udp")) {
      const PortRange& range = m.ranges.front();
      if (range == PortRange{0, 65535}) return absl::StrCat("-m ", protocol);
      return absl::StrCat("-m ", protocol, " --dport ", RangeText(range));
    }
    return absl::StrCat(
        "-m multiport --dports ",
        absl::StrJoin(m.ranges, ",", [](std::string* out, const PortRange& r) {
          absl::StrAppend(out, RangeText(r));
        }));
  }
  std::string operator()(const CtStateMatch& m) const {
    std::vector<absl::string_view> names;
    if (m.states & CtStateMatch::kInvalid) names.push_back("INVALID");
    if (m.states & CtStateMatch::kNew) names.push_back("NEW");
    if (m.states & CtStateMatch::kRelated) names.push_back("RELATED");
    if (m.states & CtStateMatch::kEstablished) names.push_back("ESTABLISHED");
    return absl::StrCat("-m conntrack ", m.negated ? "! " : "", "--ctstate ",
                        absl::StrJoin(names, ","));
  }
  std::string operator()(const LocalAddressMatch& m) const {
    return absl::StrCat("-m addrtype ", m.negated ? "! " : "", "--",
                        SideText(m.side), "-type LOCAL",
                        m.anycast ? ",ANYCAST" : "");
  }
  std::string operator()(const MarkMatch& m) const {
    std::string text = absl::StrFormat("-m mark %s--mark 0x%x",
                                       m.negated ? "! " : "", m.value);
    if (m.mask != 0xffffffff) absl::StrAppendFormat(&text, "/0x%x", m.mask);
    return text;
  }
  std::string operator()(const IcmpTypeMatch& m) const {
    return family == Family::kIPv4
               ? absl::StrCat("-m icmp --icmp-type ", m.type)
               : absl::StrCat("-m icmp6 --icmpv6-type ", m.type);
  }
  std::string operator()(const LimitMatch& m) const {
    constexpr uint32_t kDefaultBurst = 5;
    return absl::StrCat("-m limit --limit ", RateText(m.per_minute),
                        m.burst == kDefaultBurst
                            ? ""
                            : absl::StrCat(" --limit-burst ", m.burst));
  }
};

struct ActionText {
  Family family;

  std::string operator()(const ReturnAction&) const { return "-j RETURN"; }
  std::string operator()(const AcceptAction&) const { return "-j ACCEPT"; }
  std::string operator()(const DropAction&) const { return "-j DROP"; }
  std::string operator()(const RejectAction&) const {
    return absl::StrCat("-j REJECT --reject-with ",
                        family == Family::kIPv4 ? "icmp-port-unreachable"
                                                : "icmp6-port-unreachable");
  }
  std::string operator()(const JumpAction& a) const {
    return absl::StrCat("-j ", a.chain.value());
  }
  std::string operator()(const GotoAction& a) const {
    return absl::StrCat("-g ", a.chain.value());
  }
  std::string operator()(const SetMarkAction& a) const {
    return absl::StrFormat("-j MARK --set-xmark 0x%x/0x%x", a.value, a.mask);
  }
  std::string operator()(const LogAction& a) const {
    return absl::StrCat(
        "-j NFLOG",
        a.prefix.empty() ? ""
                         : absl::StrCat(" --nflog-prefix ", Quoted(a.prefix)),
        a.group == 0 ? "" : absl::StrCat(" --nflog-group ", a.group));
  }
};

}  // namespace

bool operator==(const SetMatch& a, const SetMatch& b) {
  return std::tie(a.set, a.side, a.dimensions, a.negated) ==
         std::tie(b.set, b.side, b.dimensions, b.negated);
}
bool operator==(const PortRange& a, const PortRange& b) {
  return a.first == b.first && a.last == b.last;
}
bool operator==(const PortsMatch& a, const PortsMatch& b) {
  return a.ranges == b.ranges;
}
bool operator==(const CtStateMatch& a, const CtStateMatch& b) {
  return a.states == b.states && a.negated == b.negated;
}
bool operator==(const LocalAddressMatch& a, const LocalAddressMatch& b) {
  return a.side == b.side && a.negated == b.negated && a.anycast == b.anycast;
}
bool operator==(const MarkMatch& a, const MarkMatch& b) {
  return std::tie(a.value, a.mask, a.negated) ==
         std::tie(b.value, b.mask, b.negated);
}
bool operator==(const IcmpTypeMatch& a, const IcmpTypeMatch& b) {
  return a.type == b.type;
}
bool operator==(const LimitMatch& a, const LimitMatch& b) {
  return a.per_minute == b.per_minute && a.burst == b.burst;
}
bool operator==(const JumpAction& a, const JumpAction& b) {
  return a.chain == b.chain;
}
bool operator==(const GotoAction& a, const GotoAction& b) {
  return a.chain == b.chain;
}
bool operator==(const SetMarkAction& a, const SetMarkAction& b) {
  return a.value == b.value && a.mask == b.mask;
}
bool operator==(const LogAction& a, const LogAction& b) {
  return a.group == b.group && a.prefix == b.prefix;
}
bool operator==(const Rule& a, const Rule& b) {
  return a.foreign.empty() && b.foreign.empty() && a.source == b.source &&
         a.destination == b.destination && a.protocol == b.protocol &&
         a.comment == b.comment && a.matches == b.matches &&
         a.action == b.action;
}

std::string Rule::ToString(Family family) const {
  std::vector<std::string> words;
  if (!foreign.empty()) words.push_back(absl::StrCat("[", foreign, "]"));
  if (source) words.push_back(absl::StrCat("-s ", source->ToString()));
  if (destination)
    words.push_back(absl::StrCat("-d ", destination->ToString()));
  if (protocol) words.push_back(absl::StrCat("-p ", ProtocolText(*protocol)));
  for (const Match& match : matches)
    words.push_back(absl::visit(MatchText{*this, family}, match));
  if (!comment.empty())
    words.push_back(absl::StrCat("-m comment --comment ", Quoted(comment)));
  words.push_back(absl::visit(ActionText{family}, action));
  return absl::StrJoin(words, " ");
}

std::ostream& operator<<(std::ostream& os, const Rule& rule) {
  return os << rule.ToString(rule.source        ? rule.source->family()
                             : rule.destination ? rule.destination->family()
                                                : Family::kIPv4);
}

const ChainName* TargetChain(const Rule& rule) {
  if (const auto* jump = absl::get_if<JumpAction>(&rule.action))
    return &jump->chain;
  if (const auto* go = absl::get_if<GotoAction>(&rule.action))
    return &go->chain;
  return nullptr;
}

namespace {

// The last bytes of a cut text tell names apart that begin alike.
constexpr size_t kKeptTail = 24;
constexpr absl::string_view kCut = "...";

bool IsInsideCharacter(absl::string_view text, size_t at) {
  return at < text.size() &&
         (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
}

}  // namespace

std::string FitText(absl::string_view text, size_t room) {
  std::string clean;
  for (char c : text) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) clean += c;
  }
  if (clean.size() <= room) return clean;
  const size_t kept = room - std::min(room, kCut.size());
  const size_t tail = std::min(kKeptTail, kept / 2);
  size_t head = kept - tail;
  while (head > 0 && IsInsideCharacter(clean, head)) --head;
  size_t resume = clean.size() - tail;
  while (IsInsideCharacter(clean, resume)) ++resume;
  return absl::StrCat(clean.substr(0, head), kCut.substr(0, room),
                      clean.substr(resume));
}

std::string MakeComment(absl::string_view text, absl::string_view tag) {
  if (tag.empty()) return FitText(text, Rule::kMaxComment);
  const size_t room =
      Rule::kMaxComment - std::min(tag.size() + 1, Rule::kMaxComment);
  return absl::StrCat(FitText(text, room), " ", tag);
}

}  // namespace netpol
