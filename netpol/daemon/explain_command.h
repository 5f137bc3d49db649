// `netpolctl explain`: why a connection is allowed or denied.
#ifndef NETPOL_DAEMON_EXPLAIN_COMMAND_H_
#define NETPOL_DAEMON_EXPLAIN_COMMAND_H_

#include "netpol/daemon/console.h"
#include "netpol/daemon/exit_code.h"
#include "netpol/daemon/flags.h"

namespace netpol {

// With --manifests: from these, and the rules that they ask for; no kernel is
// looked at. Else from what the daemon of this node knows and the kernel holds.
// kDone for either verdict; kFailed if there is none, or if rules and policies
// do not agree.
ExitCode RunExplain(const Flags& flags, Console& console);

}  // namespace netpol

#endif  // NETPOL_DAEMON_EXPLAIN_COMMAND_H_
