#include "bench/floor/cost.h"

#include <time.h>

namespace netpol {
namespace {

absl::Duration Read(clockid_t clock) {
  timespec now = {};
  clock_gettime(clock, &now);
  return absl::DurationFromTimespec(now);
}

}  // namespace

Cost CostWatch::Now() {
  return {Read(CLOCK_MONOTONIC), Read(CLOCK_THREAD_CPUTIME_ID)};
}

}  // namespace netpol
