// The part of a kubeconfig that says who asks.
#ifndef NETPOL_WATCH_KUBE_KUBECONFIG_USER_H_
#define NETPOL_WATCH_KUBE_KUBECONFIG_USER_H_

#include "absl/status/status.h"
#include "netpol/watch/kube/api_server_config.h"
#include "netpol/watch/kube/kubeconfig_field.h"

namespace netpol {

// Fills in what an entry of `users` says. If its exec plugin is to be told of
// the cluster, that is said by `cluster` and what `config` has of it already.
absl::Status ReadUser(const KubeconfigField& user,
                      const KubeconfigField& cluster, ApiServerConfig* config);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_KUBECONFIG_USER_H_
