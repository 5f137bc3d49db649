// netpolctl: the daemon, and the commands around it.
#include <signal.h>
#include <unistd.h>

#include <iostream>

#include "netpol/daemon/apply_command.h"
#include "netpol/daemon/check_command.h"
#include "netpol/daemon/cleanup_command.h"
#include "netpol/daemon/command_line.h"
#include "netpol/daemon/console.h"
#include "netpol/daemon/explain_command.h"
#include "netpol/daemon/plan_command.h"
#include "netpol/daemon/run_command.h"
#include "netpol/daemon/show_command.h"
#include "netpol/daemon/status_command.h"
#include "netpol/daemon/version_command.h"

namespace netpol {
namespace {

ExitCode Run(const Flags& flags, Console& console) {
  switch (flags.command) {
    case CommandKind::kRun:
      return RunDaemon(flags, console);
    case CommandKind::kApply:
      return RunApply(flags, console);
    case CommandKind::kPlan:
      return RunPlan(flags, console);
    case CommandKind::kShow:
      return RunShow(flags, console);
    case CommandKind::kCleanup:
      return RunCleanup(flags, console);
    case CommandKind::kCheck:
      return RunCheck(flags, console);
    case CommandKind::kExplain:
      return RunExplain(flags, console);
    case CommandKind::kStatus:
      return RunStatus(flags, console);
    case CommandKind::kVersion:
      return RunVersion(flags, console);
  }
  return kUsage;
}

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  // A parent that ignores it would keep us from hearing how programs end.
  signal(SIGCHLD, SIG_DFL);
  netpol::ExitCode exit_code = netpol::kDone;
  const absl::optional<netpol::Flags> flags =
      netpol::ParseCommandLine(argc, argv, std::cout, std::cerr, exit_code);
  if (!flags) return exit_code;
  netpol::Console console(*flags, std::cout, std::cerr,
                          isatty(STDERR_FILENO) == 1);
  return netpol::Run(*flags, console);
}
