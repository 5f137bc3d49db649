#include "netpol/dataplane/linux_dataplane.h"

#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "netpol/base/scoped_timer.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/legacy/filter_table.h"
#include "netpol/dataplane/nft/nft_filter_table.h"

namespace netpol {

namespace {

std::unique_ptr<FamilyTable> OpenTable(Family family,
                                       const LinuxDataplaneOptions& options) {
  if (options.flavour == Flavour::kNft)
    return std::make_unique<NftFilterTable>(family);
  return std::make_unique<FilterTable>(
      family, FilterTableOptions{options.lock_timeout});
}

}  // namespace

absl::StatusOr<std::unique_ptr<LinuxDataplane>> LinuxDataplane::Create(
    LinuxDataplaneOptions options) {
  ASSIGN_OR_RETURN(std::unique_ptr<SetTable> sets, SetTable::Create());
  return std::unique_ptr<LinuxDataplane>(
      new LinuxDataplane(std::move(sets), options));
}

LinuxDataplane::LinuxDataplane(std::unique_ptr<SetTable> sets,
                               const LinuxDataplaneOptions& options)
    : sets_(std::move(sets)),
      tables_{OpenTable(Family::kIPv4, options),
              OpenTable(Family::kIPv6, options)} {}

absl::StatusOr<Snapshot> LinuxDataplane::Read(
    absl::Span<const Family> families) {
  Snapshot snapshot;
  ASSIGN_OR_RETURN(snapshot.sets, sets_->Read(families, &snapshot.other_sets));
  for (const Family family : families) {
    absl::Duration read_time;
    {
      const ScopedTimer timer(read_time);
      ASSIGN_OR_RETURN(snapshot.table(family), table(family).Read());
    }
    snapshot.table(family).read_time = read_time;
  }
  return snapshot;
}

absl::Status LinuxDataplane::CreateSet(const SetSpec& spec,
                                       absl::Span<const SetMember> members) {
  return sets_->CreateSet(spec, members);
}

absl::Status LinuxDataplane::AddMembers(const SetSpec& spec,
                                        absl::Span<const SetMember> members) {
  return sets_->AddMembers(spec, members);
}

absl::Status LinuxDataplane::RemoveMembers(
    const SetSpec& spec, absl::Span<const SetMember> members) {
  return sets_->RemoveMembers(spec, members);
}

absl::Status LinuxDataplane::ReplaceSet(const SetSpec& spec,
                                        absl::Span<const SetMember> members) {
  return sets_->ReplaceSet(spec, members);
}

absl::Status LinuxDataplane::DestroySet(const SetName& name) {
  return sets_->DestroySet(name);
}

absl::Status LinuxDataplane::CommitTable(const TableChange& change) {
  return table(change.family).Commit(change);
}

std::vector<KeptChain> LinuxDataplane::kept_chains(Family family) const {
  return tables_[static_cast<int>(family)]->kept_chains();
}

absl::StatusOr<Glance> LinuxDataplane::Look(absl::Span<const Family> families) {
  Glance glance;
  for (const Family family : families) {
    ASSIGN_OR_RETURN(const bool differs, table(family).MayHaveChanged());
    glance.tables_may_differ = glance.tables_may_differ || differs;
  }
  ASSIGN_OR_RETURN(glance.set_sizes, sets_->Sizes(families));
  return glance;
}

WriteCounts LinuxDataplane::writes() const {
  WriteCounts counts;
  counts.set_messages = sets_->messages();
  for (const auto& table : tables_) counts.table_commits += table->commits();
  return counts;
}

}  // namespace netpol
