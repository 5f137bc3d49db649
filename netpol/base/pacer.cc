#include "netpol/base/pacer.h"

#include <algorithm>

namespace netpol {

void Pacer::Request(absl::Time now) { requested_ = std::min(requested_, now); }

void Pacer::Ran(absl::Time begin, absl::Time end, bool again) {
  if (again) {
    retry_ = retry_ == absl::ZeroDuration()
                 ? options_.first_retry
                 : std::min(2 * retry_, options_.last_retry);
    // New requests wait as well: whatever failed would fail again.
    not_before_ = end + retry_;
    requested_ = not_before_;
  } else {
    retry_ = absl::ZeroDuration();
    not_before_ =
        end + std::min((end - begin) * options_.rest_factor, options_.max_rest);
    requested_ = absl::InfiniteFuture();
  }
  periodic_ = end + options_.period;
}

absl::Time Pacer::NextRun() const {
  return std::max(not_before_, std::min(requested_, periodic_));
}

}  // namespace netpol
