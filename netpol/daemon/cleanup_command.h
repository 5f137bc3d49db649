// `netpolctl cleanup`: takes everything of ours out of the kernel.
#ifndef NETPOL_DAEMON_CLEANUP_COMMAND_H_
#define NETPOL_DAEMON_CLEANUP_COMMAND_H_

#include "netpol/daemon/console.h"
#include "netpol/daemon/exit_code.h"
#include "netpol/daemon/flags.h"

namespace netpol {

// Both flavours and both families, as far as the kernel has them, and what
// kube-router and its older releases left; nothing of anybody else. With
// --mode=pipeline as CleanUpByPipeline() does it. Refuses while somebody holds
// the run lock or enforces in this network namespace, unless --force. kFailed
// if something could not be removed, or looked at.
ExitCode RunCleanup(const Flags& flags, Console& console);

}  // namespace netpol

#endif  // NETPOL_DAEMON_CLEANUP_COMMAND_H_
