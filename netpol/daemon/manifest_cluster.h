// A controller that was told everything that stands in manifests.
#ifndef NETPOL_DAEMON_MANIFEST_CLUSTER_H_
#define NETPOL_DAEMON_MANIFEST_CLUSTER_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "netpol/controller.h"
#include "netpol/daemon/console.h"
#include "netpol/daemon/flags.h"
#include "netpol/sync/dataplane.h"
#include "netpol/watch/manifests/manifest_source.h"
#include "netpol/watch/watch_source.h"
#include "proto/netpol/status.pb.h"

namespace netpol {

struct ManifestCluster {
  std::unique_ptr<Controller> controller;
  // Of the files and of the policies in them.
  std::vector<v1::Problem> problems;
};

// Reads what --manifests names, with a sign of life where it takes long.
absl::StatusOr<ManifestSet> ReadWithProgress(const Flags& flags,
                                             Console& console);

// Tells a new controller all objects of `manifests`, and that there are no
// others. Nothing of the kernel is touched.
absl::StatusOr<ManifestCluster> TellManifests(
    const ManifestSet& manifests, const ControllerOptions& options,
    std::unique_ptr<Dataplane> dataplane);

v1::Problem ToProto(const SourceProblem& problem);

// Whether one of `problems` means that something is not enforced.
bool AnyError(const std::vector<v1::Problem>& problems);

}  // namespace netpol

#endif  // NETPOL_DAEMON_MANIFEST_CLUSTER_H_
