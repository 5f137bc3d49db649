#include "tests/deploy/deployed_node.h"

#include <netinet/in.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "httplib.h"
#include "netpol/base/status_macros.h"
#include "netpol/testing/builders.h"
#include "tests/apiserver/manifest_json.h"

namespace netpol {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr absl::Duration kLimit = absl::Minutes(2);
constexpr absl::Duration kPollInterval = absl::Milliseconds(50);
constexpr char kFront[] = "10.42.0.5";
constexpr char kBack[] = "10.42.1.5";

IpAddress Address(const char* text) { return *IpAddress::Parse(text); }

k8s::NetworkPolicy PolicyForPort(int port) {
  return PolicyBuilder("web", "allow")
      .Selects(MatchLabels({{"app", "front"}}))
      .Ingress({PodPeer(MatchLabels({{"app", "back"}}))},
               {NumberPort("TCP", port)})
      .Build();
}

Cluster SmallCluster(const std::string& node) {
  Cluster cluster;
  cluster.namespaces = {MakeNamespace("web")};
  cluster.nodes = {
      NodeBuilder(node).Address("172.31.0.1").PodCidr("10.42.0.0/24").Build()};
  cluster.pods = {PodBuilder("web", "front")
                      .On(node)
                      .Label("app", "front")
                      .Phase("Running")
                      .Ip(kFront)
                      .Build(),
                  PodBuilder("web", "back")
                      .On("node-b")
                      .Label("app", "back")
                      .Phase("Running")
                      .Ip(kBack)
                      .Build()};
  return cluster;
}

// The server makes it when it gets to it.
absl::Status AwaitNamespace(ApiWriter& writer, const std::string& name) {
  const absl::Time end = absl::Now() + kLimit;
  absl::Status status;
  do {
    status = writer.Get(ObjectName("v1", "Namespace", "", name)).status();
    if (!absl::IsNotFound(status)) return status;
    absl::SleepFor(kPollInterval);
  } while (absl::Now() < end);
  return status;
}

}  // namespace

DeployedNodeTest::SharedCluster* DeployedNodeTest::cluster_ = nullptr;

absl::Status DeployedNodeTest::Prepare(SharedCluster& cluster) {
  ASSIGN_OR_RETURN(cluster.manifest, DaemonSetManifest::Read());
  ASSIGN_OR_RETURN(cluster.lab, PacketLab::Create());
  RETURN_IF_ERROR(cluster.lab->AddPod("front", {Address(kFront)}));
  RETURN_IF_ERROR(cluster.lab->AddRemote({Address(kBack)}));
  Program loopback;
  loopback.argv = {"ip", "link", "set", "lo", "up"};
  RETURN_IF_ERROR(cluster.lab->ExecOnNode(loopback).status());
  ControlPlaneOptions options;
  options.ns = &cluster.lab->node();
  options.users = {{kAccount, kToken}};
  ASSIGN_OR_RETURN(cluster.control_plane, ControlPlane::Start(options));
  cluster.writer =
      std::make_unique<ApiWriter>(cluster.control_plane->AdminAccess());
  RETURN_IF_ERROR(AwaitNamespace(*cluster.writer, "kube-system"));
  for (const json& object : cluster.manifest->objects()) {
    ApiRequest request;
    request.method = "POST";
    request.target =
        absl::StrCat(CollectionPathOf(object), "?fieldValidation=Strict");
    request.body = object.dump();
    RETURN_IF_ERROR(cluster.writer->Send(request).status());
  }
  return cluster.writer->ApplyCluster(SmallCluster(kNode));
}

void DeployedNodeTest::SetUpTestSuite() {
  cluster_ = new SharedCluster;
  if (MayMakeNamespaces()) cluster_->status = Prepare(*cluster_);
}

void DeployedNodeTest::TearDownTestSuite() {
  // The server in the lab's namespace goes first: members do in that order.
  delete cluster_;
  cluster_ = nullptr;
}

void DeployedNodeTest::SetUp() {
  if (!MayMakeNamespaces())
    GTEST_SKIP() << "needs root for namespaces of its own";
  ASSERT_TRUE(cluster_->status.ok()) << cluster_->status;
  std::string pattern = absl::StrCat(testing::TempDir(), "/deployed.XXXXXX");
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  folder_ = pattern;
  for (const char* name : {"/root", "/node"})
    ASSERT_TRUE(fs::create_directory(folder_ + name));
  AllowPort(80);
}

void DeployedNodeTest::TearDown() {
  if (HasFailure() && !folder_.empty())
    std::cerr << "The daemon's log:\n" << Log() << std::endl;
  daemon_.reset();
  if (cluster_->lab != nullptr && !folder_.empty()) {
    Program cleanup;
    cleanup.argv = {"netpol/daemon/netpolctl", "cleanup",
                    absl::StrCat("--run-lock=", folder_, "/run.lock")};
    cleanup.environment = {
        absl::StrCat("XTABLES_LOCKFILE=", folder_, "/xtables.lock")};
    EXPECT_EQ(RunToEnd(cleanup).exit_code, 0);
  }
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

void DeployedNodeTest::AllowPort(int port) {
  const absl::Status status =
      cluster_->writer->Apply(JsonOf(PolicyForPort(port)));
  ASSERT_TRUE(status.ok()) << status;
}

void DeployedNodeTest::Start(const Confinement& confinement,
                             const std::vector<std::string>& argv) {
  auto started = cluster_->lab->StartOnNode(
      Confined(confinement, folder_ + "/root", argv), folder_ + "/log");
  ASSERT_TRUE(started.ok()) << started.status();
  daemon_ = *std::move(started);
}

std::string DeployedNodeTest::Log() const {
  std::stringstream text;
  text << std::ifstream(folder_ + "/log").rdbuf();
  return text.str();
}

ProgramResult DeployedNodeTest::Run(const Confinement& confinement,
                                    const std::vector<std::string>& argv) {
  return RunToEnd(Confined(confinement, folder_ + "/root", argv));
}

ProgramResult DeployedNodeTest::RunToEnd(const Program& program) {
  absl::StatusOr<ProgramResult> result = cluster_->lab->ExecOnNode(program);
  if (result.ok()) return *std::move(result);
  ADD_FAILURE() << result.status();
  return ProgramResult{-1, "", ""};
}

void DeployedNodeTest::Await(absl::string_view what,
                             const std::function<bool()>& condition) {
  const absl::Time end = absl::Now() + kLimit;
  while (!condition()) {
    const absl::StatusOr<int> ended = daemon_->Wait(kPollInterval);
    ASSERT_FALSE(ended.ok()) << "the daemon ended with " << *ended;
    ASSERT_LT(absl::Now(), end) << "waited for: " << what;
  }
}

int DeployedNodeTest::Http(int port, const std::string& path,
                           std::string* body) {
  int status = 0;
  const absl::Status asked = cluster_->lab->RunOnNode([&] {
    httplib::Client client("127.0.0.1", port);
    const httplib::Result result = client.Get(path);
    if (!result) return;
    status = result->status;
    if (body != nullptr) *body = result->body;
  });
  EXPECT_TRUE(asked.ok()) << asked;
  return status;
}

bool DeployedNodeTest::Reaches(uint16_t port) {
  const auto outcome = cluster_->lab->ProbeOne(
      {Address(kBack), Address(kFront), IPPROTO_TCP, port});
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  return outcome.ok() && *outcome == ProbeOutcome::kAllowed;
}

std::string DeployedNodeTest::FilterTable(const std::string& flavour) {
  Program save;
  save.argv = {absl::StrCat("iptables-", flavour, "-save"), "-t", "filter"};
  save.environment = {
      absl::StrCat("XTABLES_LOCKFILE=", folder_, "/xtables.lock")};
  const ProgramResult result = RunToEnd(save);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return result.out;
}

}  // namespace netpol
