// `netpolctl version`: which netpolctl this is.
#ifndef NETPOL_DAEMON_VERSION_COMMAND_H_
#define NETPOL_DAEMON_VERSION_COMMAND_H_

#include "netpol/daemon/console.h"
#include "netpol/daemon/exit_code.h"
#include "netpol/daemon/flags.h"

namespace netpol {

// Needs no privileges.
ExitCode RunVersion(const Flags& flags, Console& console);

}  // namespace netpol

#endif  // NETPOL_DAEMON_VERSION_COMMAND_H_
