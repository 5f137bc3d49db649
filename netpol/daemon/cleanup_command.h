// `netpolctl cleanup`: takes everything of ours out of the kernel.
#ifndef NETPOL_DAEMON_CLEANUP_COMMAND_H_
#define NETPOL_DAEMON_CLEANUP_COMMAND_H_

#include "netpol/daemon/console.h"
#include "netpol/daemon/exit_code.h"
#include "netpol/daemon/flags.h"

namespace netpol {

// Both families, as far as the kernel has them, and what kube-router and its
// older releases left; nothing of anybody else. Refuses while somebody holds
// the run lock, unless --force. kFailed if something could not be removed.
ExitCode RunCleanup(const Flags& flags, Console& console);

}  // namespace netpol

#endif  // NETPOL_DAEMON_CLEANUP_COMMAND_H_
