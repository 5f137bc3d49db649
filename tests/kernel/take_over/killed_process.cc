#include "tests/kernel/take_over/killed_process.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <iostream>

#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

constexpr int kCountFromHere = SIGUSR1;

bool Counts(uint64_t call) {
  constexpr uint64_t kCalls[] = {SYS_sendto, SYS_sendmsg, SYS_setsockopt,
                                 SYS_write,  SYS_ppoll,   SYS_wait4,
                                 SYS_waitid};
  return std::find(std::begin(kCalls), std::end(kCalls), call) !=
         std::end(kCalls);
}

[[noreturn]] void RunChild(const std::function<absl::Status()>& work) {
  const absl::Status status = work();
  if (!status.ok()) std::cerr << "in the child: " << status << std::endl;
  _exit(status.ok() ? 0 : 1);
}

absl::Status Failed(const char* step) {
  return absl::ErrnoToStatus(errno, absl::StrCat(step, " a child"));
}

// Of a child that stopped: whether it is about to make a call that counts.
absl::StatusOr<bool> IsAtCall(pid_t pid) {
  __ptrace_syscall_info info = {};
  if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0)
    return Failed("looking at the call of");
  return info.op == PTRACE_SYSCALL_INFO_ENTRY && Counts(info.entry.nr);
}

// The first stop has been seen.
absl::StatusOr<bool> Follow(pid_t pid, int calls) {
  if (ptrace(PTRACE_SETOPTIONS, pid, nullptr,
             PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) != 0) {
    return Failed("tracing");
  }
  int left = -1;  // nothing counts yet
  for (int deliver = 0;;) {
    if (ptrace(PTRACE_SYSCALL, pid, nullptr, deliver) != 0)
      return Failed("going on with");
    deliver = 0;
    int status = 0;
    if (waitpid(pid, &status, __WALL) < 0) return Failed("waiting for");
    if (WIFEXITED(status)) {
      if (WEXITSTATUS(status) == 0) return false;
      return absl::InternalError("the child failed");
    }
    if (WIFSIGNALED(status)) {
      return absl::InternalError(
          absl::StrCat("the child died of signal ", WTERMSIG(status)));
    }
    if (WSTOPSIG(status) == kCountFromHere) {
      left = calls;
    } else if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
      deliver = WSTOPSIG(status);
    } else if (left >= 0) {
      const absl::StatusOr<bool> at_call = IsAtCall(pid);
      if (!at_call.ok()) return at_call;
      if (*at_call && left-- == 0) return true;
    }
  }
}

}  // namespace

void CountFromHere() { raise(kCountFromHere); }

absl::StatusOr<bool> RunAndKill(int calls,
                                const std::function<absl::Status()>& work) {
  const pid_t pid = fork();
  if (pid < 0) return Failed("starting");
  if (pid == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
    RunChild(work);
  }
  int status = 0;
  if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
    return Failed("waiting for");
  const absl::StatusOr<bool> stopped = Follow(pid, calls);
  if (!stopped.ok() || *stopped) {
    kill(pid, SIGKILL);
    waitpid(pid, &status, __WALL);
  }
  return stopped;
}

absl::StatusOr<pid_t> StartChild(const std::function<absl::Status()>& work) {
  const pid_t pid = fork();
  if (pid < 0) return Failed("starting");
  if (pid == 0) {
    // Not to outlive the test.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    RunChild(work);
  }
  return pid;
}

absl::Status KillChild(pid_t pid) {
  kill(pid, SIGKILL);
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) return Failed("waiting for");
  if (WIFSIGNALED(status)) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("the child ended with ", WEXITSTATUS(status)));
}

}  // namespace netpol
