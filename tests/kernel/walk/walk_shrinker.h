// From a walk of hundreds of steps that goes wrong to one of a few.
#ifndef NETPOL_TESTS_KERNEL_WALK_WALK_SHRINKER_H_
#define NETPOL_TESTS_KERNEL_WALK_WALK_SHRINKER_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/kernel/walk/walk.pb.h"
#include "tests/kernel/walk/walk_node.h"
#include "tests/kernel/walk/walk_setup.h"

namespace netpol {

// `walk` ended in `failure`. Looks for less that breaks the same law in the
// same way, each attempt in a new lab: a start with the cluster as it stood a
// few steps earlier, then fewer events, then smaller ones. Takes at most
// `limit` and the attempt under way. NotFound if `walk` itself does so no more.
absl::StatusOr<v1::Walk> ShrinkWalk(const WalkSetup& setup,
                                    const v1::Walk& walk,
                                    const WalkFailure& failure,
                                    absl::Duration limit);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_WALK_WALK_SHRINKER_H_
