// Brings chains of a handle to given rules, touching as little as possible.
#ifndef NETPOL_DATAPLANE_LEGACY_CHAIN_EDITOR_H_
#define NETPOL_DATAPLANE_LEGACY_CHAIN_EDITOR_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "netpol/dataplane/legacy/entry_parts.h"
#include "netpol/dataplane/legacy/iptc_handle.h"
#include "netpol/rules/names.h"
#include "netpol/sync/dataplane.h"

namespace netpol {

// A chain as it is to be.
struct EncodedChain {
  ChainName name;
  std::vector<EntryParts> rules;
};

// Edits in memory; nothing reaches the kernel before the handle's Commit().
// After an error the handle is half edited and must be dropped.
class ChainEditor {
 public:
  // `handle` must live longer.
  explicit ChainEditor(IptcHandle& handle) : handle_(handle) {}

  // Creates what is missing; rules that are the same before and after keep
  // their place and counters. FailedPrecondition if a rule leads to a chain
  // that is neither there nor among `chains`.
  absl::Status Write(absl::Span<const EncodedChain> chains);

  // Empties all of `chains`, then deletes them; one that is not there is
  // skipped, and one that a rule of somebody else's chain leads to stays (see
  // kept()). FailedPrecondition, naming the rule's chain, if a rule of another
  // chain of ours leads to one of them.
  absl::Status Remove(absl::Span<const ChainName> chains);

  // What Remove() emptied but left.
  const std::vector<KeptChain>& kept() const { return kept_; }

  // Whether the table is any different now.
  bool changed() const { return changed_; }

 private:
  absl::Status CheckTargets(const EncodedChain& chain);
  absl::Status EditRules(const EncodedChain& chain);
  // The chain of somebody else that leads to `chain`; empty if none does.
  absl::StatusOr<std::string> ForeignReferrer(const ChainName& chain) const;

  IptcHandle& handle_;
  bool changed_ = false;
  std::vector<KeptChain> kept_;
  absl::flat_hash_set<std::string> known_targets_;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_LEGACY_CHAIN_EDITOR_H_
