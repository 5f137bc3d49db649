// A process that is killed at a chosen moment.
#ifndef NETPOL_TESTS_KERNEL_TAKE_OVER_KILLED_PROCESS_H_
#define NETPOL_TESTS_KERNEL_TAKE_OVER_KILLED_PROCESS_H_

#include <sys/types.h>

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace netpol {

// In the child of RunAndKill(): calls count from here on.
void CountFromHere();

// Runs `work` in a child process with the calling thread's network namespace
// and kills it (SIGKILL) when it is about to make the system call number
// `calls`, from 0, of those by which a process writes to sockets, pipes and the
// kernel, or waits for a program: ptrace(2). Programs that it has started are
// not killed, as in life.
//
// False if `work` ended before; an error if it ended badly, or if a child
// cannot be watched.
absl::StatusOr<bool> RunAndKill(int calls,
                                const std::function<absl::Status()>& work);

// Runs `work`, which does not end by itself, in such a child, until it is given
// to KillChild(). An error there if it ended all the same.
absl::StatusOr<pid_t> StartChild(const std::function<absl::Status()>& work);
absl::Status KillChild(pid_t pid);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_TAKE_OVER_KILLED_PROCESS_H_
