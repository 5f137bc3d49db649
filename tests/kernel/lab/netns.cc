#include "tests/kernel/lab/netns.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

// A namespace belongs to a thread, so a short-lived one keeps the caller's
// namespace untouched.
absl::Status RunInThread(const std::function<absl::Status()>& work) {
  absl::Status result;
  try {
    std::thread thread([&] { result = work(); });
    thread.join();
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(
        absl::StrCat("starting a thread for a namespace: ", error.what()));
  }
  return result;
}

absl::StatusOr<FileDescriptor> UnshareThisThread() {
  if (unshare(CLONE_NEWNET) != 0) {
    return absl::ErrnoToStatus(
        errno, "making a network namespace (needs CAP_SYS_ADMIN)");
  }
  FileDescriptor fd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return absl::ErrnoToStatus(errno, "opening /proc/thread-self/ns/net");
  }
  return fd;
}

}  // namespace

absl::StatusOr<NetNs> NetNs::Create() {
  FileDescriptor fd;
  RETURN_IF_ERROR(RunInThread([&]() -> absl::Status {
    ASSIGN_OR_RETURN(fd, UnshareThisThread());
    return absl::OkStatus();
  }));
  return NetNs(std::move(fd));
}

absl::Status NetNs::Run(const std::function<absl::Status()>& work) const {
  if (is_of_caller()) return work();
  return RunInThread([&]() -> absl::Status {
    if (setns(fd(), CLONE_NEWNET) != 0) {
      return absl::ErrnoToStatus(errno, "entering a network namespace");
    }
    return work();
  });
}

bool MayMakeNamespaces() { return NetNs::Create().ok(); }

absl::Status WriteSysctl(absl::string_view key, absl::string_view value) {
  const std::string path = absl::StrCat("/proc/sys/", key);
  FileDescriptor fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return absl::ErrnoToStatus(errno, absl::StrCat("opening ", path));
  }
  if (write(fd.get(), value.data(), value.size()) !=
      static_cast<ssize_t>(value.size())) {
    return absl::ErrnoToStatus(errno,
                               absl::StrCat("writing ", value, " to ", path));
  }
  return absl::OkStatus();
}

}  // namespace netpol
