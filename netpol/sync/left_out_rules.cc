#include "netpol/sync/left_out_rules.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"

namespace netpol {
namespace {

bool UsesAny(const Rule& rule, const absl::btree_set<SetName>& sets) {
  return std::any_of(rule.matches.begin(), rule.matches.end(),
                     [&](const Match& match) {
                       const auto* set = absl::get_if<SetMatch>(&match);
                       return set != nullptr && sets.count(set->set) > 0;
                     });
}

}  // namespace

void LeaveOut(const absl::btree_set<SetName>& sets, std::vector<Rule>& rules) {
  if (sets.empty()) return;
  rules.erase(
      std::remove_if(rules.begin(), rules.end(),
                     [&](const Rule& rule) { return UsesAny(rule, sets); }),
      rules.end());
}

absl::btree_map<SetName, std::vector<std::string>> UsersOf(
    const absl::btree_set<SetName>& sets, const RulesetLedger& ledger) {
  absl::btree_map<SetName, std::vector<std::string>> users;
  const auto look_at = [&](const Rule& rule) {
    for (const Match& match : rule.matches) {
      const auto* set = absl::get_if<SetMatch>(&match);
      if (set != nullptr && sets.count(set->set) > 0)
        users[set->set].push_back(rule.comment);
    }
  };
  for (Family family : ledger.families()) {
    const auto& chains = ledger.table(family).chains;
    for (const ChainName& name : chains.dirty()) {
      const std::vector<Rule>* rules = chains.Wanted(name);
      if (rules != nullptr)
        std::for_each(rules->begin(), rules->end(), look_at);
    }
  }
  return users;
}

std::string LeftOutText(const std::vector<std::string>& comments) {
  constexpr size_t kShown = 5;
  if (comments.empty()) return "";
  std::string text = absl::StrCat(
      "; left out: \"",
      absl::StrJoin(absl::MakeConstSpan(comments).subspan(0, kShown), "\", \""),
      "\"");
  if (comments.size() > kShown)
    absl::StrAppend(&text, " and ", comments.size() - kShown, " more");
  return text;
}

}  // namespace netpol
