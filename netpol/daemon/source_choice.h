// Where the daemon has its objects from.
#ifndef NETPOL_DAEMON_SOURCE_CHOICE_H_
#define NETPOL_DAEMON_SOURCE_CHOICE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "netpol/daemon/flags.h"
#include "netpol/watch/kube/kubeconfig.h"
#include "netpol/watch/watch_source.h"

namespace netpol {

struct ChosenSource {
  std::unique_ptr<WatchSource> source;
  // For the log: "manifests in /etc/netpol" or "API server https://…
  // (in-cluster configuration)".
  std::string name;
  bool is_api_server = false;
};

// --manifests, or what ChooseApiServer() makes of --kubeconfig and --master.
// Nothing is asked of a server yet. An error says what to give.
absl::StatusOr<ChosenSource> OpenSource(const Flags& flags,
                                        const std::string& node_name,
                                        const EnvironmentLookup& environment);

}  // namespace netpol

#endif  // NETPOL_DAEMON_SOURCE_CHOICE_H_
