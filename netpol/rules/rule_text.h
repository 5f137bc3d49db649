// Reads rules as iptables-save writes them.
#ifndef NETPOL_RULES_RULE_TEXT_H_
#define NETPOL_RULES_RULE_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"
#include "netpol/rules/rule.h"

namespace netpol {

// A line "-A CHAIN …".
struct RuleLine {
  std::string chain;
  Rule rule;
};

// The inverse of Rule::ToString(): for every rule of our vocabulary
// ParseRuleLine("-A C " + text) gives an equal rule back. A rule outside that
// vocabulary has Rule::foreign set to what was not understood, and its target
// if that could be read. An error means that the line is none of a rule.
absl::StatusOr<RuleLine> ParseRuleLine(absl::string_view line, Family family);

}  // namespace netpol

#endif  // NETPOL_RULES_RULE_TEXT_H_
