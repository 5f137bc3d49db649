// When to act next: at once when idle, seldom enough when busy, later and later
// when it keeps failing.
#ifndef NETPOL_BASE_PACER_H_
#define NETPOL_BASE_PACER_H_

#include <cstdint>

#include "absl/time/time.h"

namespace netpol {

struct PacerOptions {
  // Between two heavy runs there is at least this many times the length of the
  // first, and between two light ones likewise: so the share of time that goes
  // into either stays below 1 / (1 + rest_factor), while what is asked for
  // meanwhile gathers.
  double rest_factor = 2;
  // But no more than this: what waits for a rest waits no longer.
  absl::Duration max_rest = absl::Milliseconds(250);
  // After failures: doubled each time, from the first to the last. What was in
  // the way, such as somebody who held the table's lock, costs at most the last
  // one more once it is gone.
  absl::Duration first_retry = absl::Milliseconds(200);
  absl::Duration last_retry = absl::Seconds(4);
  // With nothing to do; infinite for never.
  absl::Duration period = absl::Minutes(5);
};

// Whether a run's length says how long others take: a table commit costs a
// thousand times as much as a few members of sets.
enum class RunWeight : uint8_t { kLight, kHeavy };

enum class RunResult : uint8_t {
  kDone,
  // All but a part, which must be tried again. Others need not wait for it.
  kDoneInPart,
  // It must be tried again, and whatever else is asked for would fail as well.
  kFailed,
};

// Pure: the caller says what time it is, by a clock that never goes back.
// Thread-compatible.
class Pacer {
 public:
  explicit Pacer(PacerOptions options) : options_(options) {}

  // There is something to do since `now`; what is already due stays so.
  void Request(absl::Time now);

  // When the next run is due.
  absl::Time NextRun() const;

  // A run that is due at `now` must be a light one, since the last heavy one
  // was just before. If there is more to do than that, Defer() it.
  bool LightOnly(absl::Time now) const { return now < heavy_after_; }

  // What was asked for is heavy: it is not due before a heavy run may be.
  void Defer() { deferred_ = true; }

  // A run, which did all that was asked for, took from `begin` to `end`.
  void Ran(absl::Time begin, absl::Time end, RunResult result,
           RunWeight weight = RunWeight::kHeavy);

 private:
  PacerOptions options_;
  absl::Time not_before_ = absl::InfinitePast();
  absl::Time heavy_after_ = absl::InfinitePast();
  absl::Time requested_ = absl::InfiniteFuture();
  absl::Time periodic_ = absl::InfiniteFuture();
  absl::Duration retry_ = absl::ZeroDuration();
  bool deferred_ = false;
};

}  // namespace netpol

#endif  // NETPOL_BASE_PACER_H_
