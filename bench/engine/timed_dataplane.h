// A Dataplane that notes what each call costs and what it was about.
#ifndef NETPOL_BENCH_ENGINE_TIMED_DATAPLANE_H_
#define NETPOL_BENCH_ENGINE_TIMED_DATAPLANE_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "bench/floor/cost.h"
#include "netpol/dataplane/ipset/ipset_messages.h"
#include "netpol/sync/plan.h"
#include "netpol/testing/forwarding_dataplane.h"

namespace netpol {

struct SetEdit {
  MemberCommand command = MemberCommand::kAdd;
  PlannedMembers members;
};

// The calls of some time. A call's cost has in it whatever our side of the
// boundary does for it: encoding, libiptc, system calls.
struct KernelCalls {
  Cost reads;
  Cost sets;  // created, replaced, destroyed
  Cost edits;
  Cost commits;
  // All of the above, and what the noting took.
  Cost inside;

  std::vector<SetEdit> edited;
  std::vector<PlannedMembers> created;  // replaced ones too
  int sets_destroyed = 0;               // replaced ones too
  int tables_committed = 0;

  Cost total() const { return reads + sets + edits + commits; }
};

// Thread-compatible; calls from the thread whose CPU time is to be measured.
class TimedDataplane : public ForwardingDataplane {
 public:
  explicit TimedDataplane(std::unique_ptr<Dataplane> kernel)
      : ForwardingDataplane(std::move(kernel)) {}

  // The calls since the last Take().
  KernelCalls Take() { return std::exchange(calls_, KernelCalls()); }

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

 private:
  KernelCalls calls_;
};

}  // namespace netpol

#endif  // NETPOL_BENCH_ENGINE_TIMED_DATAPLANE_H_
