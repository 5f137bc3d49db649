// Takes every set of ours out of the kernel.
#ifndef NETPOL_ENFORCER_SET_REMOVAL_H_
#define NETPOL_ENFORCER_SET_REMOVAL_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "netpol/rules/names.h"

namespace netpol {

struct SetRemoval {
  struct Failure {
    SetName set;
    // Unavailable for one that is still in use.
    absl::Status why;
  };

  std::vector<SetName> sets;  // that were there
  std::vector<Failure> failures;
  uint64_t messages = 0;  // sent that write
};

// Sets of both families in the thread's network namespace: ours, and those that
// older releases of kube-router left half loaded; in order of their names. None
// where the kernel has no sets at all. Content is not read.
absl::StatusOr<std::vector<SetName>> FindOurSets();

// Destroys them; one that is in use, which the kernel may say for a moment
// after the last rule has gone, is tried up to five times, with `wait` in
// between, 1.5 s in all. To be called when the rules are gone.
absl::StatusOr<SetRemoval> RemoveOurSets(
    const std::function<void(absl::Duration)>& wait);

}  // namespace netpol

#endif  // NETPOL_ENFORCER_SET_REMOVAL_H_
