// Descriptors to wait for and an alarm, all behind one descriptor.
#ifndef NETPOL_WATCH_KUBE_EPOLL_SET_H_
#define NETPOL_WATCH_KUBE_EPOLL_SET_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace netpol {

// Since some fixed moment, never set back (CLOCK_MONOTONIC).
absl::Duration MonotonicNow();

// Thread-compatible.
class EpollSet {
 public:
  struct Ready {
    int fd = -1;
    bool readable = false;  // Both after an error or a hang-up.
    bool writable = false;
  };

  static absl::StatusOr<std::unique_ptr<EpollSet>> Create();
  ~EpollSet();
  EpollSet(const EpollSet&) = delete;
  EpollSet& operator=(const EpollSet&) = delete;

  // Waits for this of `fd` (not owned), and for nothing else of it.
  void Set(int fd, bool read, bool write);
  // Before `fd` is closed.
  void Remove(int fd);

  // When fd() becomes readable if nothing else happens, as of MonotonicNow();
  // infinite for never. Replaces the alarm that was set before.
  void SetAlarm(absl::Duration when);

  // What is ready now, without waiting; the alarm is not in it.
  std::vector<Ready> Take();

  // Readable when Take() would return something or the alarm has gone off.
  int fd() const { return epoll_fd_; }

 private:
  EpollSet(int epoll_fd, int timer_fd)
      : epoll_fd_(epoll_fd), timer_fd_(timer_fd) {}

  const int epoll_fd_;
  const int timer_fd_;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_EPOLL_SET_H_
