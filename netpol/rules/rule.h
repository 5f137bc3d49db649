// A rule of table `filter` as a value: what it matches, in order, and what it
// does.
//
// The vocabulary is what the layout needs and no more. Text is iptables-save's
// own form, so that a person can compare the two.
#ifndef NETPOL_RULES_RULE_H_
#define NETPOL_RULES_RULE_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "absl/types/variant.h"
#include "netpol/base/ip.h"
#include "netpol/rules/names.h"

namespace netpol {

enum class Side : uint8_t { kSource, kDestination };

// `-m set --match-set NAME src`; for hash:ip,port sets "dst,dst": both
// dimensions are taken from the same side.
struct SetMatch {
  SetName set;
  Side side = Side::kSource;
  int dimensions = 1;  // 1, or 2 for hash:ip,port
  bool negated = false;
};

// Inclusive.
struct PortRange {
  uint16_t first = 0;
  uint16_t last = 0;
};

// Destination ports. Needs Rule::protocol to be TCP, UDP or SCTP. One range of
// TCP or UDP becomes `-m tcp --dport`; everything else `-m multiport --dports`,
// at most 15 slots, where a range of more than one port takes two.
struct PortsMatch {
  static constexpr int kMaxSlots = 15;
  std::vector<PortRange> ranges;
};

// `-m conntrack [!] --ctstate`; bits as below. A packet that is not tracked has
// none of them.
struct CtStateMatch {
  enum : uint8_t { kInvalid = 1, kEstablished = 2, kRelated = 4, kNew = 8 };
  uint8_t states = 0;
  bool negated = false;
};

// `-m addrtype [!] --src-type LOCAL` or `--dst-type LOCAL`: an address of the
// machine's own. With `anycast` also one that it shares with others, as IPv6
// routers do the first address of every subnet (`LOCAL,ANYCAST`).
struct LocalAddressMatch {
  Side side = Side::kSource;
  bool negated = false;
  bool anycast = false;
};

// `-m mark [!] --mark VALUE/MASK`.
struct MarkMatch {
  uint32_t value = 0;
  uint32_t mask = 0;
  bool negated = false;
};

// `-m icmp --icmp-type` or `-m icmp6 --icmpv6-type`, any code. Needs
// Rule::protocol.
struct IcmpTypeMatch {
  uint8_t type = 0;
};

// `-m limit --limit N/min --limit-burst N`.
struct LimitMatch {
  uint32_t per_minute = 10;
  uint32_t burst = 10;
};

using Match =
    absl::variant<SetMatch, PortsMatch, CtStateMatch, LocalAddressMatch,
                  MarkMatch, IcmpTypeMatch, LimitMatch>;

struct JumpAction {
  ChainName chain;
};
// As a jump, but the end of `chain` returns to our caller.
struct GotoAction {
  ChainName chain;
};
struct AcceptAction {};
struct DropAction {};
struct ReturnAction {};
// ICMP port unreachable of the family.
struct RejectAction {};
// `MARK --set-xmark VALUE/MASK`: clears the bits of `mask`, then sets those of
// `value`.
struct SetMarkAction {
  uint32_t value = 0;
  uint32_t mask = 0;
};
// `NFLOG --nflog-group N --nflog-prefix P`; the kernel keeps 63 bytes of the
// prefix.
struct LogAction {
  static constexpr size_t kMaxPrefix = 63;
  uint16_t group = 100;
  std::string prefix;
};

using Action =
    absl::variant<ReturnAction, AcceptAction, DropAction, RejectAction,
                  JumpAction, GotoAction, SetMarkAction, LogAction>;

struct Rule {
  absl::optional<IpPrefix> source;
  absl::optional<IpPrefix> destination;
  absl::optional<uint8_t> protocol;  // IPPROTO_*
  // At most kMaxComment bytes; empty means no comment match at all. Stands
  // behind the other matches: to the kernel it is a match too, a call that need
  // not be made for a packet that another one turns away.
  std::string comment;
  std::vector<Match> matches;  // evaluated in this order
  Action action;

  // XT_MAX_COMMENT_LEN is 256 with its end; nft front ends take 128.
  static constexpr size_t kMaxComment = 120;

  // Set by a reader that met something outside this vocabulary: says what. Such
  // a rule equals none that we would write.
  std::string foreign;

  // "-s 10.0.0.1/32 -p tcp -m comment --comment "…" … -j ACCEPT", without "-A
  // chain".
  std::string ToString(Family family) const;
};

bool operator==(const SetMatch& a, const SetMatch& b);
bool operator==(const PortRange& a, const PortRange& b);
bool operator==(const PortsMatch& a, const PortsMatch& b);
bool operator==(const CtStateMatch& a, const CtStateMatch& b);
bool operator==(const LocalAddressMatch& a, const LocalAddressMatch& b);
bool operator==(const MarkMatch& a, const MarkMatch& b);
bool operator==(const IcmpTypeMatch& a, const IcmpTypeMatch& b);
bool operator==(const LimitMatch& a, const LimitMatch& b);
bool operator==(const JumpAction& a, const JumpAction& b);
bool operator==(const GotoAction& a, const GotoAction& b);
inline bool operator==(const AcceptAction&, const AcceptAction&) {
  return true;
}
inline bool operator==(const DropAction&, const DropAction&) { return true; }
inline bool operator==(const ReturnAction&, const ReturnAction&) {
  return true;
}
inline bool operator==(const RejectAction&, const RejectAction&) {
  return true;
}
bool operator==(const SetMarkAction& a, const SetMarkAction& b);
bool operator==(const LogAction& a, const LogAction& b);
bool operator==(const Rule& a, const Rule& b);
inline bool operator!=(const Rule& a, const Rule& b) { return !(a == b); }
std::ostream& operator<<(std::ostream& os, const Rule& rule);

// The chain that `rule` jumps or goes to, or nullptr.
const ChainName* TargetChain(const Rule& rule);

// `text` in at most `room` bytes, at least 3: control characters removed, and
// if that is still too long "..." in place of its middle, at character
// boundaries.
std::string FitText(absl::string_view text, size_t room);

// `text` and a `tag` such as "reject", which always survives, in at most
// kMaxComment bytes; see FitText().
std::string MakeComment(absl::string_view text, absl::string_view tag);

// A chain with its whole content.
struct Chain {
  ChainName name;
  std::vector<Rule> rules;

  friend bool operator==(const Chain& a, const Chain& b) {
    return a.name == b.name && a.rules == b.rules;
  }
};

}  // namespace netpol

#endif  // NETPOL_RULES_RULE_H_
