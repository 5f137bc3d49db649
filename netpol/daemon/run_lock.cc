#include "netpol/daemon/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

std::string HolderIn(int file) {
  char text[32];
  const ssize_t size = pread(file, text, sizeof(text), 0);
  const absl::string_view id = absl::StripAsciiWhitespace(
      absl::string_view(text, size > 0 ? static_cast<size_t>(size) : 0));
  return id.empty() ? "another process" : absl::StrCat("process ", id);
}

absl::Status HeldBy(int file, const std::string& path) {
  return absl::FailedPreconditionError(
      absl::StrCat("run lock ", path, ": held by ", HolderIn(file),
                   "; stop that one first"));
}

absl::Status ErrorOf(int error, const std::string& path) {
  return absl::ErrnoToStatus(
      error, absl::StrCat("run lock ", path,
                          " cannot be used; choose another with --run-lock"));
}

}  // namespace

absl::StatusOr<RunLock> RunLock::Acquire(const std::string& path) {
  std::error_code ignored;  // open() is going to say it
  const std::filesystem::path folder =
      std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directory(folder, ignored);
  RunLock lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (lock.file_ < 0) return ErrorOf(errno, path);
  if (flock(lock.file_, LOCK_EX | LOCK_NB) != 0) {
    return errno == EWOULDBLOCK ? HeldBy(lock.file_, path)
                                : ErrorOf(errno, path);
  }
  const std::string id = absl::StrCat(getpid(), "\n");
  if (ftruncate(lock.file_, 0) != 0 ||
      pwrite(lock.file_, id.data(), id.size(), 0) !=
          static_cast<ssize_t>(id.size())) {
    return ErrorOf(errno, path);
  }
  return lock;
}

absl::Status RunLock::CheckFree(const std::string& path) {
  const RunLock probe(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (probe.file_ < 0) {
    return errno == ENOENT ? absl::OkStatus() : ErrorOf(errno, path);
  }
  if (flock(probe.file_, LOCK_SH | LOCK_NB) == 0) return absl::OkStatus();
  return errno == EWOULDBLOCK ? HeldBy(probe.file_, path)
                              : ErrorOf(errno, path);
}

RunLock::~RunLock() {
  if (file_ >= 0) close(file_);
}

RunLock::RunLock(RunLock&& other) noexcept
    : file_(std::exchange(other.file_, -1)) {}

RunLock& RunLock::operator=(RunLock&& other) noexcept {
  std::swap(file_, other.file_);
  return *this;
}

}  // namespace netpol
