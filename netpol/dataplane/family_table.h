// One family's table `filter`, of either flavour: the half of Dataplane
// (netpol/sync/dataplane.h) that is about tables.
#ifndef NETPOL_DATAPLANE_FAMILY_TABLE_H_
#define NETPOL_DATAPLANE_FAMILY_TABLE_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpol/sync/dataplane.h"
#include "netpol/sync/snapshot.h"

namespace netpol {

// The contracts and codes of Dataplane hold here. The network namespace is the
// calling thread's at each call, the same each time. Thread-compatible.
class FamilyTable {
 public:
  virtual ~FamilyTable() = default;

  // Our chains and hooks. Writes nothing, and takes no lock. Unimplemented
  // where the kernel has no such table, or the programs are missing that read
  // it.
  virtual absl::StatusOr<ObservedTable> Read() = 0;

  // Makes `change` true, all or nothing, in one step. Writes nothing if nothing
  // would differ.
  //
  // InvalidArgument: a chain that is not ours, or named twice, or a rule that
  // cannot be said. NotFound: a set that does not exist. FailedPrecondition: a
  // rule of ours that stays leads to a removed chain, a jump leads nowhere or
  // in a circle. Unavailable: the lock is held, or others kept changing the
  // table. Unimplemented: the kernel lacks the table, a match or a target.
  virtual absl::Status Commit(const TableChange& change) = 0;

  // See Dataplane::kept_chains(); of the last Commit().
  virtual const std::vector<KeptChain>& kept_chains() const = 0;

  // Cheap: whether somebody else may have changed chains of ours, or what
  // stands before and in our hooks, since the last Read(); true before the
  // first. Commits of this object do not count, nor do they hide anything. What
  // is overlooked is said at each flavour.
  virtual absl::StatusOr<bool> MayHaveChanged() = 0;

  // Tables written since construction.
  virtual uint64_t commits() const = 0;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_FAMILY_TABLE_H_
