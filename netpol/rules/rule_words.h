// The words of a line as iptables-save writes it.
#ifndef NETPOL_RULES_RULE_WORDS_H_
#define NETPOL_RULES_RULE_WORDS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace netpol {

struct RuleWord {
  std::string text;     // without quotes and backslashes
  bool quoted = false;  // as text is, and no option

  // Whether it is the option `word`.
  bool Is(absl::string_view word) const { return !quoted && text == word; }
};

// Parted at blanks outside double quotes; a backslash inside them stands for
// the character behind it. A quote that is not closed ends with the line.
std::vector<RuleWord> SplitRuleWords(absl::string_view line);

}  // namespace netpol

#endif  // NETPOL_RULES_RULE_WORDS_H_
