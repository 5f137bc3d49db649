#include "bench/engine/arrival_log.h"

namespace netpol {

void ArrivalLog::Posting(absl::Time now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  posted_.push_back(now);
}

void ArrivalLog::Taken() {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++taken_;
}

void ArrivalLog::Synced(absl::Time now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  while (delays_.size() < taken_)
    delays_.push_back(now - posted_[delays_.size()]);
}

std::vector<absl::Duration> ArrivalLog::delays() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return delays_;
}

}  // namespace netpol
