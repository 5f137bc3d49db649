#include "netpol/daemon/flags.h"

namespace netpol {

const char* CommandName(CommandKind command) {
  switch (command) {
    case CommandKind::kRun:
      return "run";
    case CommandKind::kApply:
      return "apply";
    case CommandKind::kPlan:
      return "plan";
    case CommandKind::kShow:
      return "show";
    case CommandKind::kCleanup:
      return "cleanup";
    case CommandKind::kCheck:
      return "check";
    case CommandKind::kExplain:
      return "explain";
    case CommandKind::kStatus:
      return "status";
    case CommandKind::kVersion:
      return "version";
  }
  return "";
}

}  // namespace netpol
