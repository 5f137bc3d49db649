// The lock that keeps two daemons from fighting over one node.
#ifndef NETPOL_DAEMON_RUN_LOCK_H_
#define NETPOL_DAEMON_RUN_LOCK_H_

#include <string>

#include "absl/status/statusor.h"

namespace netpol {

// Holds an exclusive flock(2) on a file as long as it lives; the file holds our
// process id. The kernel drops the lock when the process ends, however it ends.
// The file stays: removing it would let two processes lock two files of one
// name.
class RunLock {
 public:
  // Makes the file's folder if there is none. FailedPrecondition, with the id
  // of the other process, if the lock is held; other errors if the file cannot
  // be opened or written. Does not wait.
  static absl::StatusOr<RunLock> Acquire(const std::string& path);

  // OK if nobody holds the lock, also where there is no file. The error of
  // Acquire() if somebody does. Creates and writes nothing.
  static absl::Status CheckFree(const std::string& path);

  ~RunLock();
  RunLock(RunLock&& other) noexcept;
  RunLock& operator=(RunLock&& other) noexcept;

 private:
  explicit RunLock(int file) : file_(file) {}

  int file_ = -1;
};

}  // namespace netpol

#endif  // NETPOL_DAEMON_RUN_LOCK_H_
