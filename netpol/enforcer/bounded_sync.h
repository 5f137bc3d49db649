// Syncs until nothing is left to do, or until patience ends.
#ifndef NETPOL_ENFORCER_BOUNDED_SYNC_H_
#define NETPOL_ENFORCER_BOUNDED_SYNC_H_

#include <functional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "netpol/sync/sync_engine.h"

namespace netpol {

// Calls `sync` until its report does not ask for another try, at most five
// times; waits by `wait` in between, longer each time, 1.5 s in all. Sums up
// what the calls did; problems and retry are those of the last. The first error
// ends it.
absl::StatusOr<SyncReport> SyncUntilDone(
    const std::function<absl::StatusOr<SyncReport>()>& sync,
    const std::function<void(absl::Duration)>& wait);

}  // namespace netpol

#endif  // NETPOL_ENFORCER_BOUNDED_SYNC_H_
