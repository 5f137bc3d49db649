#include "netpol/watch/kube/epoll_set.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "absl/status/status.h"

namespace netpol {

absl::Duration MonotonicNow() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::DurationFromTimespec(now);
}

absl::StatusOr<std::unique_ptr<EpollSet>> EpollSet::Create() {
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  const int timer_fd =
      timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  const int error = errno;
  // Owns the descriptors from here on, whatever they are.
  std::unique_ptr<EpollSet> set(new EpollSet(epoll_fd, timer_fd));
  if (epoll_fd < 0 || timer_fd < 0) {
    return absl::ErrnoToStatus(error,
                               "cannot open descriptors to wait for sockets");
  }
  set->Set(timer_fd, /*read=*/true, /*write=*/false);
  return set;
}

EpollSet::~EpollSet() {
  for (const int fd : {epoll_fd_, timer_fd_}) {
    if (fd >= 0) close(fd);
  }
}

void EpollSet::Set(int fd, bool read, bool write) {
  epoll_event event = {};
  event.events = (read ? EPOLLIN : 0u) | (write ? EPOLLOUT : 0u);
  event.data.fd = fd;
  // Should both fail (no memory), a time limit ends what waits for it.
  if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) {
    epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event);
  }
}

void EpollSet::Remove(int fd) {
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
}

void EpollSet::SetAlarm(absl::Duration when) {
  itimerspec spec = {};
  if (when != absl::InfiniteDuration()) {
    // All zero would turn the timer off.
    spec.it_value = absl::ToTimespec(std::max(when, absl::Nanoseconds(1)));
  }
  timerfd_settime(timer_fd_, TFD_TIMER_ABSTIME, &spec, nullptr);
}

std::vector<EpollSet::Ready> EpollSet::Take() {
  std::array<epoll_event, 64> events;
  const int count = epoll_wait(epoll_fd_, events.data(), events.size(), 0);
  std::vector<Ready> ready;
  for (int i = 0; i < count; ++i) {
    const uint32_t what = events[i].events;
    if (events[i].data.fd == timer_fd_) continue;
    const bool broken = (what & (EPOLLERR | EPOLLHUP)) != 0;
    ready.push_back({events[i].data.fd, broken || (what & EPOLLIN) != 0,
                     broken || (what & EPOLLOUT) != 0});
  }
  return ready;
}

}  // namespace netpol
