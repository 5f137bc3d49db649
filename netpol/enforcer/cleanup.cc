#include "netpol/enforcer/cleanup.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/flavour.h"
#include "netpol/enforcer/older_nft_table.h"
#include "netpol/enforcer/set_removal.h"
#include "netpol/enforcer/table_removal.h"

namespace netpol {
namespace {

constexpr char kAgain[] = "then clean up again (netpolctl cleanup)";

// One clean-up, or the plan of one.
class Cleanup {
 public:
  Cleanup(bool dry_run, CleanupOptions options)
      : dry_run_(dry_run), options_(std::move(options)) {
    if (!options_.wait) options_.wait = absl::SleepFor;
    result_.set_dry_run(dry_run);
  }

  void DoTable(Flavour flavour, Family family);
  // That of kube-router.
  void DoOlderNftTable(Family family);
  // After all tables.
  void DoSets();
  v1::CleanupResult Take();

 private:
  void Say(std::string text);
  void TellTable(Flavour flavour, Family family, const TableRemoval& removal);
  void TellSets(const std::vector<SetName>& sets);
  void TellFailure(const SetRemoval::Failure& failure);

  const bool dry_run_;
  CleanupOptions options_;
  v1::CleanupResult result_;
  uint32_t table_commits_ = 0;
  uint32_t set_messages_ = 0;
};

void Cleanup::Say(std::string text) {
  v1::Problem& problem = *result_.add_problems();
  problem.set_severity(v1::Problem::ERROR);
  problem.set_text(std::move(text));
}

void Cleanup::DoTable(Flavour flavour, Family family) {
  const absl::StatusOr<TableRemoval> removal =
      dry_run_ ? FindOurTable(flavour, family)
               : RemoveOurTable(flavour, family, options_.lock_timeout);
  if (removal.ok()) return TellTable(flavour, family, *removal);
  Say(absl::StrCat("the ", FlavourName(flavour), " ", FamilyName(family),
                   " table filter is as it was: ", removal.status().message(),
                   "; when that is mended, clean up again (netpolctl "
                   "cleanup)"));
}

void Cleanup::TellTable(Flavour flavour, Family family,
                        const TableRemoval& removal) {
  if (removal.empty()) return;
  table_commits_ += static_cast<uint32_t>(removal.commits);
  v1::RemovedTable& table = *result_.add_tables();
  table.set_flavour(std::string(FlavourName(flavour)));
  table.set_family(std::string(FamilyName(family)));
  table.set_table("filter");
  table.set_hooks(static_cast<uint32_t>(removal.hooks));
  table.set_rules(static_cast<uint32_t>(removal.rules()));
  for (const TableChain& chain : removal.chains)
    table.add_chains(chain.name.value());
  for (const KeptChain& kept : removal.kept) {
    v1::KeptChain& message = *table.add_kept();
    message.set_name(kept.chain.value());
    message.set_referrer(kept.referrer);
    Say(absl::StrCat("chain ", kept.chain.value(), " of the ",
                     FlavourName(flavour), " ", FamilyName(family),
                     " table filter: emptied, but still there, since a rule of "
                     "chain ",
                     kept.referrer,
                     " leads to it, which is not ours; remove that rule, ",
                     kAgain));
  }
}

void Cleanup::DoOlderNftTable(Family family) {
  const absl::StatusOr<bool> found =
      dry_run_ ? HasOlderNftTable(family) : RemoveOlderNftTable(family);
  const std::string name(OlderNftTable(family));
  if (!found.ok()) {
    return Say(absl::StrCat("the nf_tables table ", name,
                            " is as it was: ", found.status().message(),
                            "; when that is mended, clean up again (netpolctl "
                            "cleanup)"));
  }
  if (!*found) return;
  if (!dry_run_) ++table_commits_;
  v1::RemovedTable& table = *result_.add_tables();
  table.set_flavour(std::string(FlavourName(Flavour::kNft)));
  table.set_family(std::string(FamilyName(family)));
  table.set_table(name);
  table.set_whole(true);
}

void Cleanup::DoSets() {
  if (dry_run_) {
    const absl::StatusOr<std::vector<SetName>> sets = FindOurSets();
    if (sets.ok()) return TellSets(*sets);
    return Say(std::string(sets.status().message()));
  }
  const absl::StatusOr<SetRemoval> removal = RemoveOurSets(options_.wait);
  if (!removal.ok()) {
    return Say(absl::StrCat("no set was removed: ", removal.status().message(),
                            "; when that is mended, clean up again (netpolctl "
                            "cleanup)"));
  }
  set_messages_ = static_cast<uint32_t>(removal->messages);
  std::vector<SetName> gone;
  for (const SetName& set : removal->sets) gone.push_back(set);
  for (const SetRemoval::Failure& failure : removal->failures) {
    TellFailure(failure);
    gone.erase(std::find(gone.begin(), gone.end(), failure.set));
  }
  result_.set_found_anything(!removal->sets.empty());
  TellSets(gone);
}

void Cleanup::TellFailure(const SetRemoval::Failure& failure) {
  if (!absl::IsUnavailable(failure.why))
    return Say(std::string(failure.why.message()));
  Say(absl::StrCat("set ", failure.set.value(),
                   ": still in use by a rule, or a list of sets, that is not "
                   "ours; remove that, ",
                   kAgain));
}

void Cleanup::TellSets(const std::vector<SetName>& sets) {
  for (const Family family : kFamilies) {
    v1::RemovedSets told;
    for (const SetName& set : sets) {
      const bool is_ipv6 = absl::StartsWith(set.value(), "inet6:");
      if (is_ipv6 == (family == Family::kIPv6)) told.add_names(set.value());
    }
    if (told.names().empty()) continue;
    told.set_family(std::string(FamilyName(family)));
    *result_.add_sets() = std::move(told);
  }
}

v1::CleanupResult Cleanup::Take() {
  result_.set_found_anything(result_.found_anything() ||
                             !result_.tables().empty() ||
                             !result_.sets().empty());
  result_.set_complete(result_.problems().empty());
  v1::KernelWrites& writes = *result_.mutable_kernel_writes();
  writes.set_table_commits(table_commits_);
  writes.set_set_messages(set_messages_);
  writes.set_total(table_commits_ + set_messages_);
  return std::move(result_);
}

v1::CleanupResult Run(Cleanup cleanup) {
  for (const Flavour flavour : kFlavours) {
    for (const Family family : kFamilies) cleanup.DoTable(flavour, family);
  }
  for (const Family family : kFamilies) cleanup.DoOlderNftTable(family);
  // Rules of either flavour may use them.
  cleanup.DoSets();
  return cleanup.Take();
}

}  // namespace

v1::CleanupResult PlanCleanup() { return Run(Cleanup(true, {})); }

v1::CleanupResult CleanUpKernel(const CleanupOptions& options) {
  return Run(Cleanup(false, options));
}

}  // namespace netpol
