// A kernel that costs nothing, so that what remains is the engine's own work.
#ifndef NETPOL_BENCH_ROOMS_NULL_DATAPLANE_H_
#define NETPOL_BENCH_ROOMS_NULL_DATAPLANE_H_

#include "netpol/sync/dataplane.h"

namespace netpol {

// Is empty at first sight, agrees to everything and keeps nothing.
// Thread-compatible.
class NullDataplane : public Dataplane {
 public:
  absl::StatusOr<Snapshot> Read(absl::Span<const Family>) override {
    return Snapshot();
  }
  absl::Status CreateSet(const SetSpec&, absl::Span<const SetMember>) override {
    return Sent();
  }
  absl::Status AddMembers(const SetSpec&,
                          absl::Span<const SetMember>) override {
    return Sent();
  }
  absl::Status RemoveMembers(const SetSpec&,
                             absl::Span<const SetMember>) override {
    return Sent();
  }
  absl::Status ReplaceSet(const SetSpec&,
                          absl::Span<const SetMember>) override {
    return Sent();
  }
  absl::Status DestroySet(const SetName&) override { return Sent(); }
  absl::Status CommitTable(const TableChange&) override {
    ++counts_.table_commits;
    return absl::OkStatus();
  }
  std::vector<KeptChain> kept_chains(Family) const override { return {}; }
  absl::StatusOr<Glance> Look(absl::Span<const Family>) override {
    return Glance();
  }
  WriteCounts writes() const override { return counts_; }

 private:
  absl::Status Sent() {
    ++counts_.set_messages;
    return absl::OkStatus();
  }

  WriteCounts counts_;
};

}  // namespace netpol

#endif  // NETPOL_BENCH_ROOMS_NULL_DATAPLANE_H_
