// From argv to Flags.
#ifndef NETPOL_DAEMON_COMMAND_LINE_H_
#define NETPOL_DAEMON_COMMAND_LINE_H_

#include <ostream>

#include "absl/types/optional.h"
#include "netpol/daemon/exit_code.h"
#include "netpol/daemon/flags.h"

namespace netpol {

// The command line, or nothing if there is nothing to run: help was asked for
// and went to `out`, or the line is wrong and `err` says why. `exit_code` is
// set then.
absl::optional<Flags> ParseCommandLine(int argc, const char* const* argv,
                                       std::ostream& out, std::ostream& err,
                                       ExitCode& exit_code);

}  // namespace netpol

#endif  // NETPOL_DAEMON_COMMAND_LINE_H_
