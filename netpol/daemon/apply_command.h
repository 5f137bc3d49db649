// `netpolctl apply`: brings the kernel to what manifests say, once.
#ifndef NETPOL_DAEMON_APPLY_COMMAND_H_
#define NETPOL_DAEMON_APPLY_COMMAND_H_

#include "netpol/daemon/console.h"
#include "netpol/daemon/exit_code.h"
#include "netpol/daemon/flags.h"

namespace netpol {

// Blocks for the kernel and the xtables lock, within bounds. kFailed if
// anything could not be enforced, although the rest then is; nothing is touched
// if a path cannot be read or the kernel lacks a feature. What is ours in the
// other flavour of iptables, or of a family that is off, is removed at the end,
// unless somebody else enforces here.
ExitCode RunApply(const Flags& flags, Console& console);

}  // namespace netpol

#endif  // NETPOL_DAEMON_APPLY_COMMAND_H_
