// The language of exec plugins: the object ExecCredential, both ways.
#ifndef NETPOL_WATCH_KUBE_EXEC_CREDENTIAL_H_
#define NETPOL_WATCH_KUBE_EXEC_CREDENTIAL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "netpol/watch/kube/api_server_config.h"

namespace netpol {

// What a plugin handed out: a token, a client certificate with its key, or
// both. Secrets: never logged.
struct ExecCredential {
  std::string token;
  std::string client_certificate_pem;
  std::string client_key_pem;
  absl::Time expiration = absl::InfiniteFuture();
};

// What the plugin is told in its variable KUBERNETES_EXEC_INFO.
std::string ExecInfo(const ExecPluginConfig& config);

// Reads what a plugin printed. InvalidArgument, quoting nothing of it, if it is
// no ExecCredential of `api_version` with something usable in it.
absl::StatusOr<ExecCredential> ParseExecCredential(
    absl::string_view output, absl::string_view api_version);

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_EXEC_CREDENTIAL_H_
