// Kubeconfig files, and the configuration of a pod.
#ifndef NETPOL_WATCH_KUBE_KUBECONFIG_H_
#define NETPOL_WATCH_KUBE_KUBECONFIG_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "netpol/watch/kube/api_server_config.h"

namespace netpol {

// Looks up a variable of the environment; nullopt if it is not set.
using EnvironmentLookup =
    std::function<absl::optional<std::string>(absl::string_view name)>;

// This process's own environment.
EnvironmentLookup ProcessEnvironment();

// What kube-router's flags of these names choose: `kubeconfig` (a path) if it
// is not empty; else, if `master` is empty, KUBECONFIG of the environment, and
// else the configuration of the pod that we are in; and, without that, the file
// ~/.kube/config. `master`, if not empty, replaces the server's address.
// NotFound if there is nothing of it: says what can be given.
absl::StatusOr<ApiServerConfig> ChooseApiServer(
    absl::string_view kubeconfig, absl::string_view master,
    const EnvironmentLookup& environment);

// The current context of the files in `paths` (separated by colons), merged as
// client-go merges them: of equal entries the first counts, missing files are
// skipped if there are several. InvalidArgument, naming file and field, for
// what cannot be followed: impersonation, auth-provider, half a key pair, an
// exec plugin that must ask a person, a server without scheme, …
absl::StatusOr<ApiServerConfig> ReadKubeconfig(
    absl::string_view paths, const EnvironmentLookup& environment);

// https://KUBERNETES_SERVICE_HOST:KUBERNETES_SERVICE_PORT with the token and CA
// of the service account in `folder`. NotFound outside a pod.
absl::StatusOr<ApiServerConfig> InClusterConfig(
    const EnvironmentLookup& environment,
    absl::string_view folder = "/var/run/secrets/kubernetes.io/serviceaccount");

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_KUBECONFIG_H_
