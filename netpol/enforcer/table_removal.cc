#include "netpol/enforcer/table_removal.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/family_table.h"
#include "netpol/dataplane/legacy/filter_table.h"
#include "netpol/dataplane/legacy/hook_jumps.h"
#include "netpol/dataplane/legacy/iptc_handle.h"
#include "netpol/dataplane/legacy/table_presence.h"
#include "netpol/dataplane/nft/nft_channel.h"
#include "netpol/dataplane/nft/nft_filter_table.h"
#include "netpol/dataplane/nft/nft_hooks.h"
#include "netpol/dataplane/nft/restore_program.h"

namespace netpol {
namespace {

constexpr char kTable[] = "filter";

// A longer one was not made by any iptables.
bool IsOurChain(absl::string_view name) {
  return ChainName::IsOurs(name) && name.size() <= ChainName::kMaxLength;
}

absl::StatusOr<TableRemoval> FindInLegacy(Family family) {
  TableRemoval content;
  if (!HasLegacyTable(family, kTable)) return content;
  ASSIGN_OR_RETURN(const IptcHandle handle, IptcHandle::Open(family));
  for (const std::string& name : handle.Chains()) {
    if (IsOurChain(name))
      content.chains.push_back({ChainName(name), handle.Rules(name).size()});
  }
  ASSIGN_OR_RETURN(const HookState hooks, ReadHooks(handle));
  content.hooks = static_cast<size_t>(hooks.found);
  return content;
}

// Nothing where the kernel has no nf_tables.
absl::StatusOr<std::unique_ptr<NftChannel>> OpenNft() {
  absl::StatusOr<std::unique_ptr<NftChannel>> channel = NftChannel::Open();
  if (absl::IsUnimplemented(channel.status()))
    return std::unique_ptr<NftChannel>();
  return channel;
}

absl::StatusOr<TableRemoval> FindInNft(Family family) {
  TableRemoval content;
  ASSIGN_OR_RETURN(const std::unique_ptr<NftChannel> channel, OpenNft());
  if (channel == nullptr) return content;
  ASSIGN_OR_RETURN(const std::vector<NftChain> chains,
                   channel->Chains(family, kTable));
  for (const NftChain& chain : chains) {
    if (chain.is_base || !IsOurChain(chain.name)) continue;
    // One by one: the kernel begins a list of all rules anew for each part of
    // it that it sends, which takes time with the square of their number.
    ASSIGN_OR_RETURN(const std::vector<NftRule> rules,
                     channel->Rules(family, kTable, chain.name));
    content.chains.push_back({ChainName(chain.name), rules.size()});
  }
  const RestoreProgram program(family, NftFilterTableOptions().program_timeout);
  ASSIGN_OR_RETURN(const NftHooks hooks,
                   NftHooks::Read(*channel, family, program));
  content.hooks = static_cast<size_t>(hooks.State().found);
  return content;
}

TableChange RemovalOf(const TableRemoval& content, Family family) {
  TableChange change;
  change.family = family;
  change.hooks = HookChange::kRemove;
  change.remove.reserve(content.chains.size());
  for (const TableChain& chain : content.chains)
    change.remove.push_back(chain.name);
  return change;
}

std::unique_ptr<FamilyTable> OpenTable(Flavour flavour, Family family,
                                       absl::Duration lock_timeout) {
  if (flavour == Flavour::kNft) return std::make_unique<NftFilterTable>(family);
  return std::make_unique<FilterTable>(family,
                                       FilterTableOptions{lock_timeout});
}

}  // namespace

size_t TableRemoval::rules() const {
  size_t sum = 0;
  for (const TableChain& chain : chains) sum += chain.rules;
  return sum;
}

absl::StatusOr<TableRemoval> FindOurTable(Flavour flavour, Family family) {
  ASSIGN_OR_RETURN(TableRemoval found, flavour == Flavour::kNft
                                           ? FindInNft(family)
                                           : FindInLegacy(family));
  std::sort(
      found.chains.begin(), found.chains.end(),
      [](const TableChain& a, const TableChain& b) { return a.name < b.name; });
  return found;
}

absl::StatusOr<TableRemoval> RemoveOurTable(Flavour flavour, Family family,
                                            absl::Duration lock_timeout) {
  ASSIGN_OR_RETURN(TableRemoval removal, FindOurTable(flavour, family));
  if (removal.empty()) return removal;
  const std::unique_ptr<FamilyTable> table =
      OpenTable(flavour, family, lock_timeout);
  RETURN_IF_ERROR(table->Commit(RemovalOf(removal, family)));
  removal.kept = table->kept_chains();
  removal.chains.erase(
      std::remove_if(removal.chains.begin(), removal.chains.end(),
                     [&](const TableChain& chain) {
                       return std::any_of(removal.kept.begin(),
                                          removal.kept.end(),
                                          [&](const KeptChain& kept) {
                                            return kept.chain == chain.name;
                                          });
                     }),
      removal.chains.end());
  removal.commits = table->commits();
  return removal;
}

}  // namespace netpol
