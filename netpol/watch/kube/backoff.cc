#include "netpol/watch/kube/backoff.h"

#include <algorithm>

namespace netpol {

absl::Duration Backoff::Next(absl::Time now) {
  if (now - last_ > kForget) delay_ = absl::ZeroDuration();
  last_ = now;
  delay_ = std::clamp(2 * delay_, kFirst, kLongest / 2);
  const double factor = std::uniform_real_distribution<>(1, 2)(random_);
  return factor * delay_;
}

}  // namespace netpol
