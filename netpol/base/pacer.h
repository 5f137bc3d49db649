// When to act next: at once when idle, seldom enough when busy, later and later
// when it keeps failing.
#ifndef NETPOL_BASE_PACER_H_
#define NETPOL_BASE_PACER_H_

#include "absl/time/time.h"

namespace netpol {

struct PacerOptions {
  // Between two runs there is at least this many times the length of the last
  // one.
  double rest_factor = 4;
  absl::Duration max_rest = absl::Seconds(1);
  // After failures: doubled each time, from the first to the last. What was in
  // the way, such as somebody who held the table's lock, costs at most the last
  // one more once it is gone.
  absl::Duration first_retry = absl::Milliseconds(200);
  absl::Duration last_retry = absl::Seconds(4);
  // With nothing to do; infinite for never.
  absl::Duration period = absl::Minutes(5);
};

// Pure: the caller says what time it is. Thread-compatible.
class Pacer {
 public:
  explicit Pacer(PacerOptions options) : options_(options) {}

  // There is something to do since `now`; what is already due stays so.
  void Request(absl::Time now);

  // A run took from `begin` to `end`. `again`: it must be tried again.
  void Ran(absl::Time begin, absl::Time end, bool again);

  // When the next run is due.
  absl::Time NextRun() const;

 private:
  PacerOptions options_;
  absl::Time not_before_ = absl::InfinitePast();
  absl::Time requested_ = absl::InfiniteFuture();
  absl::Time periodic_ = absl::InfiniteFuture();
  absl::Duration retry_ = absl::ZeroDuration();
};

}  // namespace netpol

#endif  // NETPOL_BASE_PACER_H_
