// `netpolctl status`: how it stands with this node's daemon.
#ifndef NETPOL_DAEMON_STATUS_COMMAND_H_
#define NETPOL_DAEMON_STATUS_COMMAND_H_

#include "netpol/daemon/console.h"
#include "netpol/daemon/exit_code.h"
#include "netpol/daemon/flags.h"

namespace netpol {

// Asks over the control socket. kDone if the daemon is healthy; kFailed if it
// is not, or if none answers.
ExitCode RunStatus(const Flags& flags, Console& console);

}  // namespace netpol

#endif  // NETPOL_DAEMON_STATUS_COMMAND_H_
