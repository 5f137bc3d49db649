// The least that reading all IP sets can cost: one dump, thrown away.
#ifndef NETPOL_BENCH_ROOMS_LISTING_FLOOR_H_
#define NETPOL_BENCH_ROOMS_LISTING_FLOOR_H_

#include "absl/status/statusor.h"
#include "bench/floor/cost.h"

namespace netpol {

// In the network namespace of the calling thread; every set is in it, also
// those of others. Errors name the step.
absl::StatusOr<Cost> MeasureBareListing();

}  // namespace netpol

#endif  // NETPOL_BENCH_ROOMS_LISTING_FLOOR_H_
