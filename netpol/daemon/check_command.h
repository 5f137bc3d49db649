// `netpolctl check`: whether this kernel has what we need.
#ifndef NETPOL_DAEMON_CHECK_COMMAND_H_
#define NETPOL_DAEMON_CHECK_COMMAND_H_

#include "netpol/daemon/console.h"
#include "netpol/daemon/exit_code.h"
#include "netpol/daemon/flags.h"

namespace netpol {

// Changes nothing. kFailed if something is missing, or if packets get past the
// rules by a bridge.
ExitCode RunCheck(const Flags& flags, Console& console);

}  // namespace netpol

#endif  // NETPOL_DAEMON_CHECK_COMMAND_H_
