#include "netpol/testing/rule_check.h"

#include <netinet/in.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace netpol {
namespace {

// What is wrong with one match or action; empty if nothing is.
struct Fault {
  Family family;
  const Rule& rule;

  absl::string_view operator()(const SetMatch& m) const {
    return m.dimensions < 1 || m.dimensions > 2
               ? "a set match has one or two dimensions"
               : "";
  }

  absl::string_view operator()(const PortsMatch& m) const {
    if (rule.protocol != IPPROTO_TCP && rule.protocol != IPPROTO_UDP &&
        rule.protocol != IPPROTO_SCTP) {
      return "ports need -p tcp, udp or sctp";
    }
    if (m.ranges.empty()) return "a ports match without ports";
    int slots = 0;
    for (const PortRange& range : m.ranges) {
      if (range.first > range.last) return "a port range ends before it begins";
      slots += range.first == range.last ? 1 : 2;
    }
    // One range of TCP or UDP is not multiport and takes any two ends.
    return slots > PortsMatch::kMaxSlots ? "more than 15 multiport slots" : "";
  }

  absl::string_view operator()(const CtStateMatch& m) const {
    return m.states == 0 || m.states > 15 ? "no such conntrack state" : "";
  }

  absl::string_view operator()(const LocalAddressMatch&) const { return ""; }

  absl::string_view operator()(const MarkMatch& m) const {
    // (mark & mask) == value can never be true.
    return (m.value & ~m.mask) != 0 ? "mark bits outside the mask" : "";
  }

  absl::string_view operator()(const IcmpTypeMatch&) const {
    const uint8_t wanted = family == Family::kIPv4 ? uint8_t{IPPROTO_ICMP}
                                                   : uint8_t{IPPROTO_ICMPV6};
    return rule.protocol != wanted ? "an ICMP type needs the family's ICMP"
                                   : "";
  }

  absl::string_view operator()(const LimitMatch& m) const {
    return m.per_minute == 0 || m.burst == 0 ? "a limit of nothing" : "";
  }

  absl::string_view operator()(const LogAction& a) const {
    return a.prefix.size() > LogAction::kMaxPrefix
               ? "a log prefix that the kernel would cut"
               : "";
  }

  template <typename OtherAction>
  absl::string_view operator()(const OtherAction&) const {
    return "";
  }
};

absl::string_view FaultOf(Family family, const Rule& rule) {
  if (!rule.foreign.empty()) return "it is outside our vocabulary";
  if (rule.source && rule.source->family() != family)
    return "its source is of the other family";
  if (rule.destination && rule.destination->family() != family)
    return "its destination is of the other family";
  if (rule.comment.size() > Rule::kMaxComment) return "its comment is too long";
  const Fault fault{family, rule};
  for (const Match& match : rule.matches) {
    const absl::string_view found = absl::visit(fault, match);
    if (!found.empty()) return found;
  }
  return absl::visit(fault, rule.action);
}

}  // namespace

absl::Status CheckRule(Family family, const Rule& rule) {
  const absl::string_view fault = FaultOf(family, rule);
  if (fault.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("rule \"", rule.ToString(family), "\": ", fault));
}

}  // namespace netpol
