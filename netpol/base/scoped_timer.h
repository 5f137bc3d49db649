// How long something takes.
#ifndef NETPOL_BASE_SCOPED_TIMER_H_
#define NETPOL_BASE_SCOPED_TIMER_H_

#include <chrono>

#include "absl/time/time.h"

namespace netpol {

// Adds the time between its begin and its end to `sum`, which must outlive it.
// By a steady clock, which nobody sets.
class ScopedTimer {
 public:
  explicit ScopedTimer(absl::Duration& sum)
      : sum_(sum), begin_(std::chrono::steady_clock::now()) {}
  ~ScopedTimer() {
    sum_ += absl::FromChrono(std::chrono::steady_clock::now() - begin_);
  }
  ScopedTimer(const ScopedTimer&) = delete;
  ScopedTimer& operator=(const ScopedTimer&) = delete;

 private:
  absl::Duration& sum_;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace netpol

#endif  // NETPOL_BASE_SCOPED_TIMER_H_
