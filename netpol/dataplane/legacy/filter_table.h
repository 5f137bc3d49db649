// One family's legacy table `filter`: read whole, changed by chains.
#ifndef NETPOL_DATAPLANE_LEGACY_FILTER_TABLE_H_
#define NETPOL_DATAPLANE_LEGACY_FILTER_TABLE_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/legacy/chain_editor.h"
#include "netpol/dataplane/legacy/iptc_handle.h"
#include "netpol/dataplane/legacy/set_index.h"
#include "netpol/sync/dataplane.h"
#include "netpol/sync/snapshot.h"

namespace netpol {

struct FilterTableOptions {
  // How long a commit waits for the xtables lock.
  absl::Duration lock_timeout = absl::Seconds(10);
};

// Goes through libiptc in process. The network namespace is the calling
// thread's at each call. Thread-compatible.
//
// Nothing is kept between calls: each one reads the kernel's table, since an
// older reading must not be written back. A kernel without this family's table
// makes the calls fail (Unimplemented), not the construction.
class FilterTable {
 public:
  explicit FilterTable(Family family, FilterTableOptions options = {});

  // Our chains and hooks. Takes no lock and writes nothing.
  absl::StatusOr<ObservedTable> Read();

  // Makes `change` true, all or nothing, under the xtables lock from the
  // reading to the writing. Rules that are the same before and after keep their
  // place and counters. Writes nothing if nothing would differ.
  //
  // InvalidArgument: a chain that is not ours, or named twice, or a rule that
  // cannot be said. NotFound: a set that does not exist. FailedPrecondition: a
  // rule that stays leads to a removed chain, a jump leads nowhere or in
  // a circle. Unavailable: the lock is held, or others kept changing the table.
  // Unimplemented: the kernel lacks the table, a match or a target.
  absl::Status Commit(const TableChange& change);

  // Tables written since construction.
  uint64_t commits() const { return commits_; }

 private:
  absl::Status CommitEncoded(const TableChange& change,
                             absl::Span<const EncodedChain> chains);

  const Family family_;
  const FilterTableOptions options_;
  SetIndex sets_;
  uint64_t commits_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_LEGACY_FILTER_TABLE_H_
