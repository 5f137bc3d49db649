// `netpolctl plan`: what apply would change.
#ifndef NETPOL_DAEMON_PLAN_COMMAND_H_
#define NETPOL_DAEMON_PLAN_COMMAND_H_

#include "netpol/daemon/console.h"
#include "netpol/daemon/exit_code.h"
#include "netpol/daemon/flags.h"

namespace netpol {

// Writes nothing to the kernel. kChanges if something would change; kFailed
// also for manifests that would be enforced in part, after printing the plan.
ExitCode RunPlan(const Flags& flags, Console& console);

}  // namespace netpol

#endif  // NETPOL_DAEMON_PLAN_COMMAND_H_
