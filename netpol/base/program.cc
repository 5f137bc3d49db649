#include "netpol/base/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "netpol/base/status_macros.h"
#include "netpol/base/steady_clock.h"

namespace netpol {
namespace {

constexpr size_t kWordsShown = 6;
constexpr int kNotStarted = 127;
constexpr int kFirstOwnDescriptor = STDERR_FILENO + 1;

// Files in memory, not pipes: nobody has to read and write at once. Never one
// of the standard descriptors, which a host may have closed.
absl::StatusOr<int> MemoryFile() {
  const int fd = memfd_create("netpol", MFD_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, "memfd_create");
  if (fd >= kFirstOwnDescriptor) return fd;
  const int higher = fcntl(fd, F_DUPFD_CLOEXEC, kFirstOwnDescriptor);
  const int error = errno;
  close(fd);
  if (higher < 0) return absl::ErrnoToStatus(error, "copying a descriptor");
  return higher;
}

absl::Status WriteAll(int fd, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t put = write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return absl::ErrnoToStatus(errno, "writing a memory file");
    text.remove_prefix(static_cast<size_t>(put));
  }
  if (lseek(fd, 0, SEEK_SET) != 0) return absl::ErrnoToStatus(errno, "lseek");
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadAll(int fd) {
  const off_t size = lseek(fd, 0, SEEK_END);
  if (size < 0) return absl::ErrnoToStatus(errno, "lseek");
  std::string text(static_cast<size_t>(size), '\0');
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t got = pread(fd, text.data() + done, text.size() - done,
                              static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return absl::ErrnoToStatus(errno, "reading a memory file");
    done += static_cast<size_t>(got);
  }
  return text;
}

// What the child needs, worked out before it exists.
struct Launch {
  int standard[3] = {-1, -1, -1};
  char* const* argv = nullptr;
  int last_descriptor = 0;  // where closing one by one ends
};

void CloseOthers(const Launch& launch) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, kFirstOwnDescriptor, ~0U, 0) == 0) return;
#endif
  for (int fd = kFirstOwnDescriptor; fd <= launch.last_descriptor; ++fd) {
    close(fd);
  }
}

// In the child, which has our memory until it becomes the program: nothing of
// it may change, and no handler of ours may run, so all signals are blocked
// until they have their default actions. Exit codes as a shell gives them.
[[noreturn]] void BecomeProgram(const Launch& launch) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  struct sigaction fresh = {};
  fresh.sa_handler = SIG_DFL;
  // Those that cannot be set are as they should be.
  for (int i = 1; i < NSIG; ++i) sigaction(i, &fresh, nullptr);
  for (int i = 0; i < 3; ++i) {
    if (dup2(launch.standard[i], i) < 0) _exit(kNotStarted);
  }
  CloseOthers(launch);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execv(launch.argv[0], launch.argv);
  _exit(kNotStarted);
}

absl::StatusOr<pid_t> Spawn(const Launch& launch) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = vfork();
  if (pid == 0) BecomeProgram(launch);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) {
    return absl::ErrnoToStatus(error,
                               absl::StrCat("starting ", launch.argv[0]));
  }
  return pid;
}

absl::Status LimitCpu(pid_t pid, absl::Duration limit) {
  if (limit == absl::InfiniteDuration()) return absl::OkStatus();
  const auto seconds = static_cast<rlim_t>(absl::ToInt64Seconds(limit));
  const rlimit value = {seconds, seconds + 1};
  // One that has ended needs none.
  if (prlimit(pid, RLIMIT_CPU, &value, nullptr) == 0 || errno == ESRCH) {
    return absl::OkStatus();
  }
  return absl::ErrnoToStatus(errno, "limiting the CPU time of a program");
}

// Waits for the end of `pid`, or until `deadline`; kernels before 5.3 have no
// descriptor for it, there we look again and again. Returns whether it may have
// ended.
bool AwaitEnd(pid_t pid, absl::Time deadline) {
  constexpr absl::Duration kTick = absl::Milliseconds(5);
#ifdef SYS_pidfd_open
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
#else
  const int fd = -1;
#endif
  const absl::Cleanup closer = [fd] {
    if (fd >= 0) close(fd);
  };
  const absl::Duration left = deadline - SteadyNow();
  if (left <= absl::ZeroDuration()) return false;
  const timespec time =
      absl::ToTimespec(fd >= 0 ? left : std::min(left, kTick));
  pollfd ended = {fd, POLLIN, 0};
  const int ready = ppoll(&ended, fd >= 0 ? 1 : 0, &time, nullptr);
  return ready != 0 || fd < 0;
}

// ECHILD: our host ignores SIGCHLD, or has waited itself.
void Reap(pid_t pid, int options, bool& gone, CommandResult& result) {
  int status = 0;
  const pid_t got = waitpid(pid, &status, options);
  if (got == 0 || (got < 0 && errno == EINTR)) return;
  gone = true;
  if (got < 0) {
    result.exit_known = false;
  } else {
    result.exit_code =
        WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
}

// Returns whether the program had to be killed.
bool WaitFor(pid_t pid, absl::Duration limit, CommandResult& result) {
  bool gone = false;
  if (limit == absl::InfiniteDuration()) {
    while (!gone) Reap(pid, 0, gone, result);
    return false;
  }
  const absl::Time deadline = SteadyNow() + limit;
  while (true) {
    Reap(pid, WNOHANG, gone, result);
    if (gone) return false;
    if (!AwaitEnd(pid, deadline) && SteadyNow() >= deadline) break;
  }
  kill(pid, SIGKILL);
  while (!gone) Reap(pid, 0, gone, result);
  return true;
}

absl::Status Stopped(const std::string& program, absl::Duration limit,
                     absl::string_view of) {
  return absl::DeadlineExceededError(absl::StrCat(
      program, " was stopped after ", absl::FormatDuration(limit), of));
}

bool IsProgram(const std::string& path) {
  struct stat file = {};
  return stat(path.c_str(), &file) == 0 && S_ISREG(file.st_mode) &&
         access(path.c_str(), X_OK) == 0;
}

int LastDescriptor() {
  constexpr rlim_t kMost = 1 << 16;
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return static_cast<int>(kMost);
  return static_cast<int>(std::min(limit.rlim_cur, kMost));
}

}  // namespace

absl::StatusOr<std::string> FindProgram(absl::string_view name) {
  constexpr absl::string_view kSystem =
      "/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin";
  if (name.find('/') != absl::string_view::npos) {
    if (IsProgram(std::string(name))) return std::string(name);
    return absl::NotFoundError(absl::StrCat("there is no program ", name));
  }
  const char* path = getenv("PATH");
  const std::string folders =
      absl::StrCat(path == nullptr ? "" : path, ":", kSystem);
  for (absl::string_view folder :
       absl::StrSplit(folders, ':', absl::SkipEmpty())) {
    std::string candidate = absl::StrCat(folder, "/", name);
    if (IsProgram(candidate)) return candidate;
  }
  return absl::NotFoundError(
      absl::StrCat("there is no program ", name, " in PATH nor in ", kSystem));
}

absl::StatusOr<CommandResult> RunCommand(const std::vector<std::string>& argv,
                                         absl::string_view input,
                                         CommandLimits limits) {
  Launch launch;
  const absl::Cleanup close_all = [&launch] {
    for (int fd : launch.standard) {
      if (fd >= 0) close(fd);
    }
  };
  for (int& fd : launch.standard) {
    ASSIGN_OR_RETURN(fd, MemoryFile());
  }
  RETURN_IF_ERROR(WriteAll(launch.standard[0], input));
  if (access(argv.front().c_str(), X_OK) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("starting ", argv.front()));
  }
  std::vector<char*> words;
  for (const std::string& word : argv) {
    words.push_back(const_cast<char*>(word.c_str()));
  }
  words.push_back(nullptr);
  launch.argv = words.data();
  launch.last_descriptor = LastDescriptor();
  CommandResult result;
  ASSIGN_OR_RETURN(result.pid, Spawn(launch));
  // It has begun already, and is to be waited for in any case.
  const absl::Status limited = LimitCpu(result.pid, limits.cpu);
  const bool killed = WaitFor(result.pid, limits.wall, result);
  RETURN_IF_ERROR(limited);
  if (killed) return Stopped(argv.front(), limits.wall, "");
  if (result.exit_code == 128 + SIGXCPU) {
    return Stopped(argv.front(), limits.cpu, " of CPU time");
  }
  ASSIGN_OR_RETURN(result.out, ReadAll(launch.standard[1]));
  ASSIGN_OR_RETURN(result.err, ReadAll(launch.standard[2]));
  return result;
}

absl::StatusOr<std::string> OutputOf(const std::vector<std::string>& argv,
                                     absl::string_view input,
                                     CommandLimits limits) {
  ASSIGN_OR_RETURN(CommandResult result, RunCommand(argv, input, limits));
  if (result.exit_code != 0) {
    const std::vector<std::string> shown(
        argv.begin(), argv.begin() + static_cast<std::ptrdiff_t>(
                                         std::min(argv.size(), kWordsShown)));
    return absl::InternalError(absl::StrCat(absl::StrJoin(shown, " "),
                                            " ended with ", result.exit_code,
                                            ": ", result.err));
  }
  return std::move(result.out);
}

}  // namespace netpol
