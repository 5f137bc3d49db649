#include "netpol/daemon/progress.h"

#include <utility>

#include "absl/time/time.h"

namespace netpol {

Progress::Progress(std::ostream* terminal, std::string what)
    : terminal_(terminal), what_(std::move(what)) {
  if (terminal_ != nullptr) thread_ = std::thread([this] { Run(); });
}

Progress::~Progress() {
  if (terminal_ == nullptr) return;
  {
    absl::MutexLock lock(&mutex_);
    done_ = true;
  }
  thread_.join();
}

void Progress::Run() {
  // Erases what stands on the line, ECMA-48 EL.
  constexpr char kClearLine[] = "\r\033[K";
  absl::MutexLock lock(&mutex_);
  int seconds = 0;
  while (!mutex_.AwaitWithTimeout(absl::Condition(&done_), absl::Seconds(1))) {
    ++seconds;
    *terminal_ << kClearLine << what_ << " … " << seconds << " s" << std::flush;
  }
  if (seconds > 0) *terminal_ << kClearLine << std::flush;
}

}  // namespace netpol
