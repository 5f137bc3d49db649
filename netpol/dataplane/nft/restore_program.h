// Runs iptables-nft-restore.
#ifndef NETPOL_DATAPLANE_NFT_RESTORE_PROGRAM_H_
#define NETPOL_DATAPLANE_NFT_RESTORE_PROGRAM_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "netpol/base/ip.h"

namespace netpol {

struct RestoreRun {
  bool succeeded = false;
  std::string out;
  std::string err;
  // By which NftMonitor knows what it did.
  uint32_t port = 0;
};

// `iptables-nft-restore --noflush` or `ip6tables-nft-restore --noflush`, in the
// network namespace of the calling thread. Thread-compatible.
class RestoreProgram {
 public:
  RestoreProgram(Family family, absl::Duration timeout)
      : family_(family), timeout_(timeout) {}

  // Runs it to its end with `input`. Unimplemented, saying what to install, if
  // there is no such program; Unavailable if it had to be stopped.
  absl::StatusOr<RestoreRun> Run(absl::string_view input) const;

  // What the failed `run` means. `step` says what it was to do; its words and
  // the line of `input` that it complains of are quoted.
  //
  // Aborted: something that it relied on changed meanwhile. FailedPrecondition:
  // a chain is still in use, or jumps make a loop. NotFound: a set.
  // Unimplemented: a match, a target or all of nf_tables.
  absl::Status ErrorOf(const RestoreRun& run, absl::string_view input,
                       absl::string_view step) const;

 private:
  const Family family_;
  const absl::Duration timeout_;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_NFT_RESTORE_PROGRAM_H_
