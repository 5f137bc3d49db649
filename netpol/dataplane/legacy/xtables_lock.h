// The lock that every writer of legacy tables takes.
#ifndef NETPOL_DATAPLANE_LEGACY_XTABLES_LOCK_H_
#define NETPOL_DATAPLANE_LEGACY_XTABLES_LOCK_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace netpol {

// Holds an exclusive flock on the lock file as long as it lives. A legacy table
// is replaced whole, and the kernel notices a foreign change in between only by
// the number of entries: take this before reading the table that is to be
// written back.
//
// The lock belongs to the object, not to thread or process: a second one for
// the same file waits, in the same thread for ever.
class XtablesLock {
 public:
  // XTABLES_LOCKFILE of the environment, or /run/xtables.lock, as iptables
  // does.
  static std::string DefaultPath();

  // Waits at most `timeout`. Unavailable if somebody held it longer (says who,
  // where /proc/locks knows); FailedPrecondition or PermissionDenied if the
  // file cannot be opened or made.
  static absl::StatusOr<XtablesLock> Acquire(const std::string& path,
                                             absl::Duration timeout);

  ~XtablesLock();
  XtablesLock(XtablesLock&& other) noexcept;
  XtablesLock& operator=(XtablesLock&& other) noexcept;

 private:
  explicit XtablesLock(int file) : file_(file) {}

  int file_ = -1;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_LEGACY_XTABLES_LOCK_H_
