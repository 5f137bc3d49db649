#include "netpol/sync/sync_engine.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

bool UsesAny(const Rule& rule, const absl::btree_set<SetName>& sets) {
  return std::any_of(rule.matches.begin(), rule.matches.end(),
                     [&](const Match& match) {
                       const auto* set = absl::get_if<SetMatch>(&match);
                       return set != nullptr && sets.count(set->set) > 0;
                     });
}

// Nothing of the batch can work, so nothing is to be begun. A set type that the
// kernel lacks is no such thing: what needs no set of that type works.
bool ConcernsEverySet(const absl::Status& status) {
  return absl::IsPermissionDenied(status);
}

// Adds to `users` the comments of the rules that use one of `sets`: they lead
// back to who asked for the set.
using SetUsers = absl::btree_map<SetName, std::vector<std::string>>;
void FindUsers(const std::vector<Rule>& rules,
               const absl::btree_set<SetName>& sets, SetUsers& users) {
  for (const Rule& rule : rules) {
    for (const Match& match : rule.matches) {
      const auto* set = absl::get_if<SetMatch>(&match);
      if (set != nullptr && sets.count(set->set) > 0)
        users[set->set].push_back(rule.comment);
    }
  }
}

// `status`, which says why a set could not be made, and what that costs.
absl::Status WithUsers(const absl::Status& status,
                       std::vector<std::string> comments) {
  constexpr size_t kShown = 5;
  if (comments.empty()) return status;
  const size_t count = comments.size();
  comments.resize(std::min(count, kShown));
  std::string text = absl::StrCat(status.message(), "; left out: \"",
                                  absl::StrJoin(comments, "\", \""), "\"");
  if (count > kShown) absl::StrAppend(&text, " and ", count - kShown, " more");
  return absl::Status(status.code(), text);
}

}  // namespace

SyncEngine::SyncEngine(Dataplane* dataplane, std::vector<Family> families)
    : dataplane_(*dataplane), families_(std::move(families)) {}

// ---- what is wanted

void SyncEngine::TouchSet(const SetName& name, const TrackedSet& set) {
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

void SyncEngine::Stage(RulesetChange change) {
  for (const SetContent& content : change.sets) {
    TrackedSet& set = sets_[content.name];
    if (!set.wanted) ++wanted_sets_;
    set.wanted = true;
    set.type = content.type;
    set.family = content.family;
    set.effect = content.effect;
    set.members.WantOnly(content.members);
    TouchSet(content.name, set);
  }
  for (const SetName& name : change.gone_sets) {
    auto it = sets_.find(name);
    if (it == sets_.end()) continue;
    if (it->second.wanted) --wanted_sets_;
    it->second.wanted = false;
    it->second.members.WantNothing();
    TouchSet(name, it->second);
  }
  for (const MemberChange& member : change.members) {
    auto it = sets_.find(member.set);
    if (it == sets_.end() || !it->second.wanted) continue;
    it->second.members.SetWanted(member.member, member.present);
    TouchSet(member.set, it->second);
  }
  for (Family family : families_) {
    RulesetChange::Table& staged = change.table(family);
    for (Chain& chain : staged.chains) StageChain(family, std::move(chain));
    for (const ChainName& name : staged.gone_chains) {
      CountChain(family, name, -1);
      table(family).chains.Unwant(name);
    }
  }
}

void SyncEngine::StageChain(Family family, Chain chain) {
  CountChain(family, chain.name, -1);
  table(family).chains.Want(chain.name, std::move(chain.rules));
  CountChain(family, chain.name, 1);
}

void SyncEngine::CountChain(Family family, const ChainName& name, int sign) {
  const std::vector<Rule>* rules = table(family).chains.Wanted(name);
  if (rules == nullptr) return;
  wanted_chains_ += sign;
  wanted_rules_ += sign * static_cast<int64_t>(rules->size());
}

void SyncEngine::WantNothing() {
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

// ---- what is

absl::Status SyncEngine::Learn() {
  if (known_) return absl::OkStatus();
  ASSIGN_OR_RETURN(Snapshot snapshot, dataplane_.Read(families_));
  for (auto& [name, set] : sets_) {
    set.exists = false;
    set.foreign = false;
    set.members.ForgetObserved();
  }
  for (const auto& [name, observed] : snapshot.sets) {
    auto [it, inserted] = sets_.try_emplace(name);
    TrackedSet& set = it->second;
    if (inserted) {
      set.type = observed.spec.type;
      set.family = observed.spec.family;
    }
    set.exists = true;
    set.foreign = observed.foreign_content || observed.spec.type != set.type;
    set.max_elements = observed.spec.max_elements;
    for (const SetMember& member : observed.members)
      set.members.SetObserved(member, true);
  }
  std::vector<SetName> names;
  for (const auto& [name, set] : sets_) names.push_back(name);
  for (const SetName& name : names) TouchSet(name, sets_.at(name));
  for (Family family : families_) {
    ObservedTable& observed = snapshot.table(family);
    TrackedTable& tracked = table(family);
    tracked.chains.ForgetObserved();
    for (auto& [name, rules] : observed.chains)
      tracked.chains.Observe(name, std::move(rules));
    tracked.hooks_in_place = observed.hooks_in_place;
    tracked.hooks_found = observed.hooks_found > 0;
  }
  known_ = true;
  return absl::OkStatus();
}

// ---- the difference

SetSpec SyncEngine::SpecOf(const SetName& name, const TrackedSet& set) const {
  return SetSpec{name, set.type, set.family,
                 MaxElementsFor(set.members.wanted_count())};
}

void SyncEngine::PlanSet(const SetName& name, const TrackedSet& set,
                         Plan& plan) const {
  if (!set.wanted) {
    plan.destroy_sets.push_back(name);
    return;
  }
  const SetSpec spec = SpecOf(name, set);
  const bool refuses = set.effect == SetEffect::kRefuses;
  if (!set.exists) {
    std::vector<SetMember> members = set.members.Wanted();
    if (refuses && !members.empty()) {
      plan.add_after.push_back({spec, std::move(members)});
      members.clear();
    }
    plan.create_sets.push_back({spec, std::move(members)});
    return;
  }
  std::vector<SetMember> missing = set.members.Missing();
  std::vector<SetMember> surplus = set.members.Surplus();
  const bool judges = set.effect == SetEffect::kJudges;
  // What comes is added before what goes is removed, but where it judges.
  const size_t most =
      set.members.wanted_count() + (judges ? 0 : surplus.size());
  if (set.foreign || most > set.max_elements) {
    // What goes stays until the rules have changed, unless nobody can say what
    // it is.
    std::vector<SetMember> members = set.members.Wanted();
    if (!set.foreign)
      members.insert(members.end(), surplus.begin(), surplus.end());
    SetSpec roomy = spec;
    roomy.max_elements =
        std::max(spec.max_elements, MaxElementsFor(members.size()));
    plan.replace_sets.push_back({roomy, std::move(members)});
    missing.clear();
    if (set.foreign) surplus.clear();
  }
  if (!missing.empty()) {
    (judges || refuses ? plan.add_after : plan.add_before)
        .push_back({spec, std::move(missing)});
  }
  if (!surplus.empty()) {
    (judges ? plan.remove_before : plan.remove_after)
        .push_back({spec, std::move(surplus)});
  }
}

void SyncEngine::PlanTable(Family family, Plan& plan) const {
  const TrackedTable& tracked = table(family);
  PlannedTable planned;
  planned.family = family;
  const bool hooks_right = hooks_wanted_ == HookChange::kEnsure
                               ? tracked.hooks_in_place
                               : !tracked.hooks_found;
  if (!hooks_right) planned.hooks = hooks_wanted_;
  for (const ChainName& name : tracked.chains.dirty()) {
    const std::vector<Rule>* before = tracked.chains.Observed(name);
    const std::vector<Rule>* after = tracked.chains.Wanted(name);
    planned.chains.push_back({name, before != nullptr, after != nullptr,
                              before == nullptr ? std::vector<Rule>() : *before,
                              after == nullptr ? std::vector<Rule>() : *after});
  }
  if (!planned.empty()) plan.tables.push_back(std::move(planned));
}

Plan SyncEngine::MakePlan() const {
  Plan plan;
  // Those that refuse last, since members are added in the plan's order.
  for (bool refuses : {false, true}) {
    for (const SetName& name : dirty_sets_) {
      const TrackedSet& set = sets_.at(name);
      if ((set.effect == SetEffect::kRefuses) == refuses)
        PlanSet(name, set, plan);
    }
  }
  for (Family family : families_) PlanTable(family, plan);
  return plan;
}

absl::StatusOr<Plan> SyncEngine::Preview() {
  RETURN_IF_ERROR(Learn());
  return MakePlan();
}

// ---- the batch

absl::StatusOr<SyncReport> SyncEngine::Sync() {
  RETURN_IF_ERROR(Annotate(Learn(), "reading what is in the kernel"));
  const Plan plan = MakePlan();
  const WriteCounts before = dataplane_.writes();
  Batch batch;
  const absl::Status status =
      plan.empty() ? absl::OkStatus() : Apply(plan, batch);
  if (!status.ok() || !batch.report.problems.empty()) known_ = false;
  if (!status.ok()) return status;
  const WriteCounts after = dataplane_.writes();
  batch.report.writes.set_messages = after.set_messages - before.set_messages;
  batch.report.writes.table_commits =
      after.table_commits - before.table_commits;
  return batch.report;
}

absl::Status SyncEngine::Apply(const Plan& plan, Batch& batch) {
  RETURN_IF_ERROR(MakeSets(plan, batch));
  ReplaceSets(plan, batch);
  AddMembers(plan.add_before, batch);
  RemoveMembers(plan.remove_before, batch);
  for (const PlannedTable& table : plan.tables) CommitTable(table, batch);
  AddMembers(plan.add_after, batch);
  RemoveMembers(plan.remove_after, batch);
  DestroySets(plan, batch);
  return batch.table_status;
}

void SyncEngine::SetFailed(const SetName& name, const absl::Status& status,
                           Batch& batch) {
  batch.report.problems.push_back(
      absl::StrCat("set ", name.value(), ": ", status.message()));
  batch.report.retry = true;
}

void SyncEngine::FamilyFailed(Family family, const absl::Status& status,
                              Batch& batch) {
  batch.failed[static_cast<int>(family)] = true;
  if (batch.table_status.ok()) batch.table_status = status;
}

absl::Status SyncEngine::MakeSets(const Plan& plan, Batch& batch) {
  absl::btree_map<SetName, absl::Status> refused;
  for (const PlannedMembers& planned : plan.create_sets) {
    TrackedSet& set = sets_.at(planned.set.name);
    const absl::Status status =
        dataplane_.CreateSet(planned.set, planned.members);
    if (!status.ok()) {
      const absl::Status told = Annotate(
          status, absl::StrCat("creating set ", planned.set.name.value()));
      if (ConcernsEverySet(status)) return told;
      if (set.effect == SetEffect::kJudges) {
        // Its rules cannot be left out: nothing would be judged.
        FamilyFailed(planned.set.family, told, batch);
        continue;
      }
      refused[planned.set.name] = status;
      batch.failed_sets.insert(planned.set.name);
      continue;
    }
    set.exists = true;
    set.max_elements = planned.set.max_elements;
    for (const SetMember& member : planned.members)
      set.members.SetObserved(member, true);
    TouchSet(planned.set.name, set);
    ++batch.report.sets_created;
  }
  TellRefused(refused, batch);
  return absl::OkStatus();
}

void SyncEngine::TellRefused(
    const absl::btree_map<SetName, absl::Status>& refused, Batch& batch) {
  if (refused.empty()) return;
  SetUsers users;
  for (Family family : families_) {
    table(family).chains.ForEachWanted(
        [&](const ChainName&, const std::vector<Rule>& rules) {
          FindUsers(rules, batch.failed_sets, users);
        });
  }
  for (const auto& [name, status] : refused)
    SetFailed(name, WithUsers(status, std::move(users[name])), batch);
}

void SyncEngine::ReplaceSets(const Plan& plan, Batch& batch) {
  for (const PlannedMembers& planned : plan.replace_sets) {
    const absl::Status status =
        dataplane_.ReplaceSet(planned.set, planned.members);
    // The old content goes on working; rules may keep using it.
    if (!status.ok()) {
      SetFailed(planned.set.name, status, batch);
      continue;
    }
    TrackedSet& set = sets_.at(planned.set.name);
    set.foreign = false;
    set.max_elements = planned.set.max_elements;
    set.members.ForgetObserved();
    for (const SetMember& member : planned.members)
      set.members.SetObserved(member, true);
    TouchSet(planned.set.name, set);
    ++batch.report.sets_replaced;
  }
}

void SyncEngine::AddMembers(const std::vector<PlannedMembers>& changes,
                            Batch& batch) {
  for (const PlannedMembers& planned : changes) {
    // Judging by an address whose rules could not be committed would open it.
    if (batch.failed[static_cast<int>(planned.set.family)]) continue;
    const absl::Status status =
        dataplane_.AddMembers(planned.set, planned.members);
    if (!status.ok()) {
      SetFailed(planned.set.name, status, batch);
      continue;
    }
    TrackedSet& set = sets_.at(planned.set.name);
    for (const SetMember& member : planned.members)
      set.members.SetObserved(member, true);
    TouchSet(planned.set.name, set);
    batch.report.members_added += static_cast<int>(planned.members.size());
  }
}

void SyncEngine::RemoveMembers(const std::vector<PlannedMembers>& changes,
                               Batch& batch) {
  for (const PlannedMembers& planned : changes) {
    // The old rules may still need them.
    if (batch.failed[static_cast<int>(planned.set.family)]) continue;
    const absl::Status status =
        dataplane_.RemoveMembers(planned.set, planned.members);
    if (!status.ok()) {
      SetFailed(planned.set.name, status, batch);
      continue;
    }
    TrackedSet& set = sets_.at(planned.set.name);
    for (const SetMember& member : planned.members)
      set.members.SetObserved(member, false);
    TouchSet(planned.set.name, set);
    batch.report.members_removed += static_cast<int>(planned.members.size());
  }
}

void SyncEngine::CommitTable(const PlannedTable& planned, Batch& batch) {
  if (batch.failed[static_cast<int>(planned.family)]) return;
  TableChange change = planned.ToChange();
  TrackedTable& tracked = table(planned.family);
  for (Chain& chain : change.write) {
    chain.rules.erase(std::remove_if(chain.rules.begin(), chain.rules.end(),
                                     [&](const Rule& rule) {
                                       return UsesAny(rule, batch.failed_sets);
                                     }),
                      chain.rules.end());
  }
  const absl::Status status = dataplane_.CommitTable(change);
  if (!status.ok()) {
    FamilyFailed(planned.family,
                 Annotate(status, absl::StrCat("committing the ",
                                               FamilyName(planned.family),
                                               " filter table")),
                 batch);
    return;
  }
  for (Chain& chain : change.write) {
    tracked.chains.Observe(chain.name, std::move(chain.rules));
    ++batch.report.chains_written;
  }
  for (const ChainName& name : change.remove) {
    tracked.chains.Confirm(name);
    ++batch.report.chains_removed;
  }
  if (change.hooks == HookChange::kEnsure) {
    tracked.hooks_in_place = tracked.hooks_found = true;
  } else if (change.hooks == HookChange::kRemove) {
    tracked.hooks_in_place = tracked.hooks_found = false;
  }
}

void SyncEngine::DestroySets(const Plan& plan, Batch& batch) {
  for (const SetName& name : plan.destroy_sets) {
    TrackedSet& set = sets_.at(name);
    if (batch.failed[static_cast<int>(set.family)]) continue;
    const absl::Status status = dataplane_.DestroySet(name);
    // Still referenced, maybe by somebody else's rule: it does no harm until it
    // can go.
    if (absl::IsUnavailable(status)) {
      batch.report.retry = true;
      continue;
    }
    if (!status.ok()) {
      SetFailed(name, status, batch);
      continue;
    }
    set.exists = false;
    ++batch.report.sets_destroyed;
    TouchSet(name, set);
  }
}

}  // namespace netpol
