// Which API server is chosen: by flags, by the environment, in a pod.
#include <stdlib.h>

#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/watch/kube/kubeconfig.h"
#include "tests/watch/kube/test_folder.h"

namespace netpol {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Variables = std::map<std::string, std::string>;

EnvironmentLookup Environment(Variables variables) {
  return [variables](absl::string_view name) -> absl::optional<std::string> {
    const auto it = variables.find(std::string(name));
    if (it == variables.end()) return absl::nullopt;
    return it->second;
  };
}

std::string MessageOf(const absl::StatusOr<ApiServerConfig>& config) {
  return config.ok() ? "" : std::string(config.status().message());
}

TEST(InClusterConfigTest, AddressComesFromTheEnvironment) {
  const auto config =
      InClusterConfig(Environment({{"KUBERNETES_SERVICE_HOST", "10.0.0.1"},
                                   {"KUBERNETES_SERVICE_PORT", "443"}}),
                      "/account");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://10.0.0.1:443");
  EXPECT_EQ(config->token_file, "/account/token");
  EXPECT_EQ(config->certificate_authority.file, "/account/ca.crt");
  EXPECT_TRUE(config->no_proxy);
  EXPECT_EQ(config->origin, "in-cluster configuration");
}

TEST(InClusterConfigTest, AddressOfVersionSixGetsBrackets) {
  const auto config =
      InClusterConfig(Environment({{"KUBERNETES_SERVICE_HOST", "fd00::1"},
                                   {"KUBERNETES_SERVICE_PORT", "443"}}));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://[fd00::1]:443");
}

TEST(InClusterConfigTest, WithoutBothVariablesItIsNoPod) {
  for (const Variables& variables :
       {Variables{}, Variables{{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}},
        Variables{{"KUBERNETES_SERVICE_PORT", "443"}},
        Variables{{"KUBERNETES_SERVICE_HOST", ""},
                  {"KUBERNETES_SERVICE_PORT", ""}}}) {
    EXPECT_EQ(InClusterConfig(Environment(variables)).status().code(),
              absl::StatusCode::kNotFound);
  }
  EXPECT_EQ(
      InClusterConfig(Environment({{"KUBERNETES_SERVICE_HOST", "10.0.0.1"},
                                   {"KUBERNETES_SERVICE_PORT", "x"}}))
          .status()
          .code(),
      absl::StatusCode::kInvalidArgument);
}

// Every way to a server is there; the tests take some away.
class ChooseApiServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.Write("flag", Named("flag"));
    folder_.Write("variable", Named("variable"));
    folder_.Write("home/.kube/config", Named("home"));
    folder_.Write("account/token", "t");
  }
  static std::string Named(const std::string& name) {
    return absl::StrCat(
        "current-context: m\ncontexts: [{name: m, context: {cluster: c, user: "
        "u}}]\nclusters: [{name: c, cluster: {server: 'https://",
        name,
        ".example', tls-server-name: n}}]\nusers: [{name: u, user: {token: ",
        name, "}}]\n");
  }
  std::string Server(const std::string& kubeconfig, const std::string& master) {
    const auto config = ChooseApiServer(
        kubeconfig, master, Environment(variables_), folder_.In("account"));
    return config.ok() ? config->server : config.status().ToString();
  }

  const TestFolder folder_;
  Variables variables_ = {{"KUBECONFIG", folder_.In("variable")},
                          {"KUBERNETES_SERVICE_HOST", "10.0.0.1"},
                          {"KUBERNETES_SERVICE_PORT", "443"},
                          {"HOME", folder_.In("home")}};
};

TEST_F(ChooseApiServerTest, FlagCountsMostThenVariableThenPodThenHome) {
  EXPECT_EQ(Server(folder_.In("flag"), ""), "https://flag.example");
  EXPECT_EQ(Server("", ""), "https://variable.example");
  variables_.erase("KUBECONFIG");
  EXPECT_EQ(Server("", ""), "https://10.0.0.1:443");
  variables_.erase("KUBERNETES_SERVICE_HOST");
  EXPECT_EQ(Server("", ""), "https://home.example");
}

TEST_F(ChooseApiServerTest, WithNothingTheErrorSaysWhatToGive) {
  variables_ = {{"HOME", folder_.path()}};
  const auto config = ChooseApiServer("", "", Environment(variables_));
  EXPECT_EQ(config.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(MessageOf(config),
              AllOf(HasSubstr("--kubeconfig"), HasSubstr("--master"),
                    HasSubstr("KUBERNETES_SERVICE_HOST")));
}

TEST_F(ChooseApiServerTest, MasterReplacesTheServerOfTheKubeconfigOnly) {
  const auto config =
      ChooseApiServer(folder_.In("flag"), "https://192.0.2.9:6443/",
                      Environment(variables_), folder_.In("account"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://192.0.2.9:6443");
  EXPECT_EQ(config->token, "flag");
  EXPECT_EQ(config->token_file, "");
  EXPECT_EQ(config->tls_server_name, "");
}

TEST_F(ChooseApiServerTest, MasterAloneGoesWithTheServiceAccount) {
  const auto config =
      ChooseApiServer("", "https://192.0.2.9:6443", Environment(variables_),
                      folder_.In("account"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://192.0.2.9:6443");
  EXPECT_EQ(config->token_file, folder_.In("account/token"));
  EXPECT_EQ(config->certificate_authority.file, folder_.In("account/ca.crt"));
  EXPECT_EQ(config->token, "");
}

TEST_F(ChooseApiServerTest,
       MasterAloneHasNoCredentialsOutsideAPodOrInTheClear) {
  for (const auto& [master, folder] :
       {std::pair<std::string, std::string>("https://192.0.2.9", "nowhere"),
        {"http://192.0.2.9:8080", "account"}}) {
    const auto config = ChooseApiServer("", master, Environment(variables_),
                                        folder_.In(folder));
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->server, master);
    EXPECT_THAT(config->token_file, IsEmpty());
    EXPECT_TRUE(config->certificate_authority.empty());
  }
}

TEST_F(ChooseApiServerTest, MasterWithoutSchemeIsRefused) {
  const auto config =
      ChooseApiServer("", "192.0.2.9:6443", Environment(variables_));
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(config),
              AllOf(HasSubstr("--master"), HasSubstr("https://")));
}

TEST_F(ChooseApiServerTest, FlagIsOnePathAlsoWithAColon) {
  folder_.Write("a:b", Named("colon"));
  EXPECT_EQ(Server(folder_.In("a:b"), ""), "https://colon.example");
}

TEST(ProcessEnvironmentTest, TellsEmptyFromUnset) {
  ASSERT_EQ(setenv("NETPOL_KUBECONFIG_TEST", "", 1), 0);
  EXPECT_EQ(ProcessEnvironment()("NETPOL_KUBECONFIG_TEST"),
            absl::optional<std::string>(""));
  ASSERT_EQ(unsetenv("NETPOL_KUBECONFIG_TEST"), 0);
  EXPECT_EQ(ProcessEnvironment()("NETPOL_KUBECONFIG_TEST"), absl::nullopt);
}

}  // namespace
}  // namespace netpol
