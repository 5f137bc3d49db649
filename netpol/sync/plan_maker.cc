#include "netpol/sync/plan_maker.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "netpol/sync/hash_growth.h"
#include "netpol/sync/left_out_rules.h"

namespace netpol {
namespace {

// Of one plan. Steps are called in the order in which they stand.
class PlanMaker {
 public:
  explicit PlanMaker(const RulesetLedger& ledger) : ledger_(ledger) {}

  void PlanNewSets(size_t max_sets);
  void PlanOldSets();
  void PlanTable(Family family);

  Plan Take() { return std::move(plan_); }

 private:
  struct NewSet {
    SetName name;
    const TrackedSet* set;

    bool allows() const { return set->effect == SetEffect::kAllows; }
    // The smaller is created first, or was asked for first.
    auto place() const {
      return std::tuple(allows(), set->type == SetType::kHashNet,
                        -static_cast<int64_t>(set->members.wanted_count()),
                        absl::string_view(name.value()));
    }
    auto age() const {
      return std::tuple(allows(), set->wanted_since, place());
    }
  };

  // Takes those for which there is no room out of `sets`.
  void Refuse(size_t max_sets, std::vector<NewSet>& sets);
  // What an additional member does as things are, before the commit; see
  // TrackedSet::present_effect().
  SetEffect EffectOf(const TrackedSet& set) const;
  // Whether nothing that is to be judged has to wait for the commit.
  bool AllIsJudged(Family family) const;
  void PlanNewSet(const SetName& name, const TrackedSet& set);
  void PlanOldSet(const SetName& name, const TrackedSet& set);
  void PlanReplacement(const SetSpec& spec, const TrackedSet& set,
                       std::vector<SetMember>& missing,
                       std::vector<SetMember>& surplus);

  static SetSpec SpecOf(const SetName& name, const TrackedSet& set) {
    return {name, set.type, set.family,
            MaxElementsFor(set.members.wanted_count())};
  }

  const RulesetLedger& ledger_;
  absl::btree_set<SetName> refused_;
  Plan plan_;
};

void PlanMaker::PlanNewSets(size_t max_sets) {
  std::vector<NewSet> sets;
  for (const SetName& name : ledger_.dirty_sets()) {
    const TrackedSet& set = ledger_.set(name);
    if (set.wanted && !set.exists) sets.push_back({name, &set});
  }
  Refuse(max_sets, sets);
  std::sort(sets.begin(), sets.end(), [](const NewSet& a, const NewSet& b) {
    return a.place() < b.place();
  });
  for (const NewSet& each : sets) PlanNewSet(each.name, *each.set);
}

void PlanMaker::Refuse(size_t max_sets, std::vector<NewSet>& sets) {
  const size_t there = ledger_.existing_sets() + ledger_.other_sets();
  const size_t room = max_sets > there ? max_sets - there : 0;
  if (sets.size() <= room) return;
  std::sort(sets.begin(), sets.end(),
            [](const NewSet& a, const NewSet& b) { return a.age() < b.age(); });
  const auto first =
      std::find_if(sets.begin() + static_cast<std::ptrdiff_t>(room), sets.end(),
                   [](const NewSet& s) { return s.allows(); });
  for (auto it = first; it != sets.end(); ++it) refused_.insert(it->name);
  sets.erase(first, sets.end());
  const auto users = UsersOf(refused_, ledger_);
  for (const SetName& name : refused_) {
    const auto it = users.find(name);
    plan_.refused_sets.push_back(
        {name,
         absl::StrCat("not created: of at most ", max_sets, " sets ", there,
                      " exist already, ", ledger_.other_sets(),
                      " of them of others; remove sets that nobody needs, or "
                      "ask for fewer",
                      it == users.end() ? "" : LeftOutText(it->second))});
  }
}

// What refuses has to wait for what judges, or else it would refuse what is
// about to be judged; not for the rules, where no rule refuses by it yet: with
// them comes the refusal, and another layout may have refused the same until
// then.
SetEffect PlanMaker::EffectOf(const TrackedSet& set) const {
  if (set.effect != SetEffect::kRefuses) return set.present_effect();
  return !set.in_use && AllIsJudged(set.family) ? SetEffect::kAllows
                                                : SetEffect::kRefuses;
}

bool PlanMaker::AllIsJudged(Family family) const {
  const absl::btree_set<SetName>& dirty = ledger_.dirty_sets();
  return std::none_of(dirty.begin(), dirty.end(), [&](const SetName& name) {
    const TrackedSet& set = ledger_.set(name);
    return set.family == family && set.exists &&
           set.present_effect() == SetEffect::kJudges &&
           !set.members.Missing().empty();
  });
}

void PlanMaker::PlanNewSet(const SetName& name, const TrackedSet& set) {
  const SetSpec spec = SpecOf(name, set);
  std::vector<SetMember> members = set.members.Wanted();
  if (EffectOf(set) == SetEffect::kRefuses && !members.empty()) {
    plan_.add_after.push_back({spec, std::move(members)});
    members.clear();
  }
  plan_.create_sets.push_back({spec, std::move(members)});
}

void PlanMaker::PlanOldSets() {
  // Those that refuse last, since members are added in the plan's order.
  std::vector<PlannedMembers> of_new_sets = std::move(plan_.add_after);
  plan_.add_after.clear();
  for (bool refuses : {false, true}) {
    for (const SetName& name : ledger_.dirty_sets()) {
      const TrackedSet& set = ledger_.set(name);
      if (set.exists && (set.effect == SetEffect::kRefuses) == refuses)
        PlanOldSet(name, set);
    }
  }
  for (PlannedMembers& members : of_new_sets)
    plan_.add_after.push_back(std::move(members));
}

void PlanMaker::PlanOldSet(const SetName& name, const TrackedSet& set) {
  if (!set.wanted) {
    plan_.destroy_sets.push_back(name);
    return;
  }
  const SetSpec spec = SpecOf(name, set);
  const bool judges = EffectOf(set) == SetEffect::kJudges;
  const bool allows = EffectOf(set) == SetEffect::kAllows;
  std::vector<SetMember> missing = set.members.Missing();
  std::vector<SetMember> surplus = set.members.Surplus();
  // What comes is added before what goes is removed, but where it judges.
  const size_t most =
      set.members.wanted_count() + (judges ? 0 : surplus.size());
  if (set.foreign || most > set.max_elements ||
      (allows && !missing.empty() && BetterRebuilt(set.hash_size, most))) {
    PlanReplacement(spec, set, missing, surplus);
  }
  if (!missing.empty()) {
    (allows ? plan_.add_before : plan_.add_after)
        .push_back({spec, std::move(missing)});
  }
  if (!surplus.empty()) {
    (judges ? plan_.remove_before : plan_.remove_after)
        .push_back({spec, std::move(surplus)});
  }
}

void PlanMaker::PlanReplacement(const SetSpec& spec, const TrackedSet& set,
                                std::vector<SetMember>& missing,
                                std::vector<SetMember>& surplus) {
  PlannedMembers planned = {spec, {}};
  if (set.foreign) {
    // Nobody can say what it holds now.
    planned.members = set.members.Wanted();
    missing.clear();
    surplus.clear();
  } else if (EffectOf(set) == SetEffect::kAllows) {
    // What goes stays until the rules have changed.
    planned.members = set.members.Wanted();
    planned.members.insert(planned.members.end(), surplus.begin(),
                           surplus.end());
    missing.clear();
  } else {
    // What comes has to wait for the rules.
    planned.members = set.members.Observed();
  }
  planned.set.max_elements =
      std::max(spec.max_elements, MaxElementsFor(planned.members.size()));
  plan_.replace_sets.push_back(std::move(planned));
}

void PlanMaker::PlanTable(Family family) {
  const TrackedTable& tracked = ledger_.table(family);
  PlannedTable planned;
  planned.family = family;
  if (!ledger_.hooks_right(family)) planned.hooks = ledger_.hooks_wanted();
  for (const ChainName& name : tracked.chains.dirty()) {
    const std::vector<Rule>* before = tracked.chains.Observed(name);
    const std::vector<Rule>* wanted = tracked.chains.Wanted(name);
    PlannedChain chain = {name, before != nullptr, wanted != nullptr};
    if (wanted != nullptr) chain.after = *wanted;
    LeaveOut(refused_, chain.after);
    // Only what was left out before is missing.
    if (wanted != nullptr && before != nullptr && *before == chain.after)
      continue;
    if (before != nullptr) chain.before = *before;
    planned.chains.push_back(std::move(chain));
  }
  if (!planned.empty()) plan_.tables.push_back(std::move(planned));
}

}  // namespace

Plan MakePlan(const RulesetLedger& ledger, size_t max_sets) {
  PlanMaker maker(ledger);
  maker.PlanNewSets(max_sets);
  maker.PlanOldSets();
  for (Family family : ledger.families()) maker.PlanTable(family);
  return maker.Take();
}

}  // namespace netpol
