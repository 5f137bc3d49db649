// Runs a program, feeds it and hears it out.
#ifndef NETPOL_BENCH_YARDSTICK_COMMAND_H_
#define NETPOL_BENCH_YARDSTICK_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace netpol {

struct CommandResult {
  int exit_code = 0;  // 128 + the signal, if one ended it
  std::string out;
  std::string err;
};

// Runs `argv` (a path first) to its end, in the network namespace of this
// thread, with our environment and `input` as its standard input. The process
// is not copied for it, which a process of gigabytes would feel: what it costs
// is the program alone. An exit code other than zero is a result; an error is a
// program that cannot be started, and DeadlineExceeded one that was stopped
// because it had used `cpu_limit`, in whole seconds.
absl::StatusOr<CommandResult> RunCommand(
    const std::vector<std::string>& argv, absl::string_view input = "",
    absl::Duration cpu_limit = absl::InfiniteDuration());

// What the program wrote. Internal, with what it said, if it failed.
absl::StatusOr<std::string> OutputOf(
    const std::vector<std::string>& argv, absl::string_view input = "",
    absl::Duration cpu_limit = absl::InfiniteDuration());

}  // namespace netpol

#endif  // NETPOL_BENCH_YARDSTICK_COMMAND_H_
