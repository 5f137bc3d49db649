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

// Where a pod finds the files of its service account.
inline constexpr absl::string_view kServiceAccountFolder =
    "/var/run/secrets/kubernetes.io/serviceaccount";

// What kube-router's flags of these names choose, and more where it gives up:
// - `kubeconfig`, one path, if it is not empty. `master`, if not empty, then
//   replaces the address of the server and makes its tls-server-name void.
// - `master` alone: that address, with the token and CA of the service account
//   in `service_account_folder`; without credentials if there is no token,
//   or the address is no https://.
// - Neither: the files in KUBECONFIG; else the configuration of the pod that we
//   are in; else ~/.kube/config. (kube-router: that of the pod, or nothing.)
// NotFound if there is nothing of it: says what can be given. InvalidArgument
// as in ReadKubeconfig().
absl::StatusOr<ApiServerConfig> ChooseApiServer(
    absl::string_view kubeconfig, absl::string_view master,
    const EnvironmentLookup& environment,
    absl::string_view service_account_folder = kServiceAccountFolder);

// The current context of the files in `paths` (separated by colons; "~/" stands
// for HOME), merged as client-go merges them: of equal entries the first
// counts, missing files are skipped if there are several (NotFound if none
// exists). The `-data` of a certificate or key counts more than its file.
// InvalidArgument, naming file and field, for what cannot be followed:
// impersonation, auth-provider, half a key pair, an exec plugin that must ask a
// person, a server without scheme, names that occur twice in a file, … Errors
// quote no value that may be a secret.
absl::StatusOr<ApiServerConfig> ReadKubeconfig(
    absl::string_view paths, const EnvironmentLookup& environment);

// https://KUBERNETES_SERVICE_HOST:KUBERNETES_SERVICE_PORT with the token and CA
// of the service account in `folder`, which are not read yet. NotFound outside
// a pod.
absl::StatusOr<ApiServerConfig> InClusterConfig(
    const EnvironmentLookup& environment,
    absl::string_view folder = kServiceAccountFolder);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_KUBECONFIG_H_
