// Reads matches and targets as iptables-save writes them.
#ifndef NETPOL_RULES_MATCH_TEXT_H_
#define NETPOL_RULES_MATCH_TEXT_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "netpol/base/ip.h"
#include "netpol/rules/rule.h"
#include "netpol/rules/rule_words.h"

namespace netpol {

// What the words of a match do not say.
struct MatchSurroundings {
  Family family = Family::kIPv4;
  absl::optional<uint8_t> protocol;  // the rule's
};

// The match "-m `name` `options`…"; not that of comments. InvalidArgument,
// whose message describes the stranger, for anything that Rule::ToString() does
// not write, in whatever spelling.
absl::StatusOr<Match> ParseMatchText(absl::string_view name,
                                     absl::Span<const RuleWord> options,
                                     const MatchSurroundings& surroundings);

// The target "-j `name` `options`…", or "-g …" with `go`. As above; a name that
// is none of the targets that iptables has is a chain's.
absl::StatusOr<Action> ParseActionText(absl::string_view name,
                                       absl::Span<const RuleWord> options,
                                       bool go, Family family);

}  // namespace netpol

#endif  // NETPOL_RULES_MATCH_TEXT_H_
