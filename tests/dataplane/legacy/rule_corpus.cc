#include "tests/dataplane/legacy/rule_corpus.h"

#include <netinet/in.h>

#include <string>
#include <vector>

namespace netpol {
namespace {

Rule WithMatch(absl::optional<uint8_t> protocol, Match match) {
  Rule rule;
  rule.protocol = protocol;
  rule.matches = {std::move(match)};
  rule.action = AcceptAction{};
  return rule;
}

void AddAddresses(Family family, std::vector<Rule>& rules) {
  const std::vector<const char*> texts =
      family == Family::kIPv4
          ? std::vector<const char*>{"10.0.0.1/32", "10.0.0.0/8", "128.0.0.0/1",
                                     "255.255.255.255/32", "192.168.77.128/25"}
          : std::vector<const char*>{"fd00:42::a/128", "fd00::/8",
                                     "8000::/1",       "2001:db8:0:1::/64",
                                     "::1/128",        "fe80::1:0:0/97"};
  for (const char* text : texts) {
    Rule rule;
    rule.action = DropAction{};
    rule.source = *IpPrefix::Parse(text);
    rules.push_back(rule);
    rule.destination = *IpPrefix::Parse(texts[0]);
    rules.push_back(rule);
    rule.source.reset();
    rule.comment = "to";
    rules.push_back(rule);
  }
}

void AddPorts(std::vector<Rule>& rules) {
  PortsMatch full;
  for (uint16_t i = 0; i < PortsMatch::kMaxSlots; ++i)
    full.ranges.push_back({i, i});
  for (const uint8_t protocol : {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP}) {
    for (const PortsMatch& ports :
         {PortsMatch{{{80, 80}}}, PortsMatch{{{1, 65535}}},
          PortsMatch{{{0, 0}}}, PortsMatch{{{30000, 32767}}},
          PortsMatch{{{80, 80}, {443, 443}}},
          PortsMatch{{{80, 80}, {8000, 8080}, {65535, 65535}}}, full})
      rules.push_back(WithMatch(protocol, ports));
    Rule rule;
    rule.protocol = protocol;
    rules.push_back(rule);
  }
  rules.push_back(WithMatch(IPPROTO_TCP, PortsMatch{{{0, 65535}}}));
}

void AddComments(std::vector<Rule>& rules) {
  for (const char* comment :
       {"word", "under_score-dash", "shop/web-0 in", "\"quoted text\"",
        "back\\slash", "it's", "ünïcode", "a,b:c"})
    rules.push_back(PlainRule(comment, ReturnAction{}));
  rules.push_back(
      PlainRule(std::string(Rule::kMaxComment, 'x'), ReturnAction{}));
}

void AddStates(std::vector<Rule>& rules) {
  for (const bool negated : {false, true}) {
    for (uint8_t states = 1; states < 16; ++states)
      rules.push_back(WithMatch(absl::nullopt, CtStateMatch{states, negated}));
    for (const Side side : {Side::kSource, Side::kDestination}) {
      for (const bool anycast : {false, true}) {
        rules.push_back(WithMatch(absl::nullopt,
                                  LocalAddressMatch{side, negated, anycast}));
      }
    }
    for (const uint32_t mask : {0x10000u, 0x30000u, 0xffffffffu})
      rules.push_back(
          WithMatch(absl::nullopt, MarkMatch{0x10000, mask, negated}));
  }
}

void AddLimits(std::vector<Rule>& rules) {
  for (const uint32_t per_minute :
       {1u, 7u, 10u, 60u, 100u, 120u, 600u, 6000u, 60000u, 600000u})
    rules.push_back(WithMatch(absl::nullopt, LimitMatch{per_minute, 10}));
  rules.push_back(WithMatch(absl::nullopt, LimitMatch{10, 5}));
  rules.push_back(WithMatch(absl::nullopt, LimitMatch{10, 1}));
}

void AddIcmp(Family family, std::vector<Rule>& rules) {
  uint8_t protocol = IPPROTO_ICMP;
  if (family == Family::kIPv6) protocol = IPPROTO_ICMPV6;
  for (const uint8_t type : {0, 3, 8, 11, 128, 136})
    rules.push_back(WithMatch(protocol, IcmpTypeMatch{type}));
}

void AddActions(std::vector<Rule>& rules) {
  for (const Action& action : std::vector<Action>{
           ReturnAction{}, AcceptAction{}, DropAction{}, RejectAction{},
           SetMarkAction{0x10000, 0x10000}, SetMarkAction{0, 0x10000},
           SetMarkAction{1, 0xffffffff}, LogAction{100, ""},
           LogAction{0, "zero"}, LogAction{65535, "a b"},
           LogAction{1, std::string(LogAction::kMaxPrefix, 'p')}})
    rules.push_back(PlainRule("", action));
}

}  // namespace

Rule PlainRule(const std::string& comment, Action action) {
  Rule rule;
  rule.comment = comment;
  rule.action = std::move(action);
  return rule;
}

std::vector<Rule> RulesWithoutNames(Family family) {
  std::vector<Rule> rules;
  AddAddresses(family, rules);
  AddPorts(rules);
  AddComments(rules);
  AddStates(rules);
  AddLimits(rules);
  AddIcmp(family, rules);
  AddActions(rules);
  Rule all = WithMatch(IPPROTO_TCP, PortsMatch{{{443, 443}}});
  all.comment = "many matches";
  all.matches.push_back(MarkMatch{0x20000, 0x20000, true});
  all.matches.push_back(CtStateMatch{CtStateMatch::kNew});
  all.matches.push_back(LimitMatch{10, 10});
  rules.push_back(all);
  return rules;
}

std::vector<Rule> RulesWithSets(const SetName& addresses,
                                const SetName& services) {
  std::vector<Rule> rules;
  for (const Side side : {Side::kSource, Side::kDestination}) {
    for (const bool negated : {false, true}) {
      rules.push_back(
          WithMatch(absl::nullopt, SetMatch{addresses, side, 1, negated}));
      rules.push_back(
          WithMatch(absl::nullopt, SetMatch{services, side, 2, negated}));
    }
  }
  Rule both = WithMatch(IPPROTO_UDP, SetMatch{addresses, Side::kSource});
  both.comment = "two sets";
  both.matches.push_back(SetMatch{services, Side::kDestination, 2});
  both.matches.push_back(PortsMatch{{{53, 53}}});
  rules.push_back(both);
  Rule late = WithMatch(IPPROTO_TCP, PortsMatch{{{80, 80}}});
  late.comment = "shop/web ingress pods";
  late.matches.push_back(SetMatch{addresses});
  rules.push_back(late);
  late.comment.clear();
  rules.push_back(late);
  return rules;
}

}  // namespace netpol
