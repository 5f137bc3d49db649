#include "netpol/sync/batch.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/scoped_timer.h"
#include "netpol/base/status_macros.h"
#include "netpol/sync/left_out_rules.h"

namespace netpol {
namespace {

// Nothing of the batch can work, so nothing is to be begun. A set type that the
// kernel lacks is no such thing: what needs no set of that type works.
bool ConcernsEverySet(const absl::Status& status) {
  return absl::IsPermissionDenied(status);
}

}  // namespace

absl::Status Batch::Apply(const Plan& plan) {
  RETURN_IF_ERROR(MakeSets(plan));
  ReplaceSets(plan);
  AddMembers(plan.add_before);
  RemoveMembers(plan.remove_before);
  for (const PlannedTable& table : plan.tables) CommitTable(table);
  AddMembers(plan.add_after);
  RemoveMembers(plan.remove_after);
  DestroySets(plan);
  return table_status_;
}

void Batch::SetFailed(const SetName& name, absl::string_view problem) {
  report_.problems.push_back(absl::StrCat("set ", name.value(), ": ", problem));
  report_.retry = true;
}

void Batch::FamilyFailed(Family family, const absl::Status& status) {
  failed_[static_cast<int>(family)] = true;
  if (table_status_.ok()) table_status_ = status;
}

absl::Status Batch::Write(const PlannedMembers& planned, SetStep step) {
  const ScopedTimer timer(report_.times.of(planned.set.family).sets);
  absl::Status status = (dataplane_.*step)(planned.set, planned.members);
  if (!status.ok()) ledger_.Distrust(planned.set.name);
  return status;
}

absl::Status Batch::MakeSets(const Plan& plan) {
  absl::btree_map<SetName, absl::Status> refused;
  for (const PlannedMembers& planned : plan.create_sets) {
    const SetName& name = planned.set.name;
    const absl::Status status = Write(planned, &Dataplane::CreateSet);
    if (status.ok()) {
      ledger_.SetFilled(planned.set, planned.members);
      ++report_.sets_created;
      continue;
    }
    const absl::Status told =
        Annotate(status, absl::StrCat("creating set ", name.value()));
    if (ConcernsEverySet(status)) return told;
    if (ledger_.set(name).effect == SetEffect::kJudges) {
      // Its rules cannot be left out: nothing would be judged.
      FamilyFailed(planned.set.family, told);
      continue;
    }
    refused[name] = status;
    failed_sets_.insert(name);
  }
  if (refused.empty()) return absl::OkStatus();
  auto users = UsersOf(failed_sets_, ledger_);
  for (const auto& [name, status] : refused)
    SetFailed(name, absl::StrCat(status.message(), LeftOutText(users[name])));
  return absl::OkStatus();
}

absl::Status Batch::Replace(const PlannedMembers& planned) {
  const absl::Status status = Write(planned, &Dataplane::ReplaceSet);
  if (!absl::IsFailedPrecondition(status)) return status;
  // Another type cannot be swapped in; where no rule looks, it can go.
  RETURN_IF_ERROR(Annotate(dataplane_.DestroySet(planned.set.name),
                           "it is of another type or family"));
  return Write(planned, &Dataplane::CreateSet);
}

void Batch::FailIfJudging(const PlannedMembers& planned,
                          const absl::Status& status) {
  const TrackedSet& set = ledger_.set(planned.set.name);
  if (set.effect != SetEffect::kJudges || (set.in_use && !set.foreign)) return;
  FamilyFailed(
      planned.set.family,
      Annotate(status, absl::StrCat("filling set ", planned.set.name.value())));
}

void Batch::ReplaceSets(const Plan& plan) {
  for (const PlannedMembers& planned : plan.replace_sets) {
    const absl::Status status = Replace(planned);
    if (status.ok()) {
      ledger_.SetFilled(planned.set, planned.members);
      ++report_.sets_replaced;
      continue;
    }
    // The old content goes on working; rules may keep using it.
    SetFailed(planned.set.name, status.message());
    FailIfJudging(planned, status);
    const TrackedSet& set = ledger_.set(planned.set.name);
    // It was to be replaced for speed alone.
    if (!set.foreign && planned.members.size() <= set.max_elements &&
        set.effect == SetEffect::kAllows) {
      AddMembers({{planned.set, set.members.Missing()}});
    }
  }
}

void Batch::AddMembers(const std::vector<PlannedMembers>& changes) {
  for (const PlannedMembers& planned : changes) {
    // Judging by an address whose rules could not be committed would open it.
    if (failed(planned.set.family)) continue;
    const absl::Status status = Write(planned, &Dataplane::AddMembers);
    if (!status.ok()) {
      SetFailed(planned.set.name, status.message());
      FailIfJudging(planned, status);
      continue;
    }
    ledger_.MembersAdded(planned.set.name, planned.members);
    report_.members_added += static_cast<int>(planned.members.size());
  }
}

void Batch::RemoveMembers(const std::vector<PlannedMembers>& changes) {
  for (const PlannedMembers& planned : changes) {
    // The old rules may still need them.
    if (failed(planned.set.family)) continue;
    const absl::Status status = Write(planned, &Dataplane::RemoveMembers);
    if (!status.ok()) {
      SetFailed(planned.set.name, status.message());
      continue;
    }
    ledger_.MembersRemoved(planned.set.name, planned.members);
    report_.members_removed += static_cast<int>(planned.members.size());
  }
}

void Batch::CommitTable(const PlannedTable& planned) {
  if (failed(planned.family)) return;
  TableChange change = planned.ToChange();
  for (Chain& chain : change.write) LeaveOut(failed_sets_, chain.rules);
  absl::Status status;
  {
    const ScopedTimer timer(report_.times.of(planned.family).commit);
    status = dataplane_.CommitTable(change);
  }
  if (!status.ok()) {
    ledger_.Distrust(change);
    FamilyFailed(planned.family,
                 Annotate(status, absl::StrCat("committing the ",
                                               FamilyName(planned.family),
                                               " filter table")));
    return;
  }
  report_.chains_written += static_cast<int>(change.write.size());
  if (change.hooks != HookChange::kNone) ++report_.hooks_changed;
  report_.chains_removed += static_cast<int>(change.remove.size());
  const Family family = planned.family;
  ledger_.TableCommitted(std::move(change));
  NoteKept(family);
}

void Batch::NoteKept(Family family) {
  for (const KeptChain& kept : dataplane_.kept_chains(family)) {
    ledger_.ChainKept(family, kept.chain);
    --report_.chains_removed;
    report_.notices.push_back(absl::StrCat(
        FamilyName(family), " chain ", kept.chain.value(),
        ": emptied, but not deleted: a rule of chain ", kept.referrer,
        ", which is not ours, leads to it; remove that rule"));
  }
}

void Batch::DestroySets(const Plan& plan) {
  for (const SetName& name : plan.destroy_sets) {
    const Family family = ledger_.set(name).family;
    if (failed(family)) continue;
    absl::Status status;
    {
      const ScopedTimer timer(report_.times.of(family).sets);
      status = dataplane_.DestroySet(name);
    }
    // Still referenced, maybe by somebody else's rule: it does no harm until it
    // can go.
    if (absl::IsUnavailable(status)) {
      report_.retry = true;
      // The kernel itself may need a moment.
      constexpr int kPatience = 5;
      if (ledger_.SetBusy(name) < kPatience) continue;
      report_.notices.push_back(absl::StrCat(
          "set ", name.value(),
          ": not needed any more, but still in use by a rule of somebody "
          "else; it goes when that rule does"));
      continue;
    }
    if (!status.ok()) {
      ledger_.Distrust(name);
      SetFailed(name, status.message());
      continue;
    }
    ledger_.SetDestroyed(name);
    ++report_.sets_destroyed;
  }
}

}  // namespace netpol
