#include "netpol/daemon/progress.h"

#include <chrono>
#include <utility>

namespace netpol {

Progress::Progress(std::ostream* terminal, std::string what)
    : terminal_(terminal), what_(std::move(what)) {
  if (terminal_ != nullptr) thread_ = std::thread([this] { Run(); });
}

Progress::~Progress() {
  if (terminal_ == nullptr) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    done_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void Progress::Run() {
  // Erases what stands on the line, ECMA-48 EL.
  constexpr char kClearLine[] = "\r\033[K";
  std::unique_lock<std::mutex> lock(mutex_);
  int seconds = 0;
  while (!ended_.wait_for(lock, std::chrono::seconds(1),
                          [this] { return done_; })) {
    ++seconds;
    *terminal_ << kClearLine << what_ << " … " << seconds << " s" << std::flush;
  }
  if (seconds > 0) *terminal_ << kClearLine << std::flush;
}

}  // namespace netpol
