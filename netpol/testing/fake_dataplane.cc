#include "netpol/testing/fake_dataplane.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

Operation SetOperation(OperationKind kind, const SetName& name,
                       absl::Span<const SetMember> members) {
  Operation operation;
  operation.kind = kind;
  operation.set = name;
  operation.members.assign(members.begin(), members.end());
  return operation;
}

}  // namespace

absl::string_view OperationName(OperationKind kind) {
  switch (kind) {
    case OperationKind::kRead:
      return "Read";
    case OperationKind::kCreateSet:
      return "CreateSet";
    case OperationKind::kAddMembers:
      return "AddMembers";
    case OperationKind::kRemoveMembers:
      return "RemoveMembers";
    case OperationKind::kReplaceSet:
      return "ReplaceSet";
    case OperationKind::kDestroySet:
      return "DestroySet";
    case OperationKind::kCommitTable:
      return "CommitTable";
  }
  return "";
}

std::string Operation::ToString() const {
  std::string text(OperationName(kind));
  if (!set.empty()) {
    absl::StrAppend(&text, " ", set.value(), " (", members.size(), " members)");
  }
  if (kind == OperationKind::kCommitTable) {
    absl::StrAppend(&text, " ", FamilyName(change.family), " (",
                    change.write.size(), " written, ", change.remove.size(),
                    " removed)");
  }
  if (!result.ok()) absl::StrAppend(&text, ": ", result.ToString());
  return text;
}

std::ostream& operator<<(std::ostream& os, const Operation& operation) {
  return os << operation.ToString();
}

FakeDataplane::FakeDataplane()
    : tables_{{Family::kIPv4, &sets_}, {Family::kIPv6, &sets_}} {}

absl::StatusOr<Snapshot> FakeDataplane::Read(
    absl::Span<const Family> families) {
  Snapshot snapshot;
  RETURN_IF_ERROR(Run(Operation(), [&] {
    snapshot = state();
    for (Family family : kFamilies) {
      if (std::count(families.begin(), families.end(), family) > 0) {
        table(family).Acknowledge();
        continue;
      }
      snapshot.table(family) = ObservedTable();
      for (auto it = snapshot.sets.begin(); it != snapshot.sets.end();) {
        const bool other = it->second.spec.family == family;
        snapshot.other_sets += other ? 1 : 0;
        it = other ? snapshot.sets.erase(it) : std::next(it);
      }
    }
    return absl::OkStatus();
  }));
  return snapshot;
}

absl::Status FakeDataplane::CreateSet(const SetSpec& spec,
                                      absl::Span<const SetMember> members) {
  return Run(SetOperation(OperationKind::kCreateSet, spec.name, members),
             [&] { return sets_.Create(spec, members); });
}

absl::Status FakeDataplane::AddMembers(const SetSpec& spec,
                                       absl::Span<const SetMember> members) {
  return Run(SetOperation(OperationKind::kAddMembers, spec.name, members),
             [&] { return sets_.Add(spec, members); });
}

absl::Status FakeDataplane::RemoveMembers(const SetSpec& spec,
                                          absl::Span<const SetMember> members) {
  return Run(SetOperation(OperationKind::kRemoveMembers, spec.name, members),
             [&] { return sets_.Remove(spec, members); });
}

absl::Status FakeDataplane::ReplaceSet(const SetSpec& spec,
                                       absl::Span<const SetMember> members) {
  return Run(SetOperation(OperationKind::kReplaceSet, spec.name, members),
             [&] { return sets_.Replace(spec, members); });
}

absl::Status FakeDataplane::DestroySet(const SetName& name) {
  return Run(SetOperation(OperationKind::kDestroySet, name, {}),
             [&] { return sets_.Destroy(name); });
}

absl::Status FakeDataplane::CommitTable(const TableChange& change) {
  Operation operation;
  operation.kind = OperationKind::kCommitTable;
  operation.change = change;
  return Run(std::move(operation),
             [&] { return table(change.family).Commit(change); });
}

absl::StatusOr<Glance> FakeDataplane::Look(absl::Span<const Family> families) {
  Glance glance;
  const auto asked = [&](Family family) {
    return std::count(families.begin(), families.end(), family) > 0;
  };
  for (Family family : kFamilies) {
    if (asked(family) && table(family).changed_by_others())
      glance.tables_may_differ = true;
  }
  for (const auto& [name, set] : sets_.all()) {
    if (asked(set.spec.family)) glance.set_sizes[name] = set.members.size();
  }
  return glance;
}

WriteCounts FakeDataplane::writes() const {
  WriteCounts counts;
  counts.set_messages = sets_.messages();
  counts.table_commits =
      tables_[0].commits() + tables_[1].commits() - uncounted_commits_;
  return counts;
}

Snapshot FakeDataplane::state() const {
  Snapshot snapshot;
  snapshot.sets = sets_.all();
  snapshot.other_sets = sets_.foreign_count();
  for (Family family : kFamilies)
    snapshot.table(family) = table(family).Observe();
  return snapshot;
}

absl::Status FakeDataplane::Load(const Snapshot& state) {
  for (const auto& [name, set] : state.sets) sets_.Put(set);
  for (Family family : kFamilies) {
    const ObservedTable& wanted = state.table(family);
    // Empty chains first, since they may refer to one another in any order.
    for (const auto& [name, rules] : wanted.chains)
      RETURN_IF_ERROR(table(family).Put({name, {}}));
    for (const auto& [name, rules] : wanted.chains)
      RETURN_IF_ERROR(table(family).Put({name, rules}));
    if (!wanted.hooks_in_place) continue;
    TableChange hooks;
    hooks.family = family;
    hooks.hooks = HookChange::kEnsure;
    RETURN_IF_ERROR(table(family).Commit(hooks));
    ++uncounted_commits_;
  }
  return absl::OkStatus();
}

void FakeDataplane::FailNext(OperationKind kind, absl::Status status,
                             FailurePoint point) {
  failures_.push_back({kind, std::move(status), point, /*once=*/true});
}

void FakeDataplane::FailAlways(OperationKind kind, absl::Status status,
                               FailurePoint point) {
  failures_.push_back({kind, std::move(status), point, /*once=*/false});
}

absl::optional<FakeDataplane::Failure> FakeDataplane::TakeFailure(
    OperationKind kind) {
  const auto it = std::find_if(
      failures_.begin(), failures_.end(),
      [&](const Failure& failure) { return failure.kind == kind; });
  if (it == failures_.end()) return absl::nullopt;
  const Failure failure = *it;
  if (failure.once) failures_.erase(it);
  return failure;
}

absl::Status FakeDataplane::Run(Operation operation,
                                const std::function<absl::Status()>& execute) {
  if (gate_) operation.result = gate_(operation);
  if (operation.result.ok()) {
    const absl::optional<Failure> failure = TakeFailure(operation.kind);
    if (!failure || failure->point == FailurePoint::kAfter)
      operation.result = execute();
    if (failure && operation.result.ok()) operation.result = failure->status;
  }
  log_.push_back(operation);
  if (observer_) observer_(operation);
  return operation.result;
}

}  // namespace netpol
