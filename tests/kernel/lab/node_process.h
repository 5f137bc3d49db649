// Programs that run inside a network namespace.
#ifndef NETPOL_TESTS_KERNEL_LAB_NODE_PROCESS_H_
#define NETPOL_TESTS_KERNEL_LAB_NODE_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/kernel/lab/file_descriptor.h"
#include "tests/kernel/lab/netns.h"

namespace netpol {

// What to run. Without a slash the program is looked for in PATH, then in
// /usr/sbin and /sbin.
struct Program {
  std::vector<std::string> argv;
  std::string input;                     // its standard input
  std::vector<std::string> environment;  // "KEY=value", on top of ours
  absl::Duration limit = absl::Seconds(30);
};

struct ProgramResult {
  int exit_code = 0;  // 128 + the signal, if one ended it
  std::string out;
  std::string err;
};

// Runs `program` in `ns` to its end. An exit code other than zero is a result,
// not an error. DeadlineExceeded, and the program killed, after `limit`. From
// the first call on, this process ignores SIGPIPE.
absl::StatusOr<ProgramResult> RunProgram(const NetNs& ns,
                                         const Program& program);

// A program left running. It dies with this object, and with the thread that
// started it (PR_SET_PDEATHSIG), so start it from a thread that stays.
//
// Thread-compatible.
class NodeProcess {
 public:
  // `input` and `limit` of `program` are not used. Both outputs are appended to
  // `log_path`; empty: they stay ours.
  static absl::StatusOr<std::unique_ptr<NodeProcess>> Start(
      const NetNs& ns, const Program& program, const std::string& log_path);

  NodeProcess(const NodeProcess&) = delete;
  NodeProcess& operator=(const NodeProcess&) = delete;
  ~NodeProcess();

  pid_t pid() const { return pid_; }

  // Waits for its end: the exit code (128 + the signal), DeadlineExceeded if it
  // still runs after `limit`. May be asked again.
  absl::StatusOr<int> Wait(absl::Duration limit);
  // Sends SIGTERM, then waits.
  absl::StatusOr<int> Terminate(absl::Duration limit);

 private:
  NodeProcess(pid_t pid, FileDescriptor pidfd)
      : pid_(pid), pidfd_(std::move(pidfd)) {}

  pid_t pid_;
  FileDescriptor pidfd_;
  bool ended_ = false;
  int exit_code_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_NODE_PROCESS_H_
