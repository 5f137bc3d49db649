#include "netpol/watch/kube/kubeconfig_user.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/watch/kube/bearer_token.h"
#include "netpol/watch/kube/kubeconfig_cluster.h"

namespace netpol {
namespace {

constexpr absl::string_view kExecGroup = "client.authentication.k8s.io/";

absl::Status RefuseUnsupported(const KubeconfigField& user) {
  for (const absl::string_view key :
       {"as", "as-uid", "as-groups", "as-user-extra"}) {
    ASSIGN_OR_RETURN(const KubeconfigField field, user.Field(key));
    if (field.present()) {
      return field.Refuse(
          "impersonation is not supported; use a user that has the rights "
          "itself");
    }
  }
  ASSIGN_OR_RETURN(const KubeconfigField provider, user.Field("auth-provider"));
  if (provider.present()) {
    return provider.Refuse(
        "was removed from Kubernetes in 1.26; use an exec plugin");
  }
  return absl::OkStatus();
}

absl::Status ReadPair(const KubeconfigField& user, ApiServerConfig* config) {
  PemSource& certificate = config->client_certificate;
  PemSource& key = config->client_key;
  ASSIGN_OR_RETURN(certificate.file, user.FileName("client-certificate"));
  ASSIGN_OR_RETURN(certificate.text, user.Decoded("client-certificate-data"));
  ASSIGN_OR_RETURN(key.file, user.FileName("client-key"));
  ASSIGN_OR_RETURN(key.text, user.Decoded("client-key-data"));
  if (certificate.empty() == key.empty()) return absl::OkStatus();
  return user.Refuse(
      certificate.empty()
          ? "has a client-key but no client-certificate; give both"
          : "has a client-certificate but no client-key; give both");
}

absl::Status ReadToken(const KubeconfigField& user, ApiServerConfig* config) {
  ASSIGN_OR_RETURN(config->token_file, user.FileName("tokenFile"));
  ASSIGN_OR_RETURN(const std::string token, user.Text("token"));
  if (token.empty()) return absl::OkStatus();
  absl::StatusOr<std::string> trimmed = TrimmedToken(token);
  if (trimmed.ok()) {
    config->token = *std::move(trimmed);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const KubeconfigField field, user.Field("token"));
  return field.Refuse(trimmed.status().message());
}

absl::Status ReadBasic(const KubeconfigField& user, ApiServerConfig* config) {
  ASSIGN_OR_RETURN(config->username, user.Text("username"));
  ASSIGN_OR_RETURN(config->password, user.Text("password"));
  if (config->username.empty() && !config->password.empty()) {
    return user.Refuse("has a password but no username");
  }
  if (config->username.empty()) return absl::OkStatus();
  if (!config->token.empty() || !config->token_file.empty()) {
    return user.Refuse(
        "has both a token and a username; only one of them can be sent");
  }
  if (absl::StrContains(config->username, ":")) {
    ASSIGN_OR_RETURN(const KubeconfigField field, user.Field("username"));
    return field.Refuse("a username with a colon cannot be sent");
  }
  return absl::OkStatus();
}

absl::Status CheckInteractive(const KubeconfigField& exec,
                              absl::string_view api_version) {
  ASSIGN_OR_RETURN(const KubeconfigField field, exec.Field("interactiveMode"));
  ASSIGN_OR_RETURN(const std::string mode, exec.Text("interactiveMode"));
  if (mode == "Always") {
    return field.Refuse(
        "a plugin that must ask a person cannot be run here; use another user "
        "or another plugin");
  }
  if (mode.empty() && absl::EndsWith(api_version, "/v1")) {
    return field.Refuse("is missing; write Never or IfAvailable");
  }
  if (!mode.empty() && mode != "Never" && mode != "IfAvailable") {
    return field.Refuse("must be Never or IfAvailable");
  }
  return absl::OkStatus();
}

absl::Status ReadCommand(const KubeconfigField& exec,
                         ExecPluginConfig* plugin) {
  ASSIGN_OR_RETURN(const KubeconfigField field, exec.Field("command"));
  ASSIGN_OR_RETURN(plugin->command, exec.Text("command"));
  if (plugin->command.empty()) return field.Refuse("is missing");
  // A bare name is looked up in PATH.
  if (absl::StrContains(plugin->command, "/")) {
    plugin->command = BesideFile(exec.file(), plugin->command);
  }
  ASSIGN_OR_RETURN(const KubeconfigField args, exec.Field("args"));
  ASSIGN_OR_RETURN(plugin->args, args.Texts());
  return absl::OkStatus();
}

absl::Status ReadVariables(const KubeconfigField& exec,
                           ExecPluginConfig* plugin) {
  ASSIGN_OR_RETURN(const KubeconfigField env, exec.Field("env"));
  ASSIGN_OR_RETURN(const std::vector<KubeconfigField> variables,
                   env.Elements());
  for (const KubeconfigField& variable : variables) {
    ASSIGN_OR_RETURN(std::string name, variable.Text("name"));
    ASSIGN_OR_RETURN(std::string value, variable.Text("value"));
    if (name.empty() || absl::StrContains(name, "=")) {
      return variable.Refuse("its name must not be empty nor have a \"=\"");
    }
    plugin->env.emplace_back(std::move(name), std::move(value));
  }
  return absl::OkStatus();
}

absl::Status ReadExec(const KubeconfigField& exec,
                      const KubeconfigField& cluster, ApiServerConfig* config) {
  if (!exec.present()) return absl::OkStatus();
  ExecPluginConfig plugin;
  RETURN_IF_ERROR(ReadCommand(exec, &plugin));
  RETURN_IF_ERROR(ReadVariables(exec, &plugin));
  ASSIGN_OR_RETURN(plugin.api_version, exec.Text("apiVersion"));
  if (plugin.api_version != absl::StrCat(kExecGroup, "v1") &&
      plugin.api_version != absl::StrCat(kExecGroup, "v1beta1")) {
    ASSIGN_OR_RETURN(const KubeconfigField field, exec.Field("apiVersion"));
    return field.Refuse(
        absl::StrCat("must be ", kExecGroup, "v1 or ", kExecGroup, "v1beta1"));
  }
  RETURN_IF_ERROR(CheckInteractive(exec, plugin.api_version));
  ASSIGN_OR_RETURN(plugin.install_hint, exec.Text("installHint"));
  ASSIGN_OR_RETURN(const bool informed, exec.Flag("provideClusterInfo"));
  if (informed) {
    ASSIGN_OR_RETURN(plugin.cluster_info, ExecClusterInfo(cluster, *config));
  }
  config->exec = std::move(plugin);
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadUser(const KubeconfigField& user,
                      const KubeconfigField& cluster, ApiServerConfig* config) {
  RETURN_IF_ERROR(RefuseUnsupported(user));
  RETURN_IF_ERROR(ReadPair(user, config));
  RETURN_IF_ERROR(ReadToken(user, config));
  RETURN_IF_ERROR(ReadBasic(user, config));
  ASSIGN_OR_RETURN(const KubeconfigField exec, user.Field("exec"));
  return ReadExec(exec, cluster, config);
}

}  // namespace netpol
