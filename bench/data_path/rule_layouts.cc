#include "bench/data_path/rule_layouts.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "bench/data_path/crowded_node.h"
#include "bench/yardstick/full_rebuild_engine.h"
#include "netpol/base/status_macros.h"
#include "netpol/controller.h"
#include "netpol/dataplane/linux_dataplane.h"
#include "tests/kernel/lab/node_process.h"

namespace netpol {

absl::Status InstallTrackingOnly(const NetNs& node) {
  // The nft flavour registers no hook for a chain that is not built in; the
  // legacy one would send every packet through an empty table.
  Program program;
  program.argv = {"iptables-nft-restore", "--noflush"};
  program.input =
      "*filter\n:TRACKING - [0:0]\n-A TRACKING -m conntrack --ctstate NEW\n"
      "COMMIT\n";
  ASSIGN_OR_RETURN(const ProgramResult result, RunProgram(node, program));
  if (result.exit_code == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(
      "turning on connection tracking: iptables-nft-restore: ", result.err));
}

absl::Status InstallOurs(const Cluster& cluster, const NetNs& node) {
  return node.Run([&]() -> absl::Status {
    ControllerOptions options;
    options.node_name = std::string(kCrowdedNode);
    ASSIGN_OR_RETURN(std::unique_ptr<LinuxDataplane> dataplane,
                     LinuxDataplane::Create({}));
    ASSIGN_OR_RETURN(
        std::unique_ptr<Controller> controller,
        Controller::Create(std::move(options), std::move(dataplane)));
    for (const v1::WatchEvent& event : ListingOf(cluster))
      RETURN_IF_ERROR(controller->OnEvent(event));
    return controller->Sync().status();
  });
}

absl::Status InstallYardstick(const Cluster& cluster, const NetNs& node) {
  return node.Run([&]() -> absl::Status {
    ASSIGN_OR_RETURN(std::unique_ptr<FullRebuildEngine> engine,
                     FullRebuildEngine::Create(std::string(kCrowdedNode)));
    for (const v1::WatchEvent& event : ListingOf(cluster))
      engine->OnEvent(event);
    return engine->Sync();
  });
}

}  // namespace netpol
