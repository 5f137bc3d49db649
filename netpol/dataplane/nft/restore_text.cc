#include "netpol/dataplane/nft/restore_text.h"

#include <algorithm>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

bool IsNoCondition(const absl::optional<IpPrefix>& prefix) {
  return prefix.has_value() && prefix->length == 0;
}

// As the kernel will show it: a prefix of length 0 is left out.
std::string RuleText(const Rule& rule, Family family) {
  if (!IsNoCondition(rule.source) && !IsNoCondition(rule.destination)) {
    return rule.ToString(family);
  }
  Rule plain = rule;
  if (IsNoCondition(plain.source)) plain.source.reset();
  if (IsNoCondition(plain.destination)) plain.destination.reset();
  return plain.ToString(family);
}

}  // namespace

std::string RuleLines(absl::string_view chain, const std::vector<Rule>& rules,
                      Family family) {
  std::string text;
  for (const Rule& rule : rules) {
    absl::StrAppend(&text, "-A ", chain, " ", RuleText(rule, family), "\n");
  }
  return text;
}

uint64_t ContentNumber(const std::vector<Rule>& rules, Family family) {
  for (const Rule& rule : rules) {
    if (!rule.foreign.empty()) return 0;
  }
  const std::string text = RuleLines("", rules, family);
  return std::max<uint64_t>(1, absl::Hash<absl::string_view>{}(text));
}

std::string RestoreText(const RestoreDelta& delta, Family family) {
  std::string text = "*filter\n";
  const auto declare = [&text](absl::string_view chain) {
    absl::StrAppend(&text, ":", chain, " - [0:0]\n");
  };
  // All of them first: rules may lead to any.
  for (const Chain* chain : delta.written) declare(chain->name.value());
  for (const std::string& chain : delta.emptied) declare(chain);
  for (const std::string& chain : delta.removed) declare(chain);
  for (const std::string& line : delta.hook_lines)
    absl::StrAppend(&text, line, "\n");
  for (const Chain* chain : delta.written)
    text += RuleLines(chain->name.value(), chain->rules, family);
  for (const std::string& chain : delta.removed)
    absl::StrAppend(&text, "-X ", chain, "\n");
  text += "COMMIT\n";
  return text;
}

}  // namespace netpol
