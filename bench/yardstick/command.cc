#include "bench/yardstick/command.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

constexpr size_t kWordsShown = 6;
constexpr int kNotStarted = 127;

// Files in memory, not pipes: nobody has to read and write at once.
absl::StatusOr<int> MemoryFile() {
  const int fd = memfd_create("yardstick", MFD_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, "memfd_create");
  return fd;
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

// In the child, which has our memory until it becomes the program: nothing of
// it may change. It dies with us. Exit codes as a shell gives them.
[[noreturn]] void BecomeProgram(const int (&standard)[3], char* const* argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int i = 0; i < 3; ++i) {
    if (dup2(standard[i], i) < 0) _exit(kNotStarted);
  }
  execv(argv[0], argv);
  _exit(kNotStarted);
}

absl::StatusOr<pid_t> Spawn(char* const* argv, const int (&standard)[3]) {
  const pid_t pid = vfork();
  if (pid == 0) BecomeProgram(standard, argv);
  if (pid < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("starting ", argv[0]));
  }
  return pid;
}

absl::Status LimitCpu(pid_t pid, absl::Duration limit) {
  if (limit == absl::InfiniteDuration()) return absl::OkStatus();
  const auto seconds = static_cast<rlim_t>(absl::ToInt64Seconds(limit));
  const rlimit value = {seconds, seconds + 1};
  if (prlimit(pid, RLIMIT_CPU, &value, nullptr) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "limiting the CPU time of a program");
}

absl::StatusOr<int> Reap(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return absl::ErrnoToStatus(errno, "waitpid");
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

absl::StatusOr<CommandResult> RunCommand(const std::vector<std::string>& argv,
                                         absl::string_view input,
                                         absl::Duration cpu_limit) {
  int standard[3] = {-1, -1, -1};
  absl::Cleanup close_all = [&standard] {
    for (int fd : standard) {
      if (fd >= 0) close(fd);
    }
  };
  for (int& fd : standard) {
    ASSIGN_OR_RETURN(fd, MemoryFile());
  }
  RETURN_IF_ERROR(WriteAll(standard[0], input));
  if (access(argv.front().c_str(), X_OK) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("starting ", argv.front()));
  }
  std::vector<char*> words;
  for (const std::string& word : argv) {
    words.push_back(const_cast<char*>(word.c_str()));
  }
  words.push_back(nullptr);
  ASSIGN_OR_RETURN(const pid_t pid, Spawn(words.data(), standard));
  // It has begun already, and is to be waited for in any case.
  const absl::Status limited = LimitCpu(pid, cpu_limit);
  CommandResult result;
  ASSIGN_OR_RETURN(result.exit_code, Reap(pid));
  RETURN_IF_ERROR(limited);
  if (result.exit_code == 128 + SIGXCPU) {
    return absl::DeadlineExceededError(
        absl::StrCat(argv.front(), " was stopped after ",
                     absl::FormatDuration(cpu_limit), " of CPU time"));
  }
  ASSIGN_OR_RETURN(result.out, ReadAll(standard[1]));
  ASSIGN_OR_RETURN(result.err, ReadAll(standard[2]));
  return result;
}

absl::StatusOr<std::string> OutputOf(const std::vector<std::string>& argv,
                                     absl::string_view input,
                                     absl::Duration cpu_limit) {
  ASSIGN_OR_RETURN(CommandResult result, RunCommand(argv, input, cpu_limit));
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
