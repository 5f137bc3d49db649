#include "netpol/watch/kube/kubeconfig_cluster.h"

#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "netpol/base/status_macros.h"
#include "netpol/watch/kube/server_url.h"
#include "netpol/watch/kube/small_file.h"
#include "nlohmann/json.hpp"

namespace netpol {
namespace {

using Json = nlohmann::json;

constexpr absl::string_view kExecExtension =
    "client.authentication.k8s.io/exec";
constexpr size_t kMaxAuthorityBytes = 4 << 20;

absl::Status ReadServer(const KubeconfigField& cluster,
                        ApiServerConfig* config) {
  ASSIGN_OR_RETURN(const KubeconfigField field, cluster.Field("server"));
  ASSIGN_OR_RETURN(const std::string server, cluster.Text("server"));
  if (server.empty()) return field.Refuse("is missing");
  absl::StatusOr<std::string> normal = NormalServerUrl(server);
  if (!normal.ok()) return field.Refuse(normal.status().message());
  config->server = *std::move(normal);
  ASSIGN_OR_RETURN(config->tls_server_name, cluster.Text("tls-server-name"));
  return absl::OkStatus();
}

absl::Status ReadProxy(const KubeconfigField& cluster,
                       ApiServerConfig* config) {
  ASSIGN_OR_RETURN(config->proxy_url, cluster.Text("proxy-url"));
  if (config->proxy_url.empty()) return absl::OkStatus();
  const absl::Status status = CheckProxyUrl(config->proxy_url);
  if (status.ok()) return status;
  ASSIGN_OR_RETURN(const KubeconfigField field, cluster.Field("proxy-url"));
  return field.Refuse(status.message());
}

// Sets `config` from the extension of that name, if there is one.
absl::Status ReadExecExtension(const KubeconfigField& cluster, Json* config) {
  ASSIGN_OR_RETURN(const KubeconfigField field, cluster.Field("extensions"));
  ASSIGN_OR_RETURN(const std::vector<KubeconfigField> extensions,
                   field.Elements());
  for (const KubeconfigField& extension : extensions) {
    ASSIGN_OR_RETURN(const std::string name, extension.Text("name"));
    if (name != kExecExtension) continue;
    ASSIGN_OR_RETURN(const KubeconfigField value, extension.Field("extension"));
    *config = Json::parse(value.ToJson(), nullptr, /*allow_exceptions=*/false);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadCluster(const KubeconfigField& cluster,
                         absl::string_view master, ApiServerConfig* config) {
  if (master.empty()) {
    RETURN_IF_ERROR(ReadServer(cluster, config));
  } else {
    config->server = std::string(master);
  }
  PemSource& authority = config->certificate_authority;
  ASSIGN_OR_RETURN(authority.file, cluster.FileName("certificate-authority"));
  ASSIGN_OR_RETURN(authority.text,
                   cluster.Decoded("certificate-authority-data"));
  ASSIGN_OR_RETURN(config->insecure_skip_tls_verify,
                   cluster.Flag("insecure-skip-tls-verify"));
  if (config->insecure_skip_tls_verify && !authority.empty()) {
    return cluster.Refuse(
        "has both a certificate-authority and insecure-skip-tls-verify; take "
        "out the latter");
  }
  return ReadProxy(cluster, config);
}

absl::StatusOr<std::string> ExecClusterInfo(const KubeconfigField& cluster,
                                            const ApiServerConfig& config) {
  Json info = {{"server", config.server}};
  if (!config.tls_server_name.empty()) {
    info["tls-server-name"] = config.tls_server_name;
  }
  if (config.insecure_skip_tls_verify) info["insecure-skip-tls-verify"] = true;
  std::string authority = config.certificate_authority.text;
  if (authority.empty() && !config.certificate_authority.file.empty()) {
    absl::StatusOr<std::string> pem =
        ReadSmallFile(config.certificate_authority.file, kMaxAuthorityBytes);
    ASSIGN_OR_RETURN(const KubeconfigField field,
                     cluster.Field("certificate-authority"));
    if (!pem.ok()) return field.Refuse(pem.status().message());
    authority = *std::move(pem);
  }
  if (!authority.empty()) {
    info["certificate-authority-data"] = absl::Base64Escape(authority);
  }
  if (!config.proxy_url.empty()) info["proxy-url"] = config.proxy_url;
  ASSIGN_OR_RETURN(const bool uncompressed,
                   cluster.Flag("disable-compression"));
  if (uncompressed) info["disable-compression"] = true;
  Json extension;
  RETURN_IF_ERROR(ReadExecExtension(cluster, &extension));
  if (!extension.is_null()) info["config"] = std::move(extension);
  return info.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace netpol
