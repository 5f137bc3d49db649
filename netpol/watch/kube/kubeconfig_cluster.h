// The part of a kubeconfig that says where the server is.
#ifndef NETPOL_WATCH_KUBE_KUBECONFIG_CLUSTER_H_
#define NETPOL_WATCH_KUBE_KUBECONFIG_CLUSTER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpol/watch/kube/api_server_config.h"
#include "netpol/watch/kube/kubeconfig_field.h"

namespace netpol {

// Fills in what an entry of `clusters` says. `master`, if not empty, is the
// server instead of the entry's, and, as in client-go, its tls-server-name does
// not count then.
absl::Status ReadCluster(const KubeconfigField& cluster,
                         absl::string_view master, ApiServerConfig* config);

// What an exec plugin is told of the cluster (ExecCredential's spec.cluster):
// `config` as ReadCluster() filled it in, its authority read from its file, and
// the entry's extension for plugins.
absl::StatusOr<std::string> ExecClusterInfo(const KubeconfigField& cluster,
                                            const ApiServerConfig& config);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_KUBECONFIG_CLUSTER_H_
