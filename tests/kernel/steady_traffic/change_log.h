// What happened lately, for whoever finds something wrong.
#ifndef NETPOL_TESTS_KERNEL_STEADY_TRAFFIC_CHANGE_LOG_H_
#define NETPOL_TESTS_KERNEL_STEADY_TRAFFIC_CHANGE_LOG_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// The last few batches, by number. Thread-safe.
class ChangeLog {
 public:
  void Begin(const std::vector<v1::WatchEvent>& events);

  // Of the batch that began last; 0 before the first.
  int64_t last() const;

  // The batches from number `first` on, as text.
  std::string Since(int64_t first) const;

 private:
  static constexpr size_t kKept = 50;

  mutable std::mutex mutex_;
  int64_t last_ = 0;
  std::deque<std::string> texts_;  // the newest is `last_`
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_STEADY_TRAFFIC_CHANGE_LOG_H_
