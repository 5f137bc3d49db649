#include "netpol/watch/kube/small_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace netpol {
namespace {

absl::Status Failed(absl::string_view what, const std::string& path) {
  const absl::Status status =
      absl::ErrnoToStatus(errno, absl::StrCat("cannot ", what, " ", path));
  if (absl::IsNotFound(status) || absl::IsPermissionDenied(status)) {
    return status;
  }
  // No other code, least of all the one that says to wait.
  return absl::FailedPreconditionError(status.message());
}

}  // namespace

absl::StatusOr<std::string> ReadSmallFile(const std::string& path,
                                          size_t max_bytes) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Failed("open", path);
  const absl::Cleanup closer = [fd] { close(fd); };
  struct stat info;
  if (fstat(fd, &info) != 0) return Failed("read", path);
  if (!S_ISREG(info.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is not a regular file"));
  }
  // No larger than what is in it: such texts are kept for long.
  std::string text;
  char piece[4096];
  while (text.size() <= max_bytes) {
    const ssize_t got = read(fd, piece, sizeof(piece));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed("read", path);
    if (got == 0) return text;
    text.append(piece, static_cast<size_t>(got));
  }
  return absl::ResourceExhaustedError(
      absl::StrCat(path, " has more than ", max_bytes, " bytes"));
}

}  // namespace netpol
