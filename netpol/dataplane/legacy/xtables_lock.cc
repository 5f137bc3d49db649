#include "netpol/dataplane/legacy/xtables_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace netpol {
namespace {

// Holders need milliseconds on small tables, tens of them on large ones.
constexpr absl::Duration kFirstPause = absl::Milliseconds(1);
constexpr absl::Duration kLongestPause = absl::Milliseconds(20);

// "pid 123 (iptables-legacy)" or "an unknown process". /proc/locks has lines
// such as "1: FLOCK  ADVISORY  WRITE 123 00:19:4711 0 EOF" (proc_locks(5)).
std::string DescribeHolder(int file) {
  struct stat status;
  if (fstat(file, &status) != 0) return "an unknown process";
  const std::string id = absl::StrFormat("%02x:%02x:%d", major(status.st_dev),
                                         minor(status.st_dev), status.st_ino);
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    const std::vector<std::string> words =
        absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (words.size() < 6 || words[1] != "FLOCK" || words[5] != id) continue;
    std::string command;
    std::ifstream comm(absl::StrCat("/proc/", words[4], "/comm"));
    std::getline(comm, command);
    return absl::StrCat("pid ", words[4], " (",
                        command.empty() ? "unknown command" : command, ")");
  }
  return "an unknown process";
}

absl::Status OpenError(const std::string& path, int error) {
  const std::string message = absl::StrCat(
      "opening the xtables lock file ", path, ": ", std::strerror(error),
      "; in a container, mount the host's file there or point "
      "XTABLES_LOCKFILE at it");
  return error == EACCES || error == EPERM
             ? absl::PermissionDeniedError(message)
             : absl::FailedPreconditionError(message);
}

// 0 or the errno with which flock failed for good; EWOULDBLOCK at the deadline.
int LockBy(int file, absl::Time deadline) {
  absl::Duration pause = kFirstPause;
  while (flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return errno;
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return EWOULDBLOCK;
    absl::SleepFor(std::min(pause, left));
    pause = std::min(2 * pause, kLongestPause);
  }
  return 0;
}

}  // namespace

std::string XtablesLock::DefaultPath() {
  const char* path = std::getenv("XTABLES_LOCKFILE");
  return path != nullptr && *path != '\0' ? path : "/run/xtables.lock";
}

absl::StatusOr<XtablesLock> XtablesLock::Acquire(const std::string& path,
                                                 absl::Duration timeout) {
  const int file =
      open(path.c_str(), O_CREAT | O_RDONLY | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) return OpenError(path, errno);
  XtablesLock lock(file);
  const int error = LockBy(file, absl::Now() + timeout);
  if (error == 0) return lock;
  if (error == EWOULDBLOCK) {
    return absl::UnavailableError(absl::StrCat(
        "the xtables lock ", path, " was not free within ",
        absl::FormatDuration(timeout), "; held by ", DescribeHolder(file)));
  }
  return absl::InternalError(absl::StrCat("locking the xtables lock file ",
                                          path, ": ", std::strerror(error)));
}

XtablesLock::~XtablesLock() {
  if (file_ >= 0) close(file_);
}

XtablesLock::XtablesLock(XtablesLock&& other) noexcept
    : file_(std::exchange(other.file_, -1)) {}

XtablesLock& XtablesLock::operator=(XtablesLock&& other) noexcept {
  std::swap(file_, other.file_);
  return *this;
}

}  // namespace netpol
