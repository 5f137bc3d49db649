// Walks made of random events, checked at every step.
#ifndef NETPOL_TESTS_KERNEL_WALK_RANDOM_WALK_H_
#define NETPOL_TESTS_KERNEL_WALK_RANDOM_WALK_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "tests/kernel/walk/walk.pb.h"
#include "tests/kernel/walk/walk_node.h"
#include "tests/kernel/walk/walk_setup.h"

namespace netpol {

struct RandomWalk {
  // As far as it went: the first step tells the cluster that it began with. The
  // probes are the packets of `failure`.
  v1::Walk walk;
  absl::optional<WalkFailure> failure;
  WalkTally tally;
  int events = 0;
  // Packets whose right verdict the last step had changed.
  int turned = 0;
};

// Goes from a random cluster through `steps` bursts of random events, restarts,
// resyncs and the tampering of others among them. After each the kernel's rules
// are compared with a fresh start's and `packets` packets are sent, those first
// whose verdict changed; every two hundred steps, packets between every two
// addresses too. Ends at the first law broken. The same seed and options give
// the same walk.
absl::StatusOr<RandomWalk> WalkAtRandom(const WalkSetup& setup, uint64_t seed,
                                        int steps, int packets);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_WALK_RANDOM_WALK_H_
