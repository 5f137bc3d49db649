#include "netpol/enforcer/sync_summary.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace netpol {

std::string WritesText(const v1::KernelWrites& writes) {
  return absl::StrCat("kernel writes: ", writes.total(), " (set messages ",
                      writes.set_messages(), ", table commits ",
                      writes.table_commits(), ")");
}

std::string Counted(uint32_t count, absl::string_view one,
                    absl::string_view many) {
  return absl::StrCat(count, " ", count == 1 ? one : many);
}

v1::SyncSummary SummaryOf(const SyncReport& report) {
  const auto count = [](auto value) { return static_cast<uint32_t>(value); };
  v1::SyncSummary summary;
  summary.set_sets_created(count(report.sets_created));
  summary.set_sets_replaced(count(report.sets_replaced));
  summary.set_sets_destroyed(count(report.sets_destroyed));
  summary.set_members_added(count(report.members_added));
  summary.set_members_removed(count(report.members_removed));
  summary.set_chains_written(count(report.chains_written));
  summary.set_chains_removed(count(report.chains_removed));
  summary.set_hooks_changed(count(report.hooks_changed));
  v1::KernelWrites* writes = summary.mutable_kernel_writes();
  writes->set_total(count(report.writes.total()));
  writes->set_set_messages(count(report.writes.set_messages));
  writes->set_table_commits(count(report.writes.table_commits));
  return summary;
}

std::string TextOf(const v1::SyncSummary& sync) {
  std::vector<std::string> parts;
  const auto add = [&](uint32_t count, absl::string_view one,
                       absl::string_view many, absl::string_view what) {
    if (count > 0)
      parts.push_back(absl::StrCat(Counted(count, one, many), " ", what));
  };
  add(sync.sets_created(), "set", "sets", "created");
  add(sync.sets_replaced(), "set", "sets", "replaced");
  add(sync.members_added(), "member", "members", "added");
  add(sync.members_removed(), "member", "members", "removed");
  add(sync.chains_written(), "chain", "chains", "written");
  add(sync.chains_removed(), "chain", "chains", "removed");
  add(sync.sets_destroyed(), "set", "sets", "destroyed");
  if (sync.hooks_changed() > 0) parts.emplace_back("hooks changed");
  if (parts.empty()) parts.emplace_back("nothing to change");
  return absl::StrCat(absl::StrJoin(parts, ", "), "; ",
                      WritesText(sync.kernel_writes()));
}

}  // namespace netpol
