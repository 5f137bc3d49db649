// How it stands with one enforcer, for health, metrics and status.
#ifndef NETPOL_ENFORCER_ENFORCER_STATE_H_
#define NETPOL_ENFORCER_ENFORCER_STATE_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "netpol/controller_loop.h"
#include "netpol/dataplane/flavour.h"
#include "netpol/watch/watch_source.h"

namespace netpol {

// A value; times are absl::Now()'s.
struct EnforcerState {
  std::string node_name;
  absl::Time started = absl::InfinitePast();
  // Between two readings of the kernel when nothing happens.
  absl::Duration sync_period;
  // When its own threads last went round: far back if one hangs.
  absl::Time last_beat = absl::InfinitePast();
  // The kernel could be opened. Until then `loop` says nothing.
  bool kernel_open = false;
  // Where rules are written, and a sentence that says why there; empty until
  // the kernel is looked at.
  absl::optional<Flavour> flavour;
  std::string flavour_reason;
  // A new start would take the other flavour, and why.
  std::string flavour_advice;
  // Why what is ours in the other flavour, or of a family that is off, could
  // not be removed: it may refuse what is allowed.
  std::string leftovers;
  // What it lacks, a sentence with its remedy each.
  std::vector<std::string> kernel_problems;
  LoopHealth loop;
  // Told to enforce nothing. `kernel_problems` are then what could not be taken
  // out of the kernel, and all that is said of syncs and kinds is empty.
  bool disabled = false;
  // Of a disabled one: nothing of ours is left.
  bool cleaned = false;
  // Kinds that are watched at a server; empty for another source.
  std::vector<FollowedKind> followed;
  // Why the source as a whole cannot be read, and since when.
  std::string source_error;
  absl::Time source_failing_since = absl::InfiniteFuture();
  // Objects and files that could not be taken as they stand.
  size_t source_problems = 0;
};

}  // namespace netpol

#endif  // NETPOL_ENFORCER_ENFORCER_STATE_H_
