// Runs a program, feeds it and hears it out.
#ifndef NETPOL_BASE_PROGRAM_H_
#define NETPOL_BASE_PROGRAM_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace netpol {

// When a program is stopped.
struct CommandLimits {
  absl::Duration cpu = absl::InfiniteDuration();  // in whole seconds
  absl::Duration wall = absl::InfiniteDuration();
};

struct CommandResult {
  // Where our host ignores SIGCHLD, the kernel forgets how a child ended.
  bool exit_known = true;
  int exit_code = 0;  // 128 + the signal, if one ended it; 0 if not known
  std::string out;
  std::string err;
  pid_t pid = 0;  // what it had; may be another's by now
};

// The path of the executable file `name`: as it is if it has a slash, else from
// PATH, then from the folders of the system's programs, which a PATH of a
// service may lack. NotFound, saying where it was looked for.
absl::StatusOr<std::string> FindProgram(absl::string_view name);

// Runs `argv` (a path first) to its end, in the network namespace of this
// thread, with our environment, `input` as its standard input, signals as a
// fresh process has them, and none of our other descriptors. The process is not
// copied for it, which a process of gigabytes would feel: what it costs is the
// program alone. Should this thread die, so does the program. Thread-safe.
//
// An exit code other than zero is a result; an error is a program that cannot
// be started, and DeadlineExceeded one that was stopped at one of `limits`.
absl::StatusOr<CommandResult> RunCommand(const std::vector<std::string>& argv,
                                         absl::string_view input = "",
                                         CommandLimits limits = {});

// What the program wrote. Internal, with what it said, if it failed. Where how
// it ended is not known, what it wrote counts.
absl::StatusOr<std::string> OutputOf(const std::vector<std::string>& argv,
                                     absl::string_view input = "",
                                     CommandLimits limits = {});

}  // namespace netpol

#endif  // NETPOL_BASE_PROGRAM_H_
