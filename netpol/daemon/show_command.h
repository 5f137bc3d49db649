// `netpolctl show`: what of ours is in the kernel, and whose it is.
#ifndef NETPOL_DAEMON_SHOW_COMMAND_H_
#define NETPOL_DAEMON_SHOW_COMMAND_H_

#include "netpol/daemon/console.h"
#include "netpol/daemon/exit_code.h"
#include "netpol/daemon/flags.h"

namespace netpol {

// Reads both families, as far as the kernel has them. Writes nothing.
ExitCode RunShow(const Flags& flags, Console& console);

}  // namespace netpol

#endif  // NETPOL_DAEMON_SHOW_COMMAND_H_
