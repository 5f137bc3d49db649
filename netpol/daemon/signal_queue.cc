#include "netpol/daemon/signal_queue.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/memory/memory.h"
#include "absl/status/status.h"

namespace netpol {

absl::StatusOr<std::unique_ptr<SignalQueue>> SignalQueue::Create() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  const int error = pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  if (error != 0) return absl::ErrnoToStatus(error, "blocking signals");
  signal(SIGPIPE, SIG_IGN);
  const int file = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (file < 0) return absl::ErrnoToStatus(errno, "opening a signalfd");
  return absl::WrapUnique(new SignalQueue(file));
}

SignalQueue::~SignalQueue() { close(file_); }

absl::StatusOr<int> SignalQueue::Wait(int fd, absl::Duration timeout) {
  pollfd waits[] = {{file_, POLLIN, 0}, {fd, POLLIN, 0}};
  const auto milliseconds = static_cast<int>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(timeout), 0, 1 << 30));
  // A negative descriptor is skipped, poll(2).
  if (poll(waits, 2, milliseconds) < 0 && errno != EINTR) {
    return absl::ErrnoToStatus(errno, "waiting for signals and changes");
  }
  signalfd_siginfo info;
  if (read(file_, &info, sizeof(info)) != sizeof(info)) return 0;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace netpol
