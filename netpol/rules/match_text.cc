#include "netpol/rules/match_text.h"

#include <netinet/in.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace netpol {
namespace {

using Words = absl::Span<const RuleWord>;

// Decimal, or hexadecimal with 0x.
bool ParseNumber(absl::string_view text, uint32_t& number) {
  if (absl::ConsumePrefix(&text, "0x"))
    return absl::SimpleHexAtoi(text, &number);
  return !text.empty() && text[0] != '+' && absl::SimpleAtoi(text, &number);
}

bool ParsePort(absl::string_view text, uint16_t& port) {
  uint32_t number = 0;
  if (!ParseNumber(text, number) || number > 65535) return false;
  port = static_cast<uint16_t>(number);
  return true;
}

bool ParseRange(absl::string_view text, PortRange& range) {
  const std::pair<absl::string_view, absl::string_view> ends =
      absl::StrSplit(text, absl::MaxSplits(':', 1));
  if (!ParsePort(ends.first, range.first)) return false;
  range.last = range.first;
  if (text.size() == ends.first.size()) return true;
  return ParsePort(ends.second, range.last) && range.first <= range.last;
}

// "VALUE/MASK" or "VALUE".
bool ParseMasked(absl::string_view text, uint32_t& value, uint32_t& mask) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('/', 1));
  mask = 0xffffffff;
  return ParseNumber(parts.first, value) &&
         (text.size() == parts.first.size() || ParseNumber(parts.second, mask));
}

// One option with its values, and nothing else: "[!] --name value…".
struct SingleOption {
  bool negated = false;
  absl::string_view name;
  std::vector<absl::string_view> values;

  bool Is(absl::string_view wanted, size_t count) const {
    return name == wanted && values.size() == count;
  }
};

SingleOption TakeSingle(Words words) {
  SingleOption option;
  if (!words.empty() && words[0].Is("!")) {
    option.negated = true;
    words.remove_prefix(1);
  }
  if (words.empty() || words[0].quoted) return option;
  option.name = words[0].text;
  for (const RuleWord& word : words.subspan(1)) {
    option.values.push_back(word.text);
  }
  return option;
}

// A match that cannot be said in our words.
using Parsed = absl::optional<Match>;

Parsed ParseSet(Words words, const MatchSurroundings&) {
  const SingleOption option = TakeSingle(words);
  if (!option.Is("--match-set", 2)) return absl::nullopt;
  if (option.values[0].empty() ||
      option.values[0].size() > SetName::kMaxLength) {
    return absl::nullopt;
  }
  SetMatch match;
  match.set = SetName(option.values[0]);
  match.negated = option.negated;
  const absl::string_view sides = option.values[1];
  match.side = sides.substr(0, 1) == "s" ? Side::kSource : Side::kDestination;
  if (sides == "src" || sides == "dst") return match;
  match.dimensions = 2;
  if (sides == "src,src" || sides == "dst,dst") return match;
  return absl::nullopt;
}

Parsed ParsePortRange(Words words, const MatchSurroundings&) {
  if (words.empty()) return PortsMatch{{{0, 65535}}};
  const SingleOption option = TakeSingle(words);
  PortRange range;
  if (option.negated || !option.Is("--dport", 1) ||
      !ParseRange(option.values[0], range)) {
    return absl::nullopt;
  }
  return PortsMatch{{range}};
}

Parsed ParseMultiport(Words words, const MatchSurroundings& surroundings) {
  const SingleOption option = TakeSingle(words);
  if (option.negated || !option.Is("--dports", 1)) return absl::nullopt;
  PortsMatch match;
  for (absl::string_view text : absl::StrSplit(option.values[0], ',')) {
    if (!ParseRange(text, match.ranges.emplace_back())) return absl::nullopt;
  }
  // That we would write another way.
  const uint8_t protocol = surroundings.protocol.value_or(0);
  const bool has_match = protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
  if (match.ranges.size() == 1 && has_match) return absl::nullopt;
  return match;
}

Parsed ParseConntrack(Words words, const MatchSurroundings&) {
  const SingleOption option = TakeSingle(words);
  if (!option.Is("--ctstate", 1)) return absl::nullopt;
  CtStateMatch match;
  match.negated = option.negated;
  for (absl::string_view name : absl::StrSplit(option.values[0], ',')) {
    if (name == "INVALID") {
      match.states |= CtStateMatch::kInvalid;
    } else if (name == "NEW") {
      match.states |= CtStateMatch::kNew;
    } else if (name == "RELATED") {
      match.states |= CtStateMatch::kRelated;
    } else if (name == "ESTABLISHED") {
      match.states |= CtStateMatch::kEstablished;
    } else {
      return absl::nullopt;
    }
  }
  return match;
}

Parsed ParseAddrtype(Words words, const MatchSurroundings&) {
  const SingleOption option = TakeSingle(words);
  LocalAddressMatch match;
  match.negated = option.negated;
  if (option.Is("--dst-type", 1)) {
    match.side = Side::kDestination;
  } else if (!option.Is("--src-type", 1)) {
    return absl::nullopt;
  }
  match.anycast = option.values[0] != "LOCAL";
  if (match.anycast && option.values[0] != "LOCAL,ANYCAST") {
    return absl::nullopt;
  }
  return match;
}

Parsed ParseMark(Words words, const MatchSurroundings&) {
  const SingleOption option = TakeSingle(words);
  MarkMatch match;
  match.negated = option.negated;
  if (!option.Is("--mark", 1) ||
      !ParseMasked(option.values[0], match.value, match.mask)) {
    return absl::nullopt;
  }
  return match;
}

Parsed ParseIcmp(Words words, const MatchSurroundings& surroundings) {
  const SingleOption option = TakeSingle(words);
  const bool v4 = surroundings.family == Family::kIPv4;
  uint32_t type = 0;
  // 255 stands for any.
  if (option.negated || !option.Is(v4 ? "--icmp-type" : "--icmpv6-type", 1) ||
      !ParseNumber(option.values[0], type) || type > (v4 ? 254 : 255)) {
    return absl::nullopt;
  }
  return IcmpTypeMatch{static_cast<uint8_t>(type)};
}

// "N/UNIT" by the module's period of 1/10,000 second, as iptables reads it.
bool ParseRate(absl::string_view text, uint32_t& per_minute) {
  constexpr std::pair<absl::string_view, uint32_t> kUnits[] = {
      {"second", 10000},
      {"minute", 600000},
      {"hour", 36000000},
      {"day", 864000000}};
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('/', 1));
  uint32_t count = 0;
  if (!ParseNumber(parts.first, count) || count == 0 || parts.second.empty()) {
    return false;
  }
  for (const auto& [name, periods] : kUnits) {
    if (name.substr(0, parts.second.size()) != parts.second) continue;
    const uint32_t period = periods / count;
    per_minute = period == 0 ? 0 : 600000 / period;
    return per_minute > 0;
  }
  return false;
}

Parsed ParseLimit(Words words, const MatchSurroundings&) {
  LimitMatch match;
  match.burst = 5;  // iptables' default
  if (words.size() != 2 && words.size() != 4) return absl::nullopt;
  if (!words[0].Is("--limit") || !ParseRate(words[1].text, match.per_minute)) {
    return absl::nullopt;
  }
  if (words.size() == 4 && (!words[2].Is("--limit-burst") ||
                            !ParseNumber(words[3].text, match.burst))) {
    return absl::nullopt;
  }
  return match;
}

constexpr uint8_t kAnyProtocol = 0;

struct MatchParser {
  absl::string_view name;
  // What the rule must have for it.
  uint8_t protocol;
  Parsed (*parse)(Words, const MatchSurroundings&);
};

constexpr MatchParser kMatchParsers[] = {
    {"set", kAnyProtocol, ParseSet},
    {"tcp", IPPROTO_TCP, ParsePortRange},
    {"udp", IPPROTO_UDP, ParsePortRange},
    {"multiport", kAnyProtocol, ParseMultiport},
    {"conntrack", kAnyProtocol, ParseConntrack},
    {"addrtype", kAnyProtocol, ParseAddrtype},
    {"mark", kAnyProtocol, ParseMark},
    {"icmp", IPPROTO_ICMP, ParseIcmp},
    {"icmp6", IPPROTO_ICMPV6, ParseIcmp},
    {"limit", kAnyProtocol, ParseLimit},
};

absl::Status OtherOptions(absl::string_view of, absl::string_view name) {
  return absl::InvalidArgumentError(
      absl::StrCat("other options of ", of, " ", name));
}

absl::StatusOr<Action> ParseReject(Words options, Family family) {
  const SingleOption option = TakeSingle(options);
  const absl::string_view wanted = family == Family::kIPv4
                                       ? "icmp-port-unreachable"
                                       : "icmp6-port-unreachable";
  if (option.negated || !option.Is("--reject-with", 1)) {
    return OtherOptions("target", "REJECT");
  }
  if (option.values[0] != wanted) {
    return absl::InvalidArgumentError(
        "REJECT with another answer than port unreachable");
  }
  return RejectAction{};
}

absl::StatusOr<Action> ParseSetMark(Words options) {
  const SingleOption option = TakeSingle(options);
  SetMarkAction action;
  if (option.negated || !option.Is("--set-xmark", 1) ||
      !ParseMasked(option.values[0], action.value, action.mask)) {
    return OtherOptions("target", "MARK");
  }
  return action;
}

absl::StatusOr<Action> ParseLog(Words options) {
  LogAction action;
  action.group = 0;
  for (size_t i = 0; i < options.size(); i += 2) {
    uint32_t group = 0;
    if (i + 1 == options.size()) return OtherOptions("target", "NFLOG");
    const std::string& value = options[i + 1].text;
    if (options[i].Is("--nflog-prefix") &&
        value.size() <= LogAction::kMaxPrefix) {
      action.prefix = value;
    } else if (options[i].Is("--nflog-group") && ParseNumber(value, group) &&
               group <= 65535) {
      action.group = static_cast<uint16_t>(group);
    } else {
      return OtherOptions("target", "NFLOG");
    }
  }
  return action;
}

// Targets of iptables that may stand without options, so that they look like a
// chain.
bool IsOtherTarget(absl::string_view name) {
  constexpr absl::string_view kNames[] = {
      "CHECKSUM", "CONNMARK", "CONNSECMARK", "CT",     "DNAT",
      "LOG",      "NFQUEUE",  "MASQUERADE",  "NETMAP", "NOTRACK",
      "QUEUE",    "REDIRECT", "SECMARK",     "SNAT",   "SYNPROXY",
      "TCPMSS",   "TRACE",    "TEE",         "TPROXY", "ULOG",
  };
  return std::find(std::begin(kNames), std::end(kNames), name) !=
         std::end(kNames);
}

}  // namespace

absl::StatusOr<Match> ParseMatchText(absl::string_view name, Words options,
                                     const MatchSurroundings& surroundings) {
  for (const MatchParser& parser : kMatchParsers) {
    if (parser.name != name) continue;
    if (parser.protocol != kAnyProtocol &&
        parser.protocol != surroundings.protocol) {
      break;
    }
    Parsed match = parser.parse(options, surroundings);
    if (!match.has_value()) return OtherOptions("match", name);
    return *std::move(match);
  }
  return absl::InvalidArgumentError(absl::StrCat("match ", name));
}

absl::StatusOr<Action> ParseActionText(absl::string_view name, Words options,
                                       bool go, Family family) {
  if (!go) {
    if (name == "REJECT") return ParseReject(options, family);
    if (name == "MARK") return ParseSetMark(options);
    if (name == "NFLOG") return ParseLog(options);
  }
  if (name.empty() || !options.empty() || IsOtherTarget(name) ||
      name.size() > ChainName::kMaxLength) {
    return absl::InvalidArgumentError(absl::StrCat("target ", name));
  }
  if (go) return GotoAction{ChainName(name)};
  if (name == "ACCEPT") return AcceptAction{};
  if (name == "DROP") return DropAction{};
  if (name == "RETURN") return ReturnAction{};
  return JumpAction{ChainName(name)};
}

}  // namespace netpol
