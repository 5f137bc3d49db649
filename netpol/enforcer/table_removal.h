// Takes everything of ours out of one family's table filter of one flavour.
#ifndef NETPOL_ENFORCER_TABLE_REMOVAL_H_
#define NETPOL_ENFORCER_TABLE_REMOVAL_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/flavour.h"
#include "netpol/rules/names.h"
#include "netpol/sync/dataplane.h"

namespace netpol {

// One chain of ours, by name and size alone.
struct TableChain {
  ChainName name;
  size_t rules = 0;
};

// What was taken out, or would be.
struct TableRemoval {
  std::vector<TableChain> chains;  // in order of their names
  // Rules in the built-in chains: jumps into our chains, and accept rules of an
  // older layout.
  size_t hooks = 0;
  // Chains that are empty now and still there; not among `chains`.
  std::vector<KeptChain> kept;
  uint64_t commits = 0;  // made for it

  // Nothing of ours was there.
  bool empty() const { return chains.empty() && hooks == 0 && kept.empty(); }
  // In the chains.
  size_t rules() const;
};

// Tables are those of the thread's network namespace. Neither function makes a
// table that is not there, and sets are left alone. Errors are those of
// Dataplane::Read() and CommitTable(); nothing was removed then.

// What there is of ours, by names alone: needs no program, but for the accept
// rules of older layouts in nf_tables. Nothing where the kernel does not have
// that flavour.
absl::StatusOr<TableRemoval> FindOurTable(Flavour flavour, Family family);

// Takes all chains and hooks of ours out in one commit, or writes nothing if
// there are none. A legacy table waits for the xtables lock.
absl::StatusOr<TableRemoval> RemoveOurTable(Flavour flavour, Family family,
                                            absl::Duration lock_timeout);

}  // namespace netpol

#endif  // NETPOL_ENFORCER_TABLE_REMOVAL_H_
