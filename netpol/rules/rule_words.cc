#include "netpol/rules/rule_words.h"

#include <utility>

namespace netpol {

std::vector<RuleWord> SplitRuleWords(absl::string_view line) {
  std::vector<RuleWord> words;
  RuleWord word;
  bool open = false;
  const auto finish = [&] {
    if (!word.text.empty() || word.quoted) words.push_back(std::move(word));
    word = RuleWord();
  };
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"') {
      open = !open;
      word.quoted = true;
    } else if (open && c == '\\' && i + 1 < line.size()) {
      word.text += line[++i];
    } else if (!open && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
      finish();
    } else {
      word.text += c;
    }
  }
  finish();
  return words;
}

}  // namespace netpol
