#include "netpol/sync/plan.h"

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "netpol/sync/edit_script.h"

namespace netpol {
namespace {

void AppendMembers(const std::vector<PlannedMembers>& changes,
                   absl::string_view sign, std::string& text) {
  for (const PlannedMembers& change : changes) {
    for (const SetMember& member : change.members) {
      absl::StrAppend(&text, sign, " member ", change.set.name.value(), " ",
                      member.ToString(), "\n");
    }
  }
}

void AppendSets(const std::vector<PlannedMembers>& sets, absl::string_view sign,
                std::string& text) {
  for (const PlannedMembers& set : sets) {
    absl::StrAppend(&text, sign, " set ", set.set.name.value(), " ",
                    SetTypeName(set.set.type), " ", FamilyName(set.set.family),
                    "\n");
    AppendMembers({set}, sign, text);
  }
}

void AppendChain(const PlannedChain& chain, Family family, std::string& text) {
  const absl::string_view sign = !chain.existed ? "+"
                                 : !chain.stays ? "-"
                                                : " ";
  absl::StrAppend(&text, sign, " chain ", FamilyName(family), " ",
                  chain.name.value(), "\n");
  for (const RuleChange& change : RuleChanges(chain, family)) {
    absl::StrAppend(&text, change.added ? "+" : "-", " rule ",
                    FamilyName(family), " -A ", chain.name.value(), " ",
                    change.rule->ToString(family), "\n");
  }
}

void AppendHooks(const PlannedTable& table, std::string& text) {
  if (table.hooks == HookChange::kNone) return;
  absl::StrAppend(&text, table.hooks == HookChange::kEnsure ? "+" : "-",
                  " hooks ", FamilyName(table.family),
                  " INPUT, FORWARD, OUTPUT\n");
}

}  // namespace

std::vector<RuleChange> RuleChanges(const PlannedChain& chain, Family family) {
  absl::flat_hash_map<std::string, int> numbers;
  const auto number = [&](const std::vector<Rule>& rules) {
    std::vector<int> result;
    for (const Rule& rule : rules) {
      const int next = static_cast<int>(numbers.size());
      result.push_back(
          numbers.try_emplace(rule.ToString(family), next).first->second);
    }
    return result;
  };
  std::vector<RuleChange> changes;
  auto before = chain.before.begin();
  auto after = chain.after.begin();
  for (Edit edit : EditScript(number(chain.before), number(chain.after))) {
    if (edit == Edit::kDelete) changes.push_back({false, &*before});
    if (edit == Edit::kInsert) changes.push_back({true, &*after});
    if (edit != Edit::kInsert) ++before;
    if (edit != Edit::kDelete) ++after;
  }
  return changes;
}

TableChange PlannedTable::ToChange() const {
  TableChange change;
  change.family = family;
  change.hooks = hooks;
  for (const PlannedChain& chain : chains) {
    if (chain.stays) {
      change.write.push_back({chain.name, chain.after});
    } else {
      change.remove.push_back(chain.name);
    }
  }
  return change;
}

bool Plan::empty() const {
  return create_sets.empty() && replace_sets.empty() && add_before.empty() &&
         remove_before.empty() && tables.empty() && add_after.empty() &&
         remove_after.empty() && destroy_sets.empty();
}

std::string Plan::ToString() const {
  std::string text;
  AppendSets(create_sets, "+", text);
  AppendSets(replace_sets, "~", text);
  AppendMembers(add_before, "+", text);
  AppendMembers(remove_before, "-", text);
  for (const PlannedTable& table : tables) {
    for (const PlannedChain& chain : table.chains)
      AppendChain(chain, table.family, text);
    AppendHooks(table, text);
  }
  AppendMembers(add_after, "+", text);
  AppendMembers(remove_after, "-", text);
  for (const SetName& set : destroy_sets)
    absl::StrAppend(&text, "- set ", set.value(), "\n");
  for (const RefusedSet& set : refused_sets)
    absl::StrAppend(&text, "! set ", set.name.value(), " ", set.reason, "\n");
  return text;
}

}  // namespace netpol
