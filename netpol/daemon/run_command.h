// `netpolctl run`: the daemon.
#ifndef NETPOL_DAEMON_RUN_COMMAND_H_
#define NETPOL_DAEMON_RUN_COMMAND_H_

#include "netpol/daemon/console.h"
#include "netpol/daemon/exit_code.h"
#include "netpol/daemon/flags.h"

namespace netpol {

// With --cleanup-config, what RunCleanup() does. Else enforces what the source
// says until SIGTERM or SIGINT, which leave
// enforcement in place; SIGHUP reads the kernel again. Logs to stderr. Blocks
// these signals in the calling thread, so call it from the main thread before
// there are others. kFailed, and nothing touched, if it cannot start: a path
// cannot be read, the run lock is held, the kernel lacks a feature.
ExitCode RunDaemon(const Flags& flags, Console& console);

}  // namespace netpol

#endif  // NETPOL_DAEMON_RUN_COMMAND_H_
