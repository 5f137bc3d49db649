// The daemon as the DaemonSet runs it, with nothing but what that says.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "nlohmann/json.hpp"
#include "tests/apiserver/api_writer.h"
#include "tests/apiserver/kubeconfig_writer.h"
#include "tests/apiserver/manifest_json.h"
#include "tests/deploy/deployed_node.h"

namespace netpol {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kAccountFolder[] =
    "/var/run/secrets/kubernetes.io/serviceaccount";

class DaemonSetRunTest : public DeployedNodeTest {
 protected:
  void SetUp() override {
    DeployedNodeTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    WriteAccount("1", kToken);
    confinement_ = Container();
    port_ = At(manifest().container(), "/readinessProbe/httpGet/port");
  }

  // As a kubelet keeps a projected volume: each state in a folder of its own,
  // which a link is turned to.
  void WriteAccount(const std::string& generation, const std::string& token) {
    const std::string account = NodePath("/account");
    const std::string data = absl::StrCat(account, "/..", generation);
    fs::create_directories(data);
    ASSERT_TRUE(ReplaceFile(data + "/token", token).ok());
    ASSERT_TRUE(ReplaceFile(data + "/ca.crt", control_plane().ca_pem()).ok());
    fs::create_symlink(".." + generation, account + "/..next");
    fs::rename(account + "/..next", account + "/..data");
    for (const char* file : {"token", "ca.crt"}) {
      if (!fs::is_symlink(fs::path(account) / file))
        fs::create_symlink(fs::path("..data") / file, fs::path(account) / file);
    }
  }

  // What kubelet and container runtime make of the file, on an image that has
  // the libraries of this machine.
  Confinement Container() {
    Confinement container;
    for (const char* part : {"/usr", "/bin", "/lib", "/lib64"})
      container.mounts.push_back({part, part});
    AddProgram(container.mounts);
    const auto mounts = manifest().Mounts();
    EXPECT_TRUE(mounts.ok()) << mounts.status();
    for (const HostPathMount& mount : *mounts) {
      const fs::path source(NodePath(mount.host_path));
      fs::create_directories(source.parent_path());
      if (mount.type == "FileOrCreate") std::ofstream(source, std::ios::app);
      if (mount.type == "DirectoryOrCreate") fs::create_directory(source);
      container.mounts.push_back(
          {source.string(), mount.mount_path, !mount.read_only});
    }
    container.mounts.push_back({NodePath("/account"), kAccountFolder});
    container.capabilities = manifest().Capabilities();
    const auto environment = manifest().Environment(kNode);
    EXPECT_TRUE(environment.ok()) << environment.status();
    container.environment = *environment;
    container.environment.push_back("PATH=/usr/sbin:/usr/bin:/sbin:/bin");
    container.environment.push_back("KUBERNETES_SERVICE_HOST=127.0.0.1");
    container.environment.push_back(
        absl::StrCat("KUBERNETES_SERVICE_PORT=", control_plane().port()));
    return container;
  }

  // The entry point of the image with the arguments of the container.
  std::vector<std::string> Command(const std::vector<std::string>& more = {}) {
    std::vector<std::string> command = {kInstalledProgram};
    for (const std::string& argument : manifest().Arguments())
      command.push_back(argument);
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }

  void StartAndAwaitReady(const std::vector<std::string>& more = {}) {
    Start(confinement_, Command(more));
    if (HasFatalFailure()) return;
    Await("readiness", [&] { return Probe("readinessProbe") == 200; });
  }

  // Not in good order, for which it would wait a minute for our watches to end.
  static void RestartServer() {
    ASSERT_TRUE(control_plane().KillServer().ok());
    const absl::Status started = control_plane().StartServer();
    ASSERT_TRUE(started.ok()) << started;
  }

  void EnforceIn(const std::string& flavour);

  int Probe(const std::string& probe) {
    return Http(port_, TextAt(manifest().container(),
                              absl::StrCat("/", probe, "/httpGet/path")));
  }

  Confinement confinement_;
  int port_ = 0;
};

TEST_F(DaemonSetRunTest, ServerTookEveryObjectWordForWord) {
  for (const json& object : manifest().objects()) {
    const auto stored = writer().Get(object);
    ASSERT_TRUE(stored.ok()) << stored.status();
    // The server fills in defaults, and takes nothing out.
    json merged = *stored;
    merged.merge_patch(object);
    for (const char* list : {"/spec/template/spec/containers/0/args",
                             "/spec/template/spec/containers/0/securityContext",
                             "/spec/template/spec/tolerations", "/rules"}) {
      EXPECT_EQ(At(*stored, list), At(object, list)) << list;
    }
    EXPECT_EQ(At(merged, "/metadata"), At(*stored, "/metadata"));
  }
  // The way in which they were told would have shown a misspelt field.
  json wrong = manifest().Object("DaemonSet");
  wrong["metadata"]["name"] = "wrong";
  wrong["spec"]["template"]["spec"]["hostNetwrk"] = true;
  ApiRequest request;
  request.method = "POST";
  request.target = CollectionPathOf(wrong) + "?fieldValidation=Strict";
  request.body = wrong.dump();
  EXPECT_THAT(std::string(writer().Send(request).status().message()),
              HasSubstr("hostNetwrk"));
}

TEST_F(DaemonSetRunTest, AccountMayListAndWatchAndNothingElse) {
  ApiWriter account(control_plane().AccessWith(kToken));
  for (const char* path :
       {"/api/v1/pods", "/api/v1/nodes", "/api/v1/namespaces",
        "/apis/networking.k8s.io/v1/networkpolicies"}) {
    for (const char* query : {"", "?watch=1&timeoutSeconds=1"}) {
      const auto answer = account.Send({.target = absl::StrCat(path, query)});
      EXPECT_TRUE(answer.ok()) << answer.status();
    }
  }
  for (const char* path :
       {"/api/v1/secrets", "/api/v1/nodes/node-a", "/apis/apps/v1/daemonsets",
        "/api/v1/namespaces/web/pods/front"}) {
    EXPECT_TRUE(
        absl::IsPermissionDenied(account.Send({.target = path}).status()))
        << path;
  }
  EXPECT_TRUE(absl::IsPermissionDenied(
      account.Create(JsonOf(MakeNamespace("of-the-account")))));
}

void DaemonSetRunTest::EnforceIn(const std::string& flavour) {
  const std::string backend = absl::StrCat("--iptables-backend=", flavour);
  EXPECT_TRUE(Reaches(81));
  StartAndAwaitReady({backend});
  if (HasFatalFailure()) return;
  EXPECT_EQ(Probe("livenessProbe"), 200);
  EXPECT_THAT(FilterTable(flavour),
              AllOf(HasSubstr("KUBE-POD-FW-"), HasSubstr("web/front")));
  EXPECT_TRUE(Reaches(80));
  EXPECT_FALSE(Reaches(81));
  AllowPort(81);
  Await("the changed policy", [&] { return Reaches(81); });
  EXPECT_FALSE(Reaches(80));
  EXPECT_THAT(Log(), AllOf(HasSubstr("in-cluster configuration"),
                           Not(HasSubstr("warning")), Not(HasSubstr("error"))));
  // As kubectl exec would run them, beside the daemon.
  const ProgramResult status = Run(confinement_, {kInstalledProgram, "status"});
  EXPECT_EQ(status.exit_code, 0) << status.err;
  EXPECT_THAT(status.out, StartsWith("healthy, ready\n"));
  const ProgramResult check =
      Run(confinement_,
          {kInstalledProgram, "check", "--enable-ipv6=false", backend});
  EXPECT_EQ(check.exit_code, 0) << check.out << check.err;
  const ProgramResult explained =
      Run(confinement_, {kInstalledProgram, "explain", "web/back", "web/front",
                         "--port=80", "--enable-ipv6=false"});
  EXPECT_EQ(explained.exit_code, 0) << explained.err;
  EXPECT_THAT(explained.out, HasSubstr("web/front"));
  const ProgramResult cleanup =
      Run(confinement_, {kInstalledProgram, "cleanup"});
  EXPECT_EQ(cleanup.exit_code, 1);
  EXPECT_THAT(cleanup.err, HasSubstr("--force"));
  // As a kubelet ends it, within its grace.
  const auto ended = daemon().Terminate(absl::Seconds(
      At(manifest().pod(), "/terminationGracePeriodSeconds").get<int>()));
  EXPECT_EQ(ended.value_or(-1), 0) << ended.status();
  EXPECT_FALSE(Reaches(80));
  EXPECT_EQ(Run(confinement_, {kInstalledProgram, "cleanup"}).exit_code, 0);
  EXPECT_TRUE(Reaches(80));
}

TEST_F(DaemonSetRunTest, EnforcesAndFollowsAndAnswersWithLegacyTables) {
  EnforceIn("legacy");
}

TEST_F(DaemonSetRunTest, EnforcesAndFollowsAndAnswersWithNftTables) {
  EnforceIn("nft");
}

// That what runs above has nothing else to fall back on.
TEST_F(DaemonSetRunTest, ContainerHasWhatTheFileSaysAndNoMore) {
  StartAndAwaitReady();
  if (HasFatalFailure()) return;
  std::string text;
  std::ifstream file(absl::StrCat("/proc/", daemon().pid(), "/status"));
  for (std::string line; std::getline(file, line);)
    absl::StrAppend(&text, line, "\n");
  for (const char* set : {"CapPrm", "CapEff", "CapBnd"}) {
    // Bits 12 and 13.
    EXPECT_THAT(text, HasSubstr(absl::StrCat(set, ":\t0000000000003000\n")));
  }
  EXPECT_THAT(text, AllOf(HasSubstr("CapInh:\t0000000000000000\n"),
                          HasSubstr("CapAmb:\t0000000000000000\n"),
                          HasSubstr("NoNewPrivs:\t1\n"),
                          HasSubstr("Uid:\t0\t0\t0\t0\n")));
  for (const char* path : {"/new", "/usr/new", "/run/new", "/var/run/new"}) {
    EXPECT_THAT(Run(confinement_, {"touch", path}).err,
                HasSubstr("Read-only file system"))
        << path;
  }
  EXPECT_EQ(Run(confinement_, {"touch", "/run/netpol/new"}).exit_code, 0);
}

TEST_F(DaemonSetRunTest, NewTokenIsTakenWhenTheOldOneIsRefused) {
  StartAndAwaitReady();
  if (HasFatalFailure()) return;
  const std::string second = "second-token-of-the-account";
  WriteAccount("2", second);
  ASSERT_TRUE(control_plane().SetUsers({{kAccount, second}}).ok());
  RestartServer();
  AllowPort(82);
  Await("the policy after the rotation", [&] { return Reaches(82); });
  Await("health", [&] { return Http(port_, "/healthz") == 200; });
  EXPECT_THAT(Log(), AllOf(Not(HasSubstr(kToken)), Not(HasSubstr(second))));
  ASSERT_TRUE(control_plane().SetUsers({{kAccount, kToken}}).ok());
  RestartServer();
}

TEST_F(DaemonSetRunTest, MetricsAreShownWhenTheyAreAskedFor) {
  StartAndAwaitReady(
      {absl::StrCat("--metrics-port=", port_), "--metrics-addr=127.0.0.1"});
  if (HasFatalFailure()) return;
  std::string page;
  EXPECT_EQ(Http(port_, "/metrics", &page), 200);
  EXPECT_THAT(page, HasSubstr("kube_router_controller_"));
}

TEST_F(DaemonSetRunTest, WithoutEitherCapabilityItNamesItAndChangesNothing) {
  for (const std::string& missing : manifest().Capabilities()) {
    Confinement poorer = confinement_;
    poorer.capabilities.clear();
    for (const std::string& capability : manifest().Capabilities()) {
      if (capability != missing) poorer.capabilities.push_back(capability);
    }
    for (const std::vector<std::string>& command :
         {Command(), {kInstalledProgram, "check"}}) {
      const ProgramResult result = Run(poorer, command);
      EXPECT_EQ(result.exit_code, 1);
      EXPECT_THAT(result.err,
                  HasSubstr(absl::StrCat("the process lacks CAP_", missing)));
      for (const std::string& there : poorer.capabilities)
        EXPECT_THAT(result.err, Not(HasSubstr("CAP_" + there)));
    }
    // The kernel asks for it too, whoever looks.
    EXPECT_NE(Run(poorer, {"iptables-legacy", "-S"}).exit_code, 0) << missing;
  }
  EXPECT_EQ(Run(confinement_, {"iptables-legacy", "-S"}).exit_code, 0);
  for (const char* flavour : {"legacy", "nft"})
    EXPECT_THAT(FilterTable(flavour), Not(HasSubstr("KUBE-")));
}

}  // namespace
}  // namespace netpol
