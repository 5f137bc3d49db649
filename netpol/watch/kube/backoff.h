// How long to wait before a server is asked again.
#ifndef NETPOL_WATCH_KUBE_BACKOFF_H_
#define NETPOL_WATCH_KUBE_BACKOFF_H_

#include <cstdint>
#include <random>

#include "absl/time/time.h"

namespace netpol {

// Doubles with every failure and is spread at random, so that the nodes of a
// cluster do not come back all at once. Pure but for its own random numbers:
// the caller says what time it is. Thread-compatible.
class Backoff {
 public:
  // The first delay is in [kFirst, 2 * kFirst), the longest in
  // [kLongest / 2, kLongest).
  static constexpr absl::Duration kFirst = absl::Milliseconds(400);
  static constexpr absl::Duration kLongest = absl::Seconds(30);
  // Without failures for so long, it begins anew.
  static constexpr absl::Duration kForget = absl::Minutes(2);

  explicit Backoff(uint64_t seed) : random_(seed) {}

  // After a failure at `now`.
  absl::Duration Next(absl::Time now);

 private:
  std::mt19937_64 random_;
  absl::Duration delay_ = absl::ZeroDuration();
  absl::Time last_ = absl::InfinitePast();
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_BACKOFF_H_
