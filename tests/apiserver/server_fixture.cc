#include "tests/apiserver/server_fixture.h"

#include <stdlib.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "tests/apiserver/server_objects.h"

namespace netpol {
namespace {

std::vector<std::string> FlagsWith(const AuditLog& audit,
                                   const std::vector<std::string>& more) {
  std::vector<std::string> flags = audit.flags();
  // Else it waits a minute for watches that nobody ends.
  flags.push_back("--shutdown-watch-termination-grace-period=20s");
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

}  // namespace

ControlPlane* ServerTest::control_plane_ = nullptr;
absl::optional<AuditLog> ServerTest::audit_;
std::vector<std::string> ServerTest::flags_;
int ServerTest::sources_ = 0;

void ServerTest::SetUpTestSuite() {
  ControlPlaneOptions options;
  options.authorization_mode = "AlwaysAllow";
  StartControlPlane(std::move(options));
}

void ServerTest::StartControlPlane(ControlPlaneOptions options) {
  std::string folder = absl::StrCat(testing::TempDir(), "/audit.XXXXXX");
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  auto audit = AuditLog::Create(folder);
  ASSERT_TRUE(audit.ok()) << audit.status();
  audit_ = *std::move(audit);
  options.server_flags = FlagsWith(*audit_, {});
  flags_.clear();
  auto started = ControlPlane::Start(options);
  ASSERT_TRUE(started.ok()) << started.status();
  control_plane_ = started->release();
}

void ServerTest::TearDownTestSuite() {
  delete std::exchange(control_plane_, nullptr);
}

void ServerTest::SetUp() {
  ASSERT_NE(control_plane_, nullptr);
  UseFlags({});
  writer_ = std::make_unique<ApiWriter>(control_plane_->AdminAccess());
  Succeed(EmptyServer(*writer_));
  auto relay = TcpRelay::Create(control_plane_->port(), here_);
  ASSERT_TRUE(relay.ok()) << relay.status();
  relay_ = *std::move(relay);
}

void ServerTest::UseFlags(const std::vector<std::string>& flags) {
  if (flags == flags_) return;
  control_plane_->SetServerFlags(FlagsWith(*audit_, flags));
  flags_ = flags;
  Succeed(control_plane_->RestartServer());
}

k8s::Pod ServerTest::BackPod(int number) {
  return PodBuilder("web", absl::StrCat("back-", number))
      .On("node-b")
      .Label("app", "back")
      .Phase("Running")
      .Ip(absl::StrCat("10.42.1.", number))
      .Build();
}

void ServerTest::WriteSmallCluster() {
  Cluster cluster;
  cluster.namespaces = {MakeNamespace("web", {{"team", "a"}})};
  cluster.nodes = {NodeBuilder("node-a").Address("172.31.0.1").Build()};
  cluster.pods = {PodBuilder("web", "front")
                      .On("node-a")
                      .Label("app", "front")
                      .Phase("Running")
                      .Ip("10.42.0.10")
                      .Build(),
                  BackPod(1), BackPod(2)};
  cluster.policies = {PolicyBuilder("web", "allow")
                          .Selects(LabelList{{"app", "front"}})
                          .Ingress({PodPeer(MatchLabels({{"app", "back"}}))},
                                   {NumberPort("TCP", 80)})
                          .Build()};
  Succeed(writer_->ApplyCluster(cluster));
}

KubeSourceOptions ServerTest::SourceOptions() {
  KubeSourceOptions options;
  options.server.server = relay_->url();
  options.server.origin = "kubeconfig of the test";
  options.server.certificate_authority.file = control_plane_->ca_file();
  options.server.token = control_plane_->AdminAccess().token;
  options.node_name = "node-a";
  options.program = absl::StrCat("netpol-test-", sources_++, "/1");
  return options;
}

std::unique_ptr<PolledSource> ServerTest::Follow(
    const KubeSourceOptions& options) {
  auto source = PolledSource::Create(options);
  EXPECT_TRUE(source.ok()) << source.status();
  if (!source.ok()) return nullptr;
  for (const absl::Status& status :
       {(*source)->AwaitListed(), (*source)->AwaitWell(),
        (*source)->AwaitSame(*writer_)}) {
    EXPECT_TRUE(status.ok()) << status;
    if (!status.ok()) return nullptr;
  }
  (*source)->Sync();
  (*source)->Forget();
  return *std::move(source);
}

}  // namespace netpol
