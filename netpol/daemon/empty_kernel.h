// A kernel that has nothing of ours, for what is only to be planned.
#ifndef NETPOL_DAEMON_EMPTY_KERNEL_H_
#define NETPOL_DAEMON_EMPTY_KERNEL_H_

#include "netpol/sync/dataplane.h"

namespace netpol {

// Reads as empty, and takes no write: Unimplemented. Touches nothing.
class EmptyKernel final : public Dataplane {
 public:
  absl::StatusOr<Snapshot> Read(absl::Span<const Family> families) override;
  absl::Status CreateSet(const SetSpec& spec,
                         absl::Span<const SetMember> members) override;
  absl::Status AddMembers(const SetSpec& spec,
                          absl::Span<const SetMember> members) override;
  absl::Status RemoveMembers(const SetSpec& spec,
                             absl::Span<const SetMember> members) override;
  absl::Status ReplaceSet(const SetSpec& spec,
                          absl::Span<const SetMember> members) override;
  absl::Status DestroySet(const SetName& name) override;
  absl::Status CommitTable(const TableChange& change) override;
  std::vector<KeptChain> kept_chains(Family) const override { return {}; }
  absl::StatusOr<Glance> Look(absl::Span<const Family>) override {
    return Glance();
  }
  WriteCounts writes() const override { return {}; }
};

}  // namespace netpol

#endif  // NETPOL_DAEMON_EMPTY_KERNEL_H_
