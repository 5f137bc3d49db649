// Signals as something to read, so that no work is done in a handler.
#ifndef NETPOL_DAEMON_SIGNAL_QUEUE_H_
#define NETPOL_DAEMON_SIGNAL_QUEUE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace netpol {

// SIGTERM, SIGINT and SIGHUP by signalfd(2). Thread-compatible.
class SignalQueue {
 public:
  // Blocks the signals in this thread and those that it starts later; nothing
  // ever unblocks them. SIGPIPE is ignored from now on.
  static absl::StatusOr<std::unique_ptr<SignalQueue>> Create();

  ~SignalQueue();
  SignalQueue(const SignalQueue&) = delete;
  SignalQueue& operator=(const SignalQueue&) = delete;

  // Waits until a signal came, `fd` is readable or `timeout` is over. The
  // signal's number, or 0. `fd` may be -1.
  absl::StatusOr<int> Wait(int fd, absl::Duration timeout);

 private:
  explicit SignalQueue(int file) : file_(file) {}

  int file_;
};

}  // namespace netpol

#endif  // NETPOL_DAEMON_SIGNAL_QUEUE_H_
