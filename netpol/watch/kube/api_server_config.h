// Where an API server is, and as whom it is asked: what a kubeconfig or the
// environment of a pod says, not yet read from disk or run.
#ifndef NETPOL_WATCH_KUBE_API_SERVER_CONFIG_H_
#define NETPOL_WATCH_KUBE_API_SERVER_CONFIG_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/types/optional.h"

namespace netpol {

// PEM text, or the file that has it. If there is text, it counts; neither means
// that nothing was given.
struct PemSource {
  std::string file;  // An absolute path.
  std::string text;

  bool empty() const { return file.empty() && text.empty(); }
};

// A program that hands out credentials
// (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins).
struct ExecPluginConfig {
  std::string command;  // Looked up in PATH, or an absolute path.
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> env;  // Added to ours.
  std::string api_version;  // client.authentication.k8s.io/v1 or …/v1beta1
  std::string install_hint;
  // What it is told of the cluster: JSON of ExecCredential's spec.cluster;
  // empty unless provideClusterInfo.
  std::string cluster_info;
};

// Values only. Secrets are in it: never logged as a whole.
struct ApiServerConfig {
  // Scheme, host, port and path prefix, without a slash at the end:
  // "https://192.0.2.1:6443".
  std::string server;
  // Where this was read, for error messages: "kubeconfig /etc/x.yaml, context
  // a" or "in-cluster configuration".
  std::string origin;
  std::string proxy_url;  // Empty: as the environment says.
  // No proxy, whatever the environment says; for the service address.
  bool no_proxy = false;
  std::string tls_server_name;  // Empty: the host of `server`.
  bool insecure_skip_tls_verify = false;
  PemSource certificate_authority;  // Empty: the roots of the system.
  PemSource client_certificate;
  PemSource client_key;
  std::string token;
  std::string token_file;  // Counts more than `token` once it could be read.
  std::string username;
  std::string password;
  absl::optional<ExecPluginConfig> exec;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_API_SERVER_CONFIG_H_
