// What is ours where we do not enforce: in the other flavour of iptables after
// a switch, and of an address family that was turned off.
#ifndef NETPOL_ENFORCER_LEFTOVERS_H_
#define NETPOL_ENFORCER_LEFTOVERS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/flavour.h"

namespace netpol {

struct SweepReport {
  // A sentence for each table that had something, and for what was left.
  std::vector<std::string> done;
  // What could not be removed; the rest was, and it may be tried again.
  absl::Status status;
};

// Takes out of the thread's network namespace what is ours or kube-router's
// beside the tables of `flavour` and `families`, in which we enforce: call it
// once the rules stand there, so that enforcement never lapses. That is the
// other flavour's tables, the tables and sets of other families, and the tables
// of kube-router's own nftables mode. Sets of `families` are shared by the
// flavours and stay.
//
// A set that somebody else's rule uses does no harm and is left.
SweepReport SweepLeftovers(Flavour flavour, const std::vector<Family>& families,
                           absl::Duration lock_timeout);

// What SweepLeftovers() would take out of tables: a sentence each. Writes
// nothing.
absl::StatusOr<std::vector<std::string>> FindLeftovers(
    Flavour flavour, const std::vector<Family>& families);

}  // namespace netpol

#endif  // NETPOL_ENFORCER_LEFTOVERS_H_
