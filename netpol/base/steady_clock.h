// A clock that is never set back.
#ifndef NETPOL_BASE_STEADY_CLOCK_H_
#define NETPOL_BASE_STEADY_CLOCK_H_

#include <chrono>

#include "absl/time/time.h"

namespace netpol {

// For pacing and time limits: unlike absl::Now(), it is never set back, which
// would put off whatever is due. Says nothing about the time of day.
inline absl::Time SteadyNow() {
  return absl::UnixEpoch() +
         absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace netpol

#endif  // NETPOL_BASE_STEADY_CLOCK_H_
