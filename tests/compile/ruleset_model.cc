#include "tests/compile/ruleset_model.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "netpol/compile/layout.h"

namespace netpol {
namespace {

void AppendChain(Family family, const ChainName& name,
                 const std::vector<Rule>& rules, std::string& text) {
  absl::StrAppend(&text, "chain ", FamilyName(family), " ", name.value(), "\n");
  for (const Rule& rule : rules)
    absl::StrAppend(&text, "  ", rule.ToString(family), "\n");
}

}  // namespace

void RulesetModel::Apply(const RulesetChange& change) {
  for (const SetContent& content : change.sets) {
    sets_[content.name] = {content.type,
                           content.effect,
                           {content.members.begin(), content.members.end()}};
  }
  for (const SetName& name : change.gone_sets) sets_.erase(name);
  for (const MemberChange& member : change.members) {
    auto it = sets_.find(member.set);
    if (it == sets_.end()) continue;
    if (member.present) {
      it->second.members.insert(member.member);
    } else {
      it->second.members.erase(member.member);
    }
  }
  for (int family = 0; family < 2; ++family) {
    for (const Chain& chain : change.tables[family].chains)
      chains_[family][chain.name] = chain.rules;
    for (const ChainName& name : change.tables[family].gone_chains)
      chains_[family].erase(name);
  }
}

std::vector<std::string> RulesetModel::Members(const SetName& name) const {
  std::vector<std::string> members;
  auto it = sets_.find(name);
  if (it == sets_.end()) return members;
  for (const SetMember& member : it->second.members)
    members.push_back(member.ToString());
  return members;
}

std::vector<std::string> RulesetModel::Rules(Family family,
                                             const ChainName& name) const {
  std::vector<std::string> rules;
  auto it = chains(family).find(name);
  if (it == chains(family).end()) return rules;
  for (const Rule& rule : it->second) rules.push_back(rule.ToString(family));
  return rules;
}

std::set<ChainName> RulesetModel::Reachable(Family family,
                                            const ChainName& chain) const {
  std::set<ChainName> reached;
  std::vector<ChainName> open = {chain};
  while (!open.empty()) {
    const ChainName name = open.back();
    open.pop_back();
    if (!reached.insert(name).second) continue;
    auto it = chains(family).find(name);
    if (it == chains(family).end()) continue;
    for (const Rule& rule : it->second) {
      if (const ChainName* target = TargetChain(rule)) open.push_back(*target);
    }
  }
  return reached;
}

std::string RulesetModel::ToString() const {
  std::string text;
  for (const auto& [name, set] : sets_) {
    absl::StrAppend(&text, "set ", name.value(), " ", SetTypeName(set.type),
                    "\n");
    for (const SetMember& member : set.members)
      absl::StrAppend(&text, "  ", member.ToString(), "\n");
  }
  for (Family family : kFamilies) {
    for (const auto& [name, rules] : chains(family))
      AppendChain(family, name, rules, text);
  }
  return text;
}

std::string RulesetModel::Flaws() const {
  std::string flaws;
  std::set<SetName> used = {LocalPodsSet(Family::kIPv4),
                            LocalPodsSet(Family::kIPv6)};
  for (Family family : kFamilies) {
    std::set<ChainName> reached;
    for (absl::string_view hook : {kInputChain, kForwardChain, kOutputChain})
      reached.merge(Reachable(family, ChainName(hook)));
    for (const auto& [name, rules] : chains(family)) {
      if (reached.count(name) == 0 && name != AllowChain())
        absl::StrAppend(&flaws, "nothing leads to ", name.value(), "\n");
      for (const Rule& rule : rules) {
        const ChainName* target = TargetChain(rule);
        if (target != nullptr && chains(family).count(*target) == 0)
          absl::StrAppend(&flaws, name.value(), " leads to nothing\n");
        for (const Match& match : rule.matches) {
          const auto* set = absl::get_if<SetMatch>(&match);
          if (set == nullptr) continue;
          used.insert(set->set);
          if (sets_.count(set->set) == 0)
            absl::StrAppend(&flaws, "no set ", set->set.value(), "\n");
        }
      }
    }
  }
  for (const auto& [name, set] : sets_) {
    if (used.count(name) == 0)
      absl::StrAppend(&flaws, "nobody uses ", name.value(), "\n");
  }
  return flaws;
}

std::string Describe(const RulesetChange& change) {
  std::string text;
  for (const SetContent& set : change.sets) {
    absl::StrAppend(&text, "set ", set.name.value(), "\n");
    for (const SetMember& member : set.members)
      absl::StrAppend(&text, "  ", member.ToString(), "\n");
  }
  for (const SetName& name : change.gone_sets)
    absl::StrAppend(&text, "gone set ", name.value(), "\n");
  for (const MemberChange& member : change.members) {
    absl::StrAppend(&text, member.present ? "+ " : "- ", member.set.value(),
                    " ", member.member.ToString(), "\n");
  }
  for (Family family : kFamilies) {
    const RulesetChange::Table& table = change.tables[static_cast<int>(family)];
    for (const Chain& chain : table.chains)
      AppendChain(family, chain.name, chain.rules, text);
    for (const ChainName& name : table.gone_chains)
      absl::StrAppend(&text, "gone chain ", name.value(), "\n");
  }
  return text;
}

}  // namespace netpol
