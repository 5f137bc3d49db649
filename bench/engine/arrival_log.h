// How long events are on their way from Post() to the kernel.
#ifndef NETPOL_BENCH_ENGINE_ARRIVAL_LOG_H_
#define NETPOL_BENCH_ENGINE_ARRIVAL_LOG_H_

#include <cstddef>
#include <mutex>
#include <vector>

#include "absl/time/time.h"

namespace netpol {

// Follows events that one thread posts, in order, to a loop that takes some and
// then brings to the kernel what it has taken. Thread-safe.
class ArrivalLog {
 public:
  // The next event is about to be posted.
  void Posting(absl::Time now);

  // The loop has taken one more event. At most as many as were posted.
  void Taken();

  // All that was taken is in the kernel.
  void Synced(absl::Time now);

  // Of the events that are in the kernel, in order.
  std::vector<absl::Duration> delays() const;

 private:
  mutable std::mutex mutex_;
  std::vector<absl::Time> posted_;
  size_t taken_ = 0;
  std::vector<absl::Duration> delays_;
};

}  // namespace netpol

#endif  // NETPOL_BENCH_ENGINE_ARRIVAL_LOG_H_
