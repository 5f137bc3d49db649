#include "netpol/sync/ruleset_ledger.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "netpol/sync/hash_growth.h"

namespace netpol {
namespace {

bool IsForeign(const ObservedSet& observed, const TrackedSet& set) {
  return observed.foreign_content || observed.spec.type != set.type;
}

}  // namespace

// ---- what should be there

void RulesetLedger::Stage(RulesetChange change) {
  ++changes_;
  for (const SetContent& content : change.sets) StageSet(content);
  for (const SetName& name : change.gone_sets) StageGoneSet(name);
  for (const MemberChange& member : change.members) {
    auto it = sets_.find(member.set);
    if (it == sets_.end() || !it->second.wanted) continue;
    it->second.members.SetWanted(member.member, member.present);
    TouchSet(member.set, it->second);
  }
  for (Family family : families_) {
    RulesetChange::Table& staged = change.table(family);
    for (Chain& chain : staged.chains) StageChain(family, std::move(chain));
    for (const ChainName& name : staged.gone_chains)
      StageGoneChain(family, name);
  }
}

void RulesetLedger::StageSet(const SetContent& content) {
  TrackedSet& set = sets_[content.name];
  if (!set.wanted) {
    ++wanted_sets_;
    set.wanted_since = changes_;
  }
  set.wanted = true;
  set.type = content.type;
  set.family = content.family;
  set.effect = content.effect;
  set.members.WantOnly(content.members);
  TouchSet(content.name, set);
}

void RulesetLedger::StageGoneSet(const SetName& name) {
  auto it = sets_.find(name);
  if (it == sets_.end()) return;
  if (it->second.wanted) --wanted_sets_;
  it->second.wanted = false;
  it->second.members.WantNothing();
  TouchSet(name, it->second);
}

void RulesetLedger::StageChain(Family family, Chain chain) {
  CountChain(family, chain.name, -1);
  table(family).chains.Want(chain.name, std::move(chain.rules));
  CountChain(family, chain.name, 1);
}

void RulesetLedger::StageGoneChain(Family family, const ChainName& name) {
  CountChain(family, name, -1);
  table(family).chains.Unwant(name);
}

void RulesetLedger::CountChain(Family family, const ChainName& name, int sign) {
  const std::vector<Rule>* rules = table(family).chains.Wanted(name);
  if (rules == nullptr) return;
  wanted_chains_ += sign;
  wanted_rules_ += sign * static_cast<int64_t>(rules->size());
}

void RulesetLedger::WantNothing() {
  RulesetChange change;
  for (const auto& [name, set] : sets_) change.gone_sets.push_back(name);
  for (Family family : families_) {
    table(family).chains.ForEachWanted(
        [&](const ChainName& name, const std::vector<Rule>&) {
          change.table(family).gone_chains.push_back(name);
        });
  }
  hooks_wanted_ = HookChange::kRemove;
  Stage(std::move(change));
}

// ---- what is there

void RulesetLedger::Learn(Snapshot snapshot) {
  if (learned_) {
    CompareSets(snapshot);
    for (Family family : families_)
      CompareTable(family, snapshot.table(family));
  }
  LearnSets(snapshot);
  other_sets_ = snapshot.other_sets;
  for (Family family : families_) {
    ObservedTable& observed = snapshot.table(family);
    TrackedTable& tracked = table(family);
    tracked.kept.clear();
    tracked.chains.ForgetObserved();
    for (auto& [name, rules] : observed.chains) {
      NoteUse(rules);
      tracked.chains.Observe(name, std::move(rules));
    }
    tracked.hooks_in_place = observed.hooks_in_place;
    tracked.hooks_found = observed.hooks_found > 0;
  }
  // What is wanted as it was found needs no mending.
  TakeMended();
  tampered_.EndReading();
  learned_ = true;
}

bool RulesetLedger::SetDiffers(const SetName& name, const TrackedSet& set,
                               const Snapshot& snapshot) const {
  const auto it = snapshot.sets.find(name);
  if (it == snapshot.sets.end()) return set.exists;
  if (!set.exists) return true;
  const ObservedSet& observed = it->second;
  if (IsForeign(observed, set)) return !set.foreign;
  if (observed.members.size() != set.members.observed_count()) return true;
  return !std::all_of(
      observed.members.begin(), observed.members.end(),
      [&](const SetMember& member) { return set.members.Observes(member); });
}

void RulesetLedger::CompareSets(const Snapshot& snapshot) {
  for (const auto& [name, set] : sets_) {
    if (SetDiffers(name, set, snapshot)) tampered_.FoundSet(name, set.exists);
  }
  for (const auto& [name, observed] : snapshot.sets) {
    if (sets_.count(name) == 0) tampered_.FoundSet(name, false);
  }
}

void RulesetLedger::CompareTable(Family family, const ObservedTable& observed) {
  const TrackedTable& tracked = table(family);
  tracked.chains.ForEachObserved(
      [&](const ChainName& name, const std::vector<Rule>& rules) {
        const auto it = observed.chains.find(name);
        if (it == observed.chains.end() || it->second != rules)
          tampered_.FoundChain(family, name);
      });
  for (const auto& [name, rules] : observed.chains) {
    const bool kept = rules.empty() && tracked.kept.count(name) > 0;
    if (!kept && tracked.chains.Observed(name) == nullptr)
      tampered_.FoundChain(family, name);
  }
  if (tracked.hooks_in_place != observed.hooks_in_place ||
      tracked.hooks_found != (observed.hooks_found > 0)) {
    tampered_.FoundHooks(family);
  }
}

std::vector<std::string> RulesetLedger::TakeMended() {
  std::vector<std::string> mended;
  tampered_.TakeSets(
      [&](const SetName& name) { return dirty_sets_.count(name) == 0; },
      mended);
  for (Family family : families_) {
    tampered_.TakeChains(
        family,
        [&](const ChainName& name) {
          return table(family).chains.dirty().count(name) == 0;
        },
        mended);
    tampered_.TakeHooks(family, hooks_right(family), mended);
  }
  return mended;
}

bool RulesetLedger::SetSizesAre(
    const absl::flat_hash_map<SetName, size_t>& sizes) const {
  if (sizes.size() != existing_sets_) return false;
  return std::all_of(sizes.begin(), sizes.end(), [&](const auto& size) {
    const auto it = sets_.find(size.first);
    if (it == sets_.end() || !it->second.exists) return false;
    return it->second.foreign || size.second == Glance::kUnknownSize ||
           it->second.members.observed_count() == size.second;
  });
}

void RulesetLedger::NoteUse(const std::vector<Rule>& rules) {
  for (const Rule& rule : rules) {
    for (const Match& match : rule.matches) {
      const auto* use = absl::get_if<SetMatch>(&match);
      if (use == nullptr || use->negated) continue;
      const auto it = sets_.find(use->set);
      if (it != sets_.end()) it->second.in_use = true;
    }
  }
}

void RulesetLedger::LearnSets(const Snapshot& snapshot) {
  for (auto& [name, set] : sets_) {
    SetExists(set, false);
    set.foreign = false;
    set.in_use = false;
    set.members.ForgetObserved();
  }
  for (const auto& [name, observed] : snapshot.sets) {
    auto [it, inserted] = sets_.try_emplace(name);
    TrackedSet& set = it->second;
    if (inserted) {
      set.type = observed.spec.type;
      set.family = observed.spec.family;
    }
    SetExists(set, true);
    set.foreign = IsForeign(observed, set);
    set.max_elements = observed.spec.max_elements;
    set.hash_size = observed.hash_size > 0
                        ? observed.hash_size
                        : HashSizeFor(observed.members.size());
    for (const SetMember& member : observed.members)
      set.members.SetObserved(member, true);
  }
  std::vector<SetName> names;
  for (const auto& [name, set] : sets_) names.push_back(name);
  for (const SetName& name : names) TouchSet(name, sets_.at(name));
}

void RulesetLedger::SetFilled(const SetSpec& spec,
                              absl::Span<const SetMember> members) {
  TrackedSet& set = sets_.at(spec.name);
  SetExists(set, true);
  set.foreign = false;
  set.max_elements = spec.max_elements;
  set.hash_size = HashSizeFor(members.size());
  set.members.ForgetObserved();
  for (const SetMember& member : members) set.members.SetObserved(member, true);
  TouchSet(spec.name, set);
}

void RulesetLedger::MembersAdded(const SetName& name,
                                 absl::Span<const SetMember> members) {
  TrackedSet& set = sets_.at(name);
  for (const SetMember& member : members) set.members.SetObserved(member, true);
  set.hash_size = HashSizeGrown(set.hash_size, set.members.observed_count());
  TouchSet(name, set);
}

void RulesetLedger::MembersRemoved(const SetName& name,
                                   absl::Span<const SetMember> members) {
  TrackedSet& set = sets_.at(name);
  for (const SetMember& member : members)
    set.members.SetObserved(member, false);
  TouchSet(name, set);
}

void RulesetLedger::SetDestroyed(const SetName& name) {
  TrackedSet& set = sets_.at(name);
  set.in_use = false;
  SetExists(set, false);
  set.members.ForgetObserved();
  TouchSet(name, set);
}

void RulesetLedger::TableCommitted(TableChange change) {
  TrackedTable& tracked = table(change.family);
  for (Chain& chain : change.write) {
    NoteUse(chain.rules);
    tracked.chains.Observe(chain.name, std::move(chain.rules));
  }
  for (const ChainName& name : change.remove) tracked.chains.Confirm(name);
  if (change.hooks == HookChange::kNone) return;
  tracked.hooks_in_place = tracked.hooks_found =
      change.hooks == HookChange::kEnsure;
}

void RulesetLedger::ChainKept(Family family, const ChainName& name) {
  table(family).kept.insert(name);
}

void RulesetLedger::SetExists(TrackedSet& set, bool exists) {
  if (set.exists == exists) return;
  set.exists = exists;
  exists ? ++existing_sets_ : --existing_sets_;
}

void RulesetLedger::TouchSet(const SetName& name, const TrackedSet& set) {
  const bool same =
      set.wanted == set.exists &&
      (!set.wanted || (set.members.in_step() && !set.foreign &&
                       set.members.wanted_count() <= set.max_elements));
  if (same) {
    dirty_sets_.erase(name);
    if (!set.wanted) sets_.erase(name);
  } else {
    dirty_sets_.insert(name);
  }
}

}  // namespace netpol
