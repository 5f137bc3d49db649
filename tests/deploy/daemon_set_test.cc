// The DaemonSet by itself: that its parts fit together, and the program.
#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/daemon/command_line.h"
#include "netpol/daemon/http_endpoints.h"
#include "netpol/daemon/options.h"
#include "nlohmann/json.hpp"
#include "tests/deploy/daemon_set_manifest.h"

namespace netpol {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class DaemonSetTest : public testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<DaemonSetManifest> manifest = DaemonSetManifest::Read();
    ASSERT_TRUE(manifest.ok()) << manifest.status();
    manifest_ = *std::move(manifest);
  }

  const DaemonSetManifest& manifest() const { return *manifest_; }
  json Security(const std::string& field) const {
    return At(manifest_->container(), "/securityContext/" + field);
  }
  std::string Name(absl::string_view kind) const {
    return TextAt(manifest_->Object(kind), "/metadata/name");
  }

  // What the program makes of the container's arguments.
  Flags ParsedFlags() const {
    const std::vector<std::string> arguments = manifest_->Arguments();
    std::vector<const char*> argv = {"netpolctl"};
    for (const std::string& argument : arguments)
      argv.push_back(argument.c_str());
    std::ostringstream out, err;
    ExitCode exit_code = kDone;
    const absl::optional<Flags> flags = ParseCommandLine(
        static_cast<int>(argv.size()), argv.data(), out, err, exit_code);
    EXPECT_TRUE(flags.has_value()) << err.str() << out.str();
    return flags.value_or(Flags());
  }

  // Whether the container finds `path` on the node, and may write there.
  bool IsOnTheNode(const std::string& path) const {
    const absl::StatusOr<std::vector<HostPathMount>> mounts =
        manifest_->Mounts();
    EXPECT_TRUE(mounts.ok()) << mounts.status();
    if (!mounts.ok()) return false;
    return std::any_of(
        mounts->begin(), mounts->end(), [&](const HostPathMount& mount) {
          return !mount.read_only && mount.host_path == mount.mount_path &&
                 (path == mount.mount_path ||
                  absl::StartsWith(path, mount.mount_path + "/"));
        });
  }

 private:
  absl::optional<DaemonSetManifest> manifest_;
};

TEST_F(DaemonSetTest, ArgumentsAreFlagsOfRunWithValuesThatItTakes) {
  const Flags flags = ParsedFlags();
  EXPECT_EQ(flags.command, CommandKind::kRun);
  const auto options = MakeOptions(flags, "node-a", "host");
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->controller.node_name, "node-a");
  // The source is the service account.
  EXPECT_THAT(flags.manifests, IsEmpty());
  EXPECT_EQ(flags.kubeconfig, "");
  EXPECT_EQ(flags.master, "");
}

TEST_F(DaemonSetTest, NodesNameIsTheKubelets) {
  const auto environment = manifest().Environment("node-a");
  ASSERT_TRUE(environment.ok()) << environment.status();
  EXPECT_THAT(*environment, ElementsAre("NODE_NAME=node-a"));
}

TEST_F(DaemonSetTest, ProbesAskWhereTheDaemonAnswers) {
  const auto endpoints = MakeHttpEndpointOptions(ParsedFlags());
  ASSERT_TRUE(endpoints.ok()) << endpoints.status();
  const json container = manifest().container();
  const json live = At(container, "/livenessProbe/httpGet");
  const json ready = At(container, "/readinessProbe/httpGet");
  for (const json& probe : {live, ready}) {
    EXPECT_EQ(At(probe, "/port"), endpoints->health_port.value_or(0));
    EXPECT_EQ(TextAt(probe, "/host"), endpoints->health_address);
    EXPECT_EQ(probe.size(), 3u) << probe;
  }
  // The run test asks the daemon for both.
  EXPECT_EQ(TextAt(live, "/path"), "/livez");
  EXPECT_EQ(TextAt(ready, "/path"), "/readyz");
  EXPECT_EQ(At(manifest().pod(), "/hostNetwork"), true);
}

TEST_F(DaemonSetTest, FilesOfTheFlagsAndTheXtablesLockAreTheNodes) {
  const Flags flags = ParsedFlags();
  EXPECT_TRUE(IsOnTheNode(flags.run_lock)) << flags.run_lock;
  EXPECT_TRUE(IsOnTheNode(flags.control_socket)) << flags.control_socket;
  EXPECT_TRUE(IsOnTheNode("/run/xtables.lock"));
  EXPECT_FALSE(IsOnTheNode("/run/elsewhere"));
  // So that a program on the node itself meets the container's.
  EXPECT_EQ(flags.run_lock, Flags().run_lock);
  EXPECT_EQ(flags.control_socket, Flags().control_socket);
}

TEST_F(DaemonSetTest, VolumesAreMadeAsWhatTheyAre) {
  const auto mounts = manifest().Mounts();
  ASSERT_TRUE(mounts.ok()) << mounts.status();
  for (const HostPathMount& mount : *mounts) {
    EXPECT_EQ(mount.type, fs::path(mount.host_path).has_extension()
                              ? "FileOrCreate"
                              : "DirectoryOrCreate")
        << mount.host_path;
  }
  EXPECT_EQ(mounts->size(), 2u);
}

TEST_F(DaemonSetTest, ContainerHasTwoCapabilitiesAndNoOtherPower) {
  EXPECT_THAT(manifest().Capabilities(),
              UnorderedElementsAre("NET_ADMIN", "NET_RAW"));
  EXPECT_EQ(Security("capabilities/drop"), json::array({"ALL"}));
  EXPECT_EQ(Security("privileged"), false);
  EXPECT_EQ(Security("allowPrivilegeEscalation"), false);
  EXPECT_EQ(Security("readOnlyRootFilesystem"), true);
  EXPECT_EQ(Security("seccompProfile/type"), "RuntimeDefault");
  for (const char* field : {"/hostPID", "/hostIPC", "/initContainers"})
    EXPECT_TRUE(At(manifest().pod(), field).is_null()) << field;
}

TEST_F(DaemonSetTest, RoleIsToListAndWatchTheFourKinds) {
  std::vector<std::string> rights;
  for (const json& rule : At(manifest().Object("ClusterRole"), "/rules")) {
    EXPECT_EQ(rule.size(), 3u) << rule;
    for (const std::string& group : TextsAt(rule, "/apiGroups"))
      for (const std::string& resource : TextsAt(rule, "/resources"))
        for (const std::string& verb : TextsAt(rule, "/verbs"))
          rights.push_back(absl::StrCat(verb, " ", resource, ".", group));
  }
  EXPECT_THAT(rights,
              UnorderedElementsAre("list namespaces.", "watch namespaces.",
                                   "list nodes.", "watch nodes.", "list pods.",
                                   "watch pods.",
                                   "list networkpolicies.networking.k8s.io",
                                   "watch networkpolicies.networking.k8s.io"));
}

TEST_F(DaemonSetTest, AccountRoleBindingAndPodsReferToEachOther) {
  const json binding = manifest().Object("ClusterRoleBinding");
  EXPECT_EQ(At(binding, "/roleRef"),
            json({{"apiGroup", "rbac.authorization.k8s.io"},
                  {"kind", "ClusterRole"},
                  {"name", Name("ClusterRole")}}));
  const json account = manifest().Object("ServiceAccount");
  EXPECT_EQ(At(binding, "/subjects"),
            json::array({{{"kind", "ServiceAccount"},
                          {"name", Name("ServiceAccount")},
                          {"namespace", At(account, "/metadata/namespace")}}}));
  const json daemon_set = manifest().Object("DaemonSet");
  EXPECT_EQ(At(daemon_set, "/metadata/namespace"),
            At(account, "/metadata/namespace"));
  EXPECT_EQ(TextAt(manifest().pod(), "/serviceAccountName"),
            Name("ServiceAccount"));
  EXPECT_EQ(At(manifest().pod(), "/automountServiceAccountToken"), true);
  EXPECT_EQ(manifest().objects().size(), 4u);
}

TEST_F(DaemonSetTest, EveryLinuxNodeGetsAPodThatGoesLast) {
  EXPECT_EQ(At(manifest().pod(), "/tolerations"),
            json::array({{{"operator", "Exists"}}}));
  EXPECT_EQ(At(manifest().pod(), "/nodeSelector"),
            json({{"kubernetes.io/os", "linux"}}));
  EXPECT_EQ(TextAt(manifest().pod(), "/priorityClassName"),
            "system-node-critical");
}

}  // namespace
}  // namespace netpol
