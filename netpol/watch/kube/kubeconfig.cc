#include "netpol/watch/kube/kubeconfig.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "netpol/base/status_macros.h"
#include "netpol/watch/kube/kubeconfig_cluster.h"
#include "netpol/watch/kube/kubeconfig_field.h"
#include "netpol/watch/kube/kubeconfig_files.h"
#include "netpol/watch/kube/kubeconfig_user.h"
#include "netpol/watch/kube/server_url.h"

namespace netpol {
namespace {

// Empty if it is not set.
std::string Variable(const EnvironmentLookup& environment,
                     absl::string_view name) {
  return environment(name).value_or("");
}

std::string FullPath(absl::string_view path,
                     const EnvironmentLookup& environment) {
  std::string full(path);
  const std::string home = Variable(environment, "HOME");
  if (absl::ConsumePrefix(&path, "~/") && !home.empty()) {
    full = absl::StrCat(home, "/", path);
  }
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(full, error);
  return error ? full : absolute.lexically_normal().string();
}

std::vector<std::string> SplitPaths(absl::string_view paths,
                                    const EnvironmentLookup& environment) {
  std::vector<std::string> split;
  for (const absl::string_view path :
       absl::StrSplit(paths, ':', absl::SkipEmpty())) {
    split.push_back(FullPath(path, environment));
  }
  return split;
}

// An entry that a context refers to.
absl::StatusOr<KubeconfigField> Referred(const KubeconfigFiles& files,
                                         const KubeconfigField& context,
                                         absl::string_view list,
                                         absl::string_view key) {
  ASSIGN_OR_RETURN(const std::string name, context.Text(key));
  ASSIGN_OR_RETURN(const KubeconfigField reference, context.Field(key));
  if (name.empty()) return reference.Refuse("is missing");
  ASSIGN_OR_RETURN(const KubeconfigField entry, files.Entry(list, key, name));
  if (entry.present()) return entry;
  return reference.Refuse(
      absl::StrCat("there is no \"", name, "\" among the ", list));
}

absl::StatusOr<ApiServerConfig> ReadContext(const KubeconfigFiles& files,
                                            absl::string_view master) {
  ASSIGN_OR_RETURN(const std::string name, files.CurrentContext());
  ASSIGN_OR_RETURN(const KubeconfigField context,
                   files.Entry("contexts", "context", name));
  if (!context.present()) {
    return absl::InvalidArgumentError(
        absl::StrCat(files.Description(), ": current-context: there is no \"",
                     name, "\" among the contexts"));
  }
  ApiServerConfig config;
  config.origin = absl::StrCat(files.Description(), ", context ", name);
  ASSIGN_OR_RETURN(const KubeconfigField cluster,
                   Referred(files, context, "clusters", "cluster"));
  RETURN_IF_ERROR(
      Annotate(ReadCluster(cluster, master, &config), "kubeconfig"));
  ASSIGN_OR_RETURN(const std::string user_name, context.Text("user"));
  // Nobody in particular.
  if (user_name.empty()) return config;
  ASSIGN_OR_RETURN(const KubeconfigField user,
                   Referred(files, context, "users", "user"));
  RETURN_IF_ERROR(Annotate(ReadUser(user, cluster, &config), "kubeconfig"));
  return config;
}

absl::StatusOr<ApiServerConfig> ReadFiles(const std::vector<std::string>& paths,
                                          absl::string_view master) {
  if (paths.empty()) {
    return absl::InvalidArgumentError("kubeconfig: no path was given");
  }
  ASSIGN_OR_RETURN(const KubeconfigFiles files, KubeconfigFiles::Read(paths));
  return ReadContext(files, master);
}

void UseServiceAccount(absl::string_view folder, ApiServerConfig* config) {
  config->certificate_authority.file = absl::StrCat(folder, "/ca.crt");
  config->token_file = absl::StrCat(folder, "/token");
}

ApiServerConfig MasterAlone(const std::string& master,
                            absl::string_view folder) {
  ApiServerConfig config;
  config.server = master;
  config.origin = "--master";
  const std::string token = absl::StrCat(folder, "/token");
  // Not in the clear.
  if (absl::StartsWithIgnoreCase(master, "https:") &&
      access(token.c_str(), F_OK) == 0) {
    config.origin = "--master with the pod's service account";
    UseServiceAccount(folder, &config);
  }
  return config;
}

absl::StatusOr<ApiServerConfig> ChooseFromEnvironment(
    const EnvironmentLookup& environment, absl::string_view folder) {
  const std::string paths = Variable(environment, "KUBECONFIG");
  if (!paths.empty()) {
    return ReadFiles(SplitPaths(paths, environment), "");
  }
  absl::StatusOr<ApiServerConfig> config = InClusterConfig(environment, folder);
  if (!absl::IsNotFound(config.status())) return config;
  const std::string home = FullPath("~/.kube/config", environment);
  if (!Variable(environment, "HOME").empty() &&
      access(home.c_str(), F_OK) == 0) {
    return ReadFiles({home}, "");
  }
  return absl::NotFoundError(absl::StrCat(
      "no API server is configured: give --kubeconfig=FILE or --master=URL, or "
      "set KUBECONFIG; ",
      config.status().message(), ", and there is no ~/.kube/config"));
}

}  // namespace

EnvironmentLookup ProcessEnvironment() {
  return [](absl::string_view name) -> absl::optional<std::string> {
    const char* value = getenv(std::string(name).c_str());
    if (value == nullptr) return absl::nullopt;
    return std::string(value);
  };
}

absl::StatusOr<ApiServerConfig> ChooseApiServer(
    absl::string_view kubeconfig, absl::string_view master,
    const EnvironmentLookup& environment,
    absl::string_view service_account_folder) {
  std::string server;
  if (!master.empty()) {
    absl::StatusOr<std::string> normal = NormalServerUrl(master);
    if (!normal.ok()) return Annotate(normal.status(), "--master");
    server = *std::move(normal);
  }
  if (!kubeconfig.empty()) {
    return ReadFiles({FullPath(kubeconfig, environment)}, server);
  }
  if (!server.empty()) return MasterAlone(server, service_account_folder);
  return ChooseFromEnvironment(environment, service_account_folder);
}

absl::StatusOr<ApiServerConfig> ReadKubeconfig(
    absl::string_view paths, const EnvironmentLookup& environment) {
  return ReadFiles(SplitPaths(paths, environment), "");
}

absl::StatusOr<ApiServerConfig> InClusterConfig(
    const EnvironmentLookup& environment, absl::string_view folder) {
  std::string host = Variable(environment, "KUBERNETES_SERVICE_HOST");
  const std::string port = Variable(environment, "KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty()) {
    return absl::NotFoundError(
        "this is not inside a pod (KUBERNETES_SERVICE_HOST and "
        "KUBERNETES_SERVICE_PORT are not both set)");
  }
  if (absl::StrContains(host, ":") && !absl::StartsWith(host, "[")) {
    host = absl::StrCat("[", host, "]");
  }
  ApiServerConfig config;
  config.origin = "in-cluster configuration";
  config.no_proxy = true;
  absl::StatusOr<std::string> server =
      NormalServerUrl(absl::StrCat("https://", host, ":", port));
  if (!server.ok()) {
    return Annotate(server.status(),
                    "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT");
  }
  config.server = *std::move(server);
  UseServiceAccount(folder, &config);
  return config;
}

}  // namespace netpol
