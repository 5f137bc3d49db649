// Keeps the calling thread on one processor.
#ifndef NETPOL_BENCH_DATA_PATH_PINNED_THREAD_H_
#define NETPOL_BENCH_DATA_PATH_PINNED_THREAD_H_

#include <sched.h>

namespace netpol {

// From construction to destruction, on the processor that it is on by then.
// Threads and programs that it starts meanwhile inherit that. Does nothing
// where the kernel refuses; see pinned(). Not thread-safe: it is about the
// calling thread alone.
class PinnedThread {
 public:
  PinnedThread() {
    if (sched_getaffinity(0, sizeof(before_), &before_) != 0) return;
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(sched_getcpu(), &here);
    pinned_ = sched_setaffinity(0, sizeof(here), &here) == 0;
  }
  ~PinnedThread() {
    if (pinned_) sched_setaffinity(0, sizeof(before_), &before_);
  }
  PinnedThread(const PinnedThread&) = delete;
  PinnedThread& operator=(const PinnedThread&) = delete;

  bool pinned() const { return pinned_; }

 private:
  cpu_set_t before_;
  bool pinned_ = false;
};

}  // namespace netpol

#endif  // NETPOL_BENCH_DATA_PATH_PINNED_THREAD_H_
