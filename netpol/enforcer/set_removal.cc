#include "netpol/enforcer/set_removal.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "netpol/base/ip.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/ipset/older_sets.h"
#include "netpol/dataplane/ipset/set_table.h"

namespace netpol {
namespace {

constexpr int kMaxTries = 5;
constexpr absl::Duration kFirstWait = absl::Milliseconds(100);

absl::StatusOr<std::vector<SetName>> FindIn(SetTable& table) {
  ASSIGN_OR_RETURN(std::vector<SetName> sets, FindOlderTemporarySets());
  ASSIGN_OR_RETURN(const auto sizes, table.Sizes(kFamilies));
  for (const auto& [name, members] : sizes) sets.push_back(name);
  std::sort(sets.begin(), sets.end());
  return sets;
}

// Nothing where the kernel has no sets.
absl::StatusOr<std::unique_ptr<SetTable>> OpenSets() {
  absl::StatusOr<std::unique_ptr<SetTable>> table = SetTable::Create();
  if (absl::IsUnimplemented(table.status())) return std::unique_ptr<SetTable>();
  return table;
}

// Those that could not be destroyed.
std::vector<SetRemoval::Failure> Destroy(SetTable& table,
                                         const std::vector<SetName>& sets) {
  std::vector<SetRemoval::Failure> failures;
  for (const SetName& set : sets) {
    absl::Status status = table.DestroySet(set);
    if (!status.ok()) failures.push_back({set, std::move(status)});
  }
  return failures;
}

std::vector<SetName> InUse(const std::vector<SetRemoval::Failure>& failures) {
  std::vector<SetName> sets;
  for (const SetRemoval::Failure& failure : failures) {
    if (absl::IsUnavailable(failure.why)) sets.push_back(failure.set);
  }
  return sets;
}

}  // namespace

absl::StatusOr<std::vector<SetName>> FindOurSets() {
  ASSIGN_OR_RETURN(const std::unique_ptr<SetTable> table, OpenSets());
  if (table == nullptr) return std::vector<SetName>();
  return FindIn(*table);
}

absl::StatusOr<SetRemoval> RemoveOurSets(
    const std::function<void(absl::Duration)>& wait) {
  SetRemoval removal;
  ASSIGN_OR_RETURN(const std::unique_ptr<SetTable> table, OpenSets());
  if (table == nullptr) return removal;
  ASSIGN_OR_RETURN(removal.sets, FindIn(*table));
  std::vector<SetRemoval::Failure> failures = Destroy(*table, removal.sets);
  absl::Duration pause = kFirstWait;
  for (int tries = 1; tries < kMaxTries; ++tries) {
    const std::vector<SetName> in_use = InUse(failures);
    if (in_use.empty()) break;
    wait(pause);
    pause *= 2;
    failures.erase(std::remove_if(failures.begin(), failures.end(),
                                  [](const SetRemoval::Failure& failure) {
                                    return absl::IsUnavailable(failure.why);
                                  }),
                   failures.end());
    for (SetRemoval::Failure& failure : Destroy(*table, in_use))
      failures.push_back(std::move(failure));
  }
  removal.failures = std::move(failures);
  removal.messages = table->messages();
  return removal;
}

}  // namespace netpol
