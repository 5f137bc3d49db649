// The least that changing the IPv4 table `filter` can cost: libiptc and the
// kernel alone, on the table as it is at the moment.
//
// Both work in the calling thread's network namespace and take no lock, so
// nobody else may be writing there. The rules stay as they are; counters do not
// have to. Errors name the step; FailedPrecondition for a table without rules.
#ifndef NETPOL_BENCH_FLOOR_TABLE_FLOOR_H_
#define NETPOL_BENCH_FLOOR_TABLE_FLOOR_H_

#include "absl/status/statusor.h"
#include "bench/floor/cost.h"

namespace netpol {

// Where the time of a bare commit goes.
struct CommitCost {
  Cost init;    // read the table
  Cost change;  // one rule replaced by itself
  Cost commit;  // write the table, and add the old counters
  Cost free;

  Cost total() const { return init + change + commit + free; }
};

// One change by libiptc, as every program that goes through it has to make it.
absl::StatusOr<CommitCost> MeasureBareCommit();

// One IPT_SO_SET_REPLACE of the whole table by itself: the kernel's checks and
// copies without reading before and without libiptc. Counters start at zero.
absl::StatusOr<Cost> MeasureBareReplace();

}  // namespace netpol

#endif  // NETPOL_BENCH_FLOOR_TABLE_FLOOR_H_
