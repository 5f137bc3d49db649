// Makes one change true, in as few transactions as possible.
#ifndef NETPOL_DATAPLANE_NFT_NFT_COMMIT_H_
#define NETPOL_DATAPLANE_NFT_NFT_COMMIT_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "netpol/dataplane/nft/nft_hooks.h"
#include "netpol/dataplane/nft/nft_session.h"
#include "netpol/dataplane/nft/restore_text.h"
#include "netpol/sync/dataplane.h"

namespace netpol {

// Writes, removed chains and the jumps are one transaction of
// iptables-nft-restore. Two things follow in another one by netlink: the rules
// that lead to our hooks under other conditions, which have no text that would
// surely be theirs, and HookChange::kRemove with the chains that go with it.
// Without writes there is just that one. Thread-compatible.
class NftCommit {
 public:
  // Both must live longer.
  NftCommit(NftSession& session, const TableChange& change)
      : session_(session), change_(change) {}

  // Aborted: others changed something meanwhile; call it again. The other codes
  // are those of FamilyTable::Commit().
  absl::Status Try();

  // What was to be removed and is only emptied.
  const std::vector<KeptChain>& kept() const { return kept_; }
  // Transactions made.
  int transactions() const { return transactions_; }

 private:
  absl::Status PlanHooks();
  absl::StatusOr<std::vector<const Chain*>> DifferentChains();
  absl::Status LearnContent(const std::vector<std::string>& chains);
  absl::Status PlanRemoval();
  absl::Status Write(const RestoreDelta& delta);
  absl::Status RemoveRest(bool has_written);
  void NoteWritten(const RestoreDelta& delta);
  void NoteRemoved();
  absl::Status ExplainFailure(absl::Status status);
  // Rules of chains that this change neither writes nor removes.
  absl::StatusOr<std::vector<NftRule>> RulesThatStay();
  absl::StatusOr<std::vector<KeptChain>> FindKept();
  std::string StepText(const std::vector<const Chain*>& written) const;

  NftSession& session_;
  const TableChange& change_;
  int attempts_ = 0;
  int transactions_ = 0;
  absl::optional<NftHooks> hooks_;  // unless nothing is to become of them
  std::vector<std::string> hook_lines_;
  std::vector<std::string> removed_;
  std::vector<std::string> emptied_;
  std::vector<KeptChain> kept_;
  bool keeps_all_ = false;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_NFT_NFT_COMMIT_H_
