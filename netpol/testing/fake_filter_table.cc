#include "netpol/testing/fake_filter_table.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/testing/rule_check.h"

namespace netpol {
namespace {

constexpr char kForeignCaller[] = "a chain of others";

struct HookPair {
  absl::string_view builtin;
  absl::string_view chain;
};
constexpr HookPair kHooks[] = {{"INPUT", kInputChain},
                               {"FORWARD", kForwardChain},
                               {"OUTPUT", kOutputChain}};

bool IsHookJump(const absl::optional<ChainName>& target) {
  return target && std::any_of(std::begin(kHooks), std::end(kHooks),
                               [&](const HookPair& hook) {
                                 return target->value() == hook.chain;
                               });
}

// `position`, or the end of the list.
template <typename List>
ptrdiff_t Clamped(size_t position, const List& list) {
  return static_cast<ptrdiff_t>(std::min(position, list.size()));
}

}  // namespace

FakeFilterTable::FakeFilterTable(Family family, FakeSets* sets)
    : family_(family), sets_(sets) {
  for (const HookPair& hook : kHooks) builtins_[std::string(hook.builtin)];
}

absl::Status FakeFilterTable::Commit(const TableChange& change) {
  if (change.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(CheckNames(change));
  for (const Chain& chain : change.write) {
    for (const Rule& rule : chain.rules) {
      RETURN_IF_ERROR(Annotate(CheckRule(family_, rule),
                               absl::StrCat("chain ", chain.name.value())));
    }
  }
  const bool others = changed_by_others();
  kept_.clear();
  RETURN_IF_ERROR(Apply(change));
  if (!others) Acknowledge();
  ++commits_;
  return absl::OkStatus();
}

absl::Status FakeFilterTable::CheckNames(const TableChange& change) const {
  if (change.family != family_) {
    return absl::InvalidArgumentError(
        absl::StrCat("a change of ", FamilyName(change.family), " for the ",
                     FamilyName(family_), " table"));
  }
  absl::flat_hash_set<ChainName> seen;
  auto check = [&](const ChainName& name) -> absl::Status {
    if (!ChainName::IsOurs(name.value())) {
      return absl::InvalidArgumentError(
          absl::StrCat("chain \"", name.value(), "\" is not ours to change"));
    }
    if (!seen.insert(name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("chain ", name.value(), " occurs twice in one change"));
    }
    return absl::OkStatus();
  };
  for (const Chain& chain : change.write) RETURN_IF_ERROR(check(chain.name));
  for (const ChainName& name : change.remove) RETURN_IF_ERROR(check(name));
  return absl::OkStatus();
}

absl::Status FakeFilterTable::CheckSets(const Chain& chain) const {
  for (const Rule& rule : chain.rules) {
    for (const Match& match : rule.matches) {
      const auto* use = absl::get_if<SetMatch>(&match);
      if (use == nullptr) continue;
      const ObservedSet* set = sets_->FindOrNull(use->set);
      if (set == nullptr) {
        return absl::NotFoundError(
            absl::StrCat("chain ", chain.name.value(), ": a rule names set ",
                         use->set.value(), ", which does not exist"));
      }
      const int dimensions = set->spec.type == SetType::kHashIpPort ? 2 : 1;
      if (set->spec.family != family_ || use->dimensions != dimensions) {
        return absl::InvalidArgumentError(
            absl::StrCat("chain ", chain.name.value(), ": rule \"",
                         rule.ToString(family_), "\" would never match: set ",
                         use->set.value(), " is ", SetTypeName(set->spec.type),
                         " for ", FamilyName(set->spec.family)));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status FakeFilterTable::Apply(const TableChange& change) {
  for (const Chain& chain : change.write) RETURN_IF_ERROR(CheckSets(chain));
  Undo undo;
  undo.builtins = builtins_;
  for (const Chain& chain : change.write)
    undo.chains.emplace_back(chain.name, Swap(chain.name, chain.rules));
  for (const ChainName& name : change.remove)
    undo.chains.emplace_back(name, Swap(name, absl::nullopt));
  ApplyHooks(change.hooks);

  absl::Status status = CheckTargets(change, undo);
  if (status.ok()) status = CheckHooks(change);
  if (status.ok()) status = CheckRemoved(change);
  if (status.ok()) status = CheckDepth(change);
  if (status.ok()) return status;

  kept_.clear();
  for (auto& [name, rules] : undo.chains) Swap(name, std::move(rules));
  for (auto& [name, rules] : undo.builtins) SetBuiltin(name, std::move(rules));
  return status;
}

absl::Status FakeFilterTable::CheckTargets(const TableChange& change,
                                           const Undo& undo) const {
  for (const Chain& chain : change.write) {
    for (const Rule& rule : chain.rules) {
      const ChainName* target = TargetChain(rule);
      if (target == nullptr || chains_.contains(*target)) continue;
      // One that was there until now is CheckRemoved()'s to refuse.
      const bool was_there = std::any_of(
          undo.chains.begin(), undo.chains.end(), [&](const auto& old) {
            return old.first == *target && old.second.has_value();
          });
      if (was_there) continue;
      return absl::NotFoundError(absl::StrCat(
          "chain ", chain.name.value(), ": rule \"", rule.ToString(family_),
          "\" leads to a chain that does not exist"));
    }
  }
  return absl::OkStatus();
}

absl::Status FakeFilterTable::CheckHooks(const TableChange& change) const {
  if (change.hooks != HookChange::kEnsure) return absl::OkStatus();
  for (const HookPair& hook : kHooks) {
    const ChainName chain(hook.chain);
    if (chains_.contains(chain) ||
        std::count(change.remove.begin(), change.remove.end(), chain) > 0) {
      continue;
    }
    return absl::NotFoundError(absl::StrCat(
        "hooking ", hook.builtin, ": chain ", hook.chain, " does not exist"));
  }
  return absl::OkStatus();
}

absl::Status FakeFilterTable::CheckRemoved(const TableChange& change) {
  for (const ChainName& name : change.remove) {
    const auto it = callers_.find(name);
    if (it == callers_.end()) continue;
    if (it->second.size() == 1 &&
        it->second.begin()->first.value() == kForeignCaller) {
      kept_.push_back({name, kForeignCaller});
      chains_[name];
      continue;
    }
    return absl::FailedPreconditionError(
        absl::StrCat("deleting chain ", name.value(), ": ",
                     it->second.begin()->first.value(), " still leads to it"));
  }
  return absl::OkStatus();
}

absl::Status FakeFilterTable::CheckDepth(const TableChange& change) const {
  absl::flat_hash_map<ChainName, int> below;
  absl::flat_hash_map<ChainName, int> above;
  for (const Chain& chain : change.write) {
    if (Below(chain.name, below) < 0) {
      return absl::FailedPreconditionError(absl::StrCat(
          "chain ", chain.name.value(), " is on or leads to a loop of chains"));
    }
  }
  for (const Chain& chain : change.write) {
    const int depth = Above(chain.name, above) + below[chain.name];
    if (depth > kMaxDepth) {
      return absl::FailedPreconditionError(absl::StrCat(
          "chain ", chain.name.value(), " is part of ", depth,
          " chains that call one another; ", kMaxDepth, " is the most"));
    }
  }
  return absl::OkStatus();
}

int FakeFilterTable::Below(const ChainName& name,
                           absl::flat_hash_map<ChainName, int>& known) const {
  // -1 until it is known: to meet it again on the way down is a loop.
  const auto [it, fresh] = known.try_emplace(name, -1);
  if (!fresh) return it->second;
  int deepest = 0;
  if (const auto chain = chains_.find(name); chain != chains_.end()) {
    for (const Rule& rule : chain->second) {
      const ChainName* target = TargetChain(rule);
      if (target == nullptr) continue;
      const int depth = Below(*target, known);
      if (depth < 0) return -1;
      deepest = std::max(deepest, depth);
    }
  }
  return known[name] = deepest + 1;
}

int FakeFilterTable::Above(const ChainName& name,
                           absl::flat_hash_map<ChainName, int>& known) const {
  const auto [it, fresh] = known.try_emplace(name, 0);
  if (!fresh) return it->second;
  int most = 0;
  if (const auto callers = callers_.find(name); callers != callers_.end()) {
    for (const auto& [caller, rules] : callers->second) {
      if (!chains_.contains(caller)) continue;  // built-in, or of others
      most = std::max(most, 1 + Above(caller, known));
    }
  }
  return known[name] = most;
}

absl::optional<FakeFilterTable::Rules> FakeFilterTable::Swap(
    const ChainName& name, absl::optional<Rules> rules) {
  ++touches_;
  absl::optional<Rules> old;
  if (const auto it = chains_.find(name); it != chains_.end()) {
    CountReferences(name, it->second, -1);
    old = std::move(it->second);
    chains_.erase(it);
  }
  if (rules) {
    CountReferences(name, *rules, 1);
    chains_[name] = *std::move(rules);
  }
  return old;
}

void FakeFilterTable::CountReferences(const ChainName& name, const Rules& rules,
                                      int delta) {
  for (const Rule& rule : rules) {
    if (const ChainName* target = TargetChain(rule))
      CountCaller(*target, name, delta);
    for (const Match& match : rule.matches) {
      if (const auto* use = absl::get_if<SetMatch>(&match))
        sets_->Refer(use->set, delta);
    }
  }
}

void FakeFilterTable::CountCaller(const ChainName& target,
                                  const ChainName& caller, int delta) {
  auto& callers = callers_[target];
  const auto it = callers.try_emplace(caller, 0).first;
  it->second += delta;
  if (it->second <= 0) callers.erase(it);
  if (callers.empty()) callers_.erase(target);
}

void FakeFilterTable::SetBuiltin(const std::string& name, Builtin rules) {
  ++touches_;
  Builtin& builtin = builtins_[name];
  for (const auto& target : builtin)
    if (target) CountCaller(*target, ChainName(name), -1);
  for (const auto& target : rules)
    if (target) CountCaller(*target, ChainName(name), 1);
  builtin = std::move(rules);
}

void FakeFilterTable::ApplyHooks(HookChange change) {
  if (change == HookChange::kNone) return;
  for (const HookPair& hook : kHooks) {
    const std::string name(hook.builtin);
    Builtin rules = builtins_[name];
    rules.erase(std::remove_if(rules.begin(), rules.end(), IsHookJump),
                rules.end());
    if (change == HookChange::kEnsure)
      rules.insert(rules.begin(), ChainName(hook.chain));
    SetBuiltin(name, std::move(rules));
  }
}

ObservedTable FakeFilterTable::Observe() const {
  ObservedTable table;
  table.chains = chains_;
  bool first_everywhere = true;
  size_t index = 0;
  for (const HookPair& hook : kHooks) {
    const Builtin& rules = builtins_.at(std::string(hook.builtin));
    const auto jump = std::find_if(
        rules.begin(), rules.end(),
        [&](const auto& rule) { return rule && rule->value() == hook.chain; });
    if (jump != rules.end()) {
      table.rules_before_hook[index] = static_cast<int>(jump - rules.begin());
    }
    ++index;
    table.hooks_found +=
        static_cast<int>(std::count_if(rules.begin(), rules.end(), IsHookJump));
    first_everywhere = first_everywhere && !rules.empty() && rules.front() &&
                       rules.front()->value() == hook.chain;
  }
  table.hooks_in_place = first_everywhere && table.hooks_found == 3;
  return table;
}

absl::Status FakeFilterTable::Put(const Chain& chain) {
  TableChange change;
  change.family = family_;
  change.write = {chain};
  RETURN_IF_ERROR(CheckNames(change));
  return Apply(change);
}

void FakeFilterTable::Flush(const ChainName& chain) {
  if (chains_.contains(chain)) Swap(chain, Rules());
}

void FakeFilterTable::Delete(const ChainName& chain) {
  for (auto& [name, rules] : builtins_) {
    Builtin kept = rules;
    kept.erase(std::remove_if(kept.begin(), kept.end(),
                              [&](const auto& target) {
                                return target && *target == chain;
                              }),
               kept.end());
    SetBuiltin(name, std::move(kept));
  }
  std::vector<Chain> changed;
  for (const auto& [name, rules] : chains_) {
    Rules kept;
    for (const Rule& rule : rules) {
      const ChainName* target = TargetChain(rule);
      if (target == nullptr || *target != chain) kept.push_back(rule);
    }
    if (kept.size() != rules.size()) changed.push_back({name, std::move(kept)});
  }
  for (Chain& caller : changed) Swap(caller.name, std::move(caller.rules));
  Swap(chain, absl::nullopt);
  callers_.erase(chain);
}

void FakeFilterTable::Clear() {
  ++touches_;
  for (const auto& [name, rules] : chains_) CountReferences(name, rules, -1);
  chains_.clear();
  callers_.clear();
  for (auto& [name, rules] : builtins_) rules.clear();
}

void FakeFilterTable::InsertForeignRule(absl::string_view builtin,
                                        size_t position) {
  ++touches_;
  Builtin& rules = builtins_.at(std::string(builtin));
  rules.emplace(std::next(rules.begin(), Clamped(position, rules)));
}

absl::Status FakeFilterTable::InsertJump(absl::string_view builtin,
                                         const ChainName& chain,
                                         size_t position) {
  if (!chains_.contains(chain)) {
    return absl::NotFoundError(
        absl::StrCat("jumping from ", builtin, ": no chain ", chain.value()));
  }
  ++touches_;
  Builtin& rules = builtins_.at(std::string(builtin));
  rules.insert(std::next(rules.begin(), Clamped(position, rules)), chain);
  CountCaller(chain, ChainName(builtin), 1);
  return absl::OkStatus();
}

void FakeFilterTable::RemoveJumps() { ApplyHooks(HookChange::kRemove); }

void FakeFilterTable::AddForeignCaller(const ChainName& chain) {
  CountCaller(chain, ChainName(kForeignCaller), 1);
}

void FakeFilterTable::RemoveForeignCaller(const ChainName& chain) {
  CountCaller(chain, ChainName(kForeignCaller), -1);
}

int FakeFilterTable::foreign_rules(absl::string_view builtin) const {
  const Builtin& rules = builtins_.at(std::string(builtin));
  return static_cast<int>(
      std::count_if(rules.begin(), rules.end(),
                    [](const auto& target) { return !target.has_value(); }));
}

}  // namespace netpol
