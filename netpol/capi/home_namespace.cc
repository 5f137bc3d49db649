#include "netpol/capi/home_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/capi/signal_shield.h"

namespace netpol {
namespace {

constexpr char kOwn[] = "/proc/thread-self/ns/net";

absl::StatusOr<bool> IsHere(int fd) {
  struct stat there = {};
  struct stat here = {};
  if (fstat(fd, &there) != 0 || stat(kOwn, &here) != 0) {
    return absl::ErrnoToStatus(errno, "looking at the network namespace");
  }
  return there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

}  // namespace

absl::StatusOr<std::unique_ptr<HomeNamespace>> HomeNamespace::OfThisThread() {
  const int fd = open(kOwn, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("opening ", kOwn));
  return std::unique_ptr<HomeNamespace>(new HomeNamespace(fd));
}

HomeNamespace::~HomeNamespace() { close(fd_); }

absl::Status HomeNamespace::Run(
    const std::function<absl::Status()>& work) const {
  ASSIGN_OR_RETURN(const bool here, IsHere(fd_));
  if (here) return work();
  absl::Status result;
  const auto enter_and_work = [&] {
    result = setns(fd_, CLONE_NEWNET) == 0
                 ? work()
                 : absl::ErrnoToStatus(
                       errno,
                       "entering the network namespace of netpol_start() "
                       "(needs CAP_SYS_ADMIN; or call from a thread in it)");
  };
  try {
    const SignalShield shield;
    std::thread(enter_and_work).join();
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(
        absl::StrCat("starting a thread: ", error.what()));
  }
  return result;
}

}  // namespace netpol
