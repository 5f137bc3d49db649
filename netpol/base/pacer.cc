#include "netpol/base/pacer.h"

#include <algorithm>

namespace netpol {

void Pacer::Request(absl::Time now) { requested_ = std::min(requested_, now); }

absl::Time Pacer::NextRun() const {
  const absl::Time due = std::max(not_before_, std::min(requested_, periodic_));
  return deferred_ ? std::max(due, heavy_after_) : due;
}

void Pacer::Ran(absl::Time begin, absl::Time end, RunResult result,
                RunWeight weight) {
  const absl::Time rested =
      end + std::min((end - begin) * options_.rest_factor, options_.max_rest);
  if (result == RunResult::kDone) {
    retry_ = absl::ZeroDuration();
  } else {
    retry_ = retry_ == absl::ZeroDuration()
                 ? options_.first_retry
                 : std::min(2 * retry_, options_.last_retry);
  }
  requested_ =
      result == RunResult::kDone ? absl::InfiniteFuture() : end + retry_;
  not_before_ = end;
  if (result == RunResult::kFailed) {
    not_before_ = requested_;
  } else if (weight == RunWeight::kLight) {
    not_before_ = rested;
  } else {
    heavy_after_ = rested;
  }
  deferred_ = false;
  periodic_ = end + options_.period;
}

}  // namespace netpol
