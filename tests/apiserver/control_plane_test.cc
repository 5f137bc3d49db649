// The real API server that other tests stand on: that it serves, remembers,
// forgets, refuses and comes back when it should.
#include "tests/apiserver/control_plane.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "netpol/watch/kube/kubeconfig.h"
#include "nlohmann/json.hpp"
#include "tests/apiserver/api_connection.h"
#include "tests/apiserver/api_writer.h"
#include "tests/apiserver/kubeconfig_writer.h"
#include "tests/apiserver/manifest_json.h"
#include "tests/apiserver/presented_certificate.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/node_process.h"

namespace netpol {
namespace {

using ::nlohmann::json;
using ::testing::HasSubstr;

json PodName(const std::string& ns, const std::string& name) {
  return ObjectName("v1", "Pod", ns, name);
}

k8s::Pod RunningPod(const std::string& ns, const std::string& name,
                    const std::string& address) {
  return PodBuilder(ns, name)
      .On("node-a")
      .Label("app", "web")
      .Port("http", 8080)
      .Phase("Running")
      .Ip(address)
      .Build();
}

std::string WatchTarget(const std::string& ns, const std::string& version,
                        int seconds) {
  return absl::StrCat(CollectionPathOf(PodName(ns, "")),
                      "?watch=1&timeoutSeconds=", seconds,
                      "&resourceVersion=", version);
}

class ControlPlaneTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ControlPlaneOptions options;
    options.users = {{"nobody", "token-of-nobody"},
                     {"reader", "token-of-reader", {"readers"}}};
    auto started = ControlPlane::Start(options);
    ASSERT_TRUE(started.ok()) << started.status();
    control_plane_ = started->release();
  }

  static void TearDownTestSuite() {
    delete control_plane_;
    control_plane_ = nullptr;
  }

  void SetUp() override {
    ASSERT_NE(control_plane_, nullptr);
    writer_ = std::make_unique<ApiWriter>(control_plane_->AdminAccess());
    ns_ = absl::StrCat("ns-", number_of_namespaces_++);
    Succeed(writer_->Apply(JsonOf(MakeNamespace(ns_, {{"team", "a"}}))));
  }

  static void Succeed(const absl::Status& status) {
    ASSERT_TRUE(status.ok()) << status;
  }

  json Read(const json& object) {
    absl::StatusOr<json> read = writer_->Get(object);
    EXPECT_TRUE(read.ok()) << read.status();
    return read.ok() ? *std::move(read) : json();
  }

  // The state of the list of pods of ns_.
  std::string ListVersion() {
    const auto body =
        writer_->Send({.target = CollectionPathOf(PodName(ns_, ""))});
    EXPECT_TRUE(body.ok()) << body.status();
    return json::parse(body.value_or("{}"))["metadata"]["resourceVersion"];
  }

  static ControlPlane* control_plane_;
  static int number_of_namespaces_;
  std::unique_ptr<ApiWriter> writer_;
  std::string ns_;
};

ControlPlane* ControlPlaneTest::control_plane_ = nullptr;
int ControlPlaneTest::number_of_namespaces_ = 0;

TEST_F(ControlPlaneTest, EveryKindIsReadBackAsItWasWritten) {
  Cluster cluster;
  cluster.namespaces = {MakeNamespace(ns_, {{"team", "b"}})};
  cluster.nodes = {NodeBuilder(ns_ + "-node")
                       .Address("192.0.2.1")
                       .PodCidr("10.7.0.0/24")
                       .Build()};
  cluster.pods = {RunningPod(ns_, "web", "10.7.0.5")};
  cluster.policies = {PolicyBuilder(ns_, "allow")
                          .Ingress({PodPeer(MatchLabels({{"app", "web"}}))},
                                   {NamePort("TCP", "http")})
                          .Build()};
  Succeed(writer_->ApplyCluster(cluster));

  const json ns = Read(ObjectName("v1", "Namespace", "", ns_));
  EXPECT_EQ(ns["metadata"]["labels"]["team"], "b");
  EXPECT_EQ(ns["metadata"]["labels"]["kubernetes.io/metadata.name"], ns_);
  const json node = Read(ObjectName("v1", "Node", "", ns_ + "-node"));
  EXPECT_EQ(node["status"]["addresses"][0]["address"], "192.0.2.1");
  EXPECT_EQ(node["spec"]["podCIDRs"][0], "10.7.0.0/24");
  const json pod = Read(PodName(ns_, "web"));
  EXPECT_EQ(pod["spec"]["nodeName"], "node-a");
  EXPECT_EQ(pod["status"]["phase"], "Running");
  EXPECT_EQ(pod["status"]["podIP"], "10.7.0.5");
  const json policy =
      Read(ObjectName("networking.k8s.io/v1", "NetworkPolicy", ns_, "allow"));
  EXPECT_EQ(policy["spec"]["ingress"][0]["ports"][0]["port"], "http");
}

TEST_F(ControlPlaneTest, APodsAddressesAreReplacedNotAddedTo) {
  Succeed(writer_->ApplyEvent(Upsert(RunningPod(ns_, "web", "10.7.0.5"))));
  Succeed(writer_->ApplyEvent(Upsert(RunningPod(ns_, "web", "10.7.0.6"))));
  EXPECT_EQ(Read(PodName(ns_, "web"))["status"]["podIPs"],
            json::parse(R"([{"ip": "10.7.0.6"}])"));
  Succeed(writer_->ApplyEvent(
      Upsert(PodBuilder(ns_, "web").On("node-a").Port("http", 8080).Build())));
  EXPECT_FALSE(Read(PodName(ns_, "web"))["status"].contains("podIP"));
}

TEST_F(ControlPlaneTest, APodThatMovesIsMadeAnew) {
  Succeed(writer_->ApplyEvent(Upsert(RunningPod(ns_, "web", "10.7.0.5"))));
  k8s::Pod moved = RunningPod(ns_, "web", "10.8.0.5");
  moved.mutable_spec()->set_node_name("node-b");
  Succeed(writer_->ApplyEvent(Upsert(moved)));
  const json pod = Read(PodName(ns_, "web"));
  EXPECT_EQ(pod["spec"]["nodeName"], "node-b");
  EXPECT_EQ(pod["status"]["podIP"], "10.8.0.5");
}

TEST_F(ControlPlaneTest, ATerminatingPodStaysUntilItIsDeleted) {
  Succeed(writer_->ApplyEvent(
      Upsert(PodBuilder(ns_, "web").On("node-a").Terminating().Build())));
  EXPECT_TRUE(
      Read(PodName(ns_, "web"))["metadata"].contains("deletionTimestamp"));
  const v1::WatchEvent gone = Delete(RunningPod(ns_, "web", "10.7.0.5"));
  Succeed(writer_->ApplyEvent(gone));
  EXPECT_TRUE(absl::IsNotFound(writer_->Get(PodName(ns_, "web")).status()));
  Succeed(writer_->ApplyEvent(gone));
}

TEST_F(ControlPlaneTest, ADeletedNamespaceIsGoneWithWhatWasInIt) {
  Succeed(writer_->ApplyEvent(Upsert(RunningPod(ns_, "web", "10.7.0.5"))));
  Succeed(writer_->ApplyEvent(Delete(MakeNamespace(ns_))));
  EXPECT_TRUE(absl::IsNotFound(
      writer_->Get(ObjectName("v1", "Namespace", "", ns_)).status()));
  EXPECT_TRUE(absl::IsNotFound(writer_->Get(PodName(ns_, "web")).status()));
}

TEST_F(ControlPlaneTest, WhatTheServerRefusesComesBackWithItsReason) {
  k8s::NetworkPolicy bad = PolicyBuilder(ns_, "bad").Build();
  bad.mutable_spec()->add_policy_types("Sideways");
  const absl::Status status = writer_->ApplyEvent(Upsert(bad));
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("Sideways"));
}

TEST_F(ControlPlaneTest, RightsComeFromRolesOnly) {
  ApiWriter reader(control_plane_->AccessWith("token-of-reader"));
  const ApiRequest list = {.target = "/api/v1/pods"};
  EXPECT_TRUE(absl::IsPermissionDenied(reader.Send(list).status()));

  const auto role = JsonOfManifest(R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: pod-reader}
rules:
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: pod-readers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: pod-reader}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: readers}
)");
  ASSERT_TRUE(role.ok()) << role.status();
  ASSERT_EQ(role->size(), 2u);
  for (const json& object : *role) Succeed(writer_->Apply(object));
  // The server's authorizer learns of them by a watch of its own.
  absl::Status listed;
  for (int i = 0; i < 1000; ++i) {
    listed = reader.Send(list).status();
    if (listed.ok()) break;
  }
  Succeed(listed);
  ApiWriter nobody(control_plane_->AccessWith("token-of-nobody"));
  EXPECT_TRUE(absl::IsPermissionDenied(nobody.Send(list).status()));
  ApiWriter stranger(control_plane_->AccessWith("token-of-a-stranger"));
  EXPECT_TRUE(absl::IsUnauthenticated(stranger.Send(list).status()));
}

TEST_F(ControlPlaneTest, ATokenEndsWithItsServiceAccount) {
  const auto token = writer_->NewToken(ns_, "agent");
  ASSERT_TRUE(token.ok()) << token.status();
  ApiWriter agent(control_plane_->AccessWith(*token));
  const absl::Status refused = agent.Send({.target = "/api/v1/nodes"}).status();
  EXPECT_TRUE(absl::IsPermissionDenied(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()),
              HasSubstr(absl::StrCat("system:serviceaccount:", ns_, ":agent")));

  Succeed(writer_->Delete(ObjectName("v1", "ServiceAccount", ns_, "agent")));
  const auto next = writer_->NewToken(ns_, "agent");
  ASSERT_TRUE(next.ok()) << next.status();
  absl::Status status = refused;
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (!absl::IsUnauthenticated(status) && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(100));
    status = agent.Send({.target = "/api/v1/nodes"}).status();
  }
  EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
  ApiWriter heir(control_plane_->AccessWith(*next));
  EXPECT_TRUE(absl::IsPermissionDenied(
      heir.Send({.target = "/api/v1/nodes"}).status()));
}

TEST_F(ControlPlaneTest, ARestartedServerHasItsPortAndItsObjects) {
  Succeed(writer_->ApplyEvent(Upsert(RunningPod(ns_, "web", "10.7.0.5"))));
  const std::string url = control_plane_->url();
  Succeed(control_plane_->StopServer());
  EXPECT_TRUE(absl::IsUnavailable(writer_->Get(PodName(ns_, "web")).status()));
  Succeed(control_plane_->StartServer());
  EXPECT_EQ(control_plane_->url(), url);
  EXPECT_EQ(Read(PodName(ns_, "web"))["status"]["podIP"], "10.7.0.5");
  Succeed(control_plane_->KillServer());
  Succeed(control_plane_->StartServer());
  EXPECT_EQ(Read(PodName(ns_, "web"))["status"]["podIP"], "10.7.0.5");
}

TEST_F(ControlPlaneTest, ARestartedServerAnswersAnOldWatchWith410) {
  const std::string old = ListVersion();
  Succeed(writer_->ApplyEvent(Upsert(RunningPod(ns_, "web", "10.7.0.5"))));
  const auto known = writer_->Send({.target = WatchTarget(ns_, old, 1)});
  ASSERT_TRUE(known.ok()) << known.status();
  EXPECT_THAT(*known, HasSubstr("\"ADDED\""));
  // What it knew is lost, and it does not ask etcd for it.
  Succeed(control_plane_->RestartServer());
  const auto answer =
      writer_->connection().Send({.target = WatchTarget(ns_, old, 1)});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(answer->body, HasSubstr("\"code\":410"));
}

TEST_F(ControlPlaneTest, UsersChangeWithTheNextStart) {
  Succeed(control_plane_->SetUsers({{"nobody", "another-token"}}));
  Succeed(control_plane_->RestartServer());
  const ApiRequest review = {.target = "/api/v1/pods"};
  ApiWriter before(control_plane_->AccessWith("token-of-nobody"));
  EXPECT_TRUE(absl::IsUnauthenticated(before.Send(review).status()));
  ApiWriter after(control_plane_->AccessWith("another-token"));
  EXPECT_TRUE(absl::IsPermissionDenied(after.Send(review).status()));
  Succeed(
      control_plane_->SetUsers({{"nobody", "token-of-nobody"},
                                {"reader", "token-of-reader", {"readers"}}}));
  Succeed(control_plane_->RestartServer());
}

TEST_F(ControlPlaneTest, APausedServerAnswersWhenItGoesOn) {
  Succeed(control_plane_->PauseServer());
  std::atomic<bool> answered = false;
  absl::Status status;
  std::thread asking([&] {
    status = writer_->Get(PodName(ns_, "none")).status();
    answered = true;
  });
  // By another way it would have been answered long ago.
  const std::string etcd_still_works =
      control_plane_->CompactHistory().ToString();
  EXPECT_EQ(etcd_still_works, "OK");
  EXPECT_FALSE(answered);
  Succeed(control_plane_->ResumeServer());
  asking.join();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
}

TEST_F(ControlPlaneTest, ANewCertificateOfTheSameAuthorityIsTrusted) {
  const std::string authority = control_plane_->ca_pem();
  const auto before = PresentedCertificate(control_plane_->port());
  ASSERT_TRUE(before.ok()) << before.status();
  Succeed(control_plane_->RotateServingCertificate());
  const auto after = PresentedCertificate(control_plane_->port());
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_NE(*after, *before);
  EXPECT_EQ(control_plane_->ca_pem(), authority);
  ApiWriter fresh(control_plane_->AdminAccess());
  Succeed(fresh.Get(ObjectName("v1", "Namespace", "", ns_)).status());
}

TEST_F(ControlPlaneTest, ANewAuthorityIsNotTrustedByTheOldOnesFile) {
  const std::string old_file = control_plane_->folder() + "/old-ca.crt";
  Succeed(ReplaceFile(old_file, control_plane_->ca_pem()));
  Succeed(control_plane_->RotateServingAuthority());
  ApiAccess old = control_plane_->AdminAccess();
  old.ca_file = old_file;
  const json ns = ObjectName("v1", "Namespace", "", ns_);
  EXPECT_TRUE(absl::IsUnavailable(ApiWriter(old).Get(ns).status()));
  ApiWriter fresh(control_plane_->AdminAccess());
  Succeed(fresh.Get(ns).status());
}

TEST_F(ControlPlaneTest, ManyPodsAreWrittenBySeveralThreads) {
  constexpr size_t kPods = 500;
  Succeed(InParallel(kPods, 8, [&](size_t i) {
    return writer_->Create(
        JsonOf(RunningPod(ns_, absl::StrCat("p", i),
                          absl::StrCat("10.9.", i / 250, ".", i % 250))));
  }));
  const auto body =
      writer_->Send({.target = CollectionPathOf(PodName(ns_, ""))});
  ASSERT_TRUE(body.ok()) << body.status();
  const json list = json::parse(*body);
  ASSERT_EQ(list["items"].size(), kPods);
  for (const json& pod : list["items"])
    EXPECT_TRUE(pod["status"].contains("podIP")) << pod["metadata"]["name"];
}

TEST_F(ControlPlaneTest, AClientCertificateSaysWhoAsks) {
  const TestCertificate pair =
      control_plane_->ClientCertificate("operator", {"readers"});
  const std::string folder = control_plane_->folder();
  Succeed(ReplaceFile(folder + "/operator.crt", pair.certificate));
  Succeed(ReplaceFile(folder + "/operator.key", pair.key));
  ApiAccess access = control_plane_->AccessWith("");
  access.certificate_file = folder + "/operator.crt";
  access.key_file = folder + "/operator.key";
  ApiWriter client(access);
  const absl::Status status = client.Get(PodName("kube-system", "x")).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"operator\""));
}

TEST_F(ControlPlaneTest, AKubeconfigOfItIsUnderstood) {
  const std::string folder = control_plane_->folder();
  KubeconfigContent content;
  content.server = control_plane_->url();
  content.ca_file = control_plane_->ca_file();
  content.token_file = folder + "/some-token";
  content.client_certificate_file = folder + "/some.crt";
  content.client_key_file = folder + "/some.key";
  Succeed(WriteKubeconfig(content, folder + "/kubeconfig"));
  const auto config =
      ReadKubeconfig(folder + "/kubeconfig", ProcessEnvironment());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, content.server);
  EXPECT_EQ(config->certificate_authority.file, content.ca_file);
  EXPECT_EQ(config->token_file, content.token_file);
  EXPECT_EQ(config->client_certificate.file, content.client_certificate_file);
  EXPECT_EQ(config->client_key.file, content.client_key_file);

  content.token = "some-token";
  content.token_file.clear();
  Succeed(WriteKubeconfig(content, folder + "/kubeconfig"));
  const auto changed =
      ReadKubeconfig(folder + "/kubeconfig", ProcessEnvironment());
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(changed->token, "some-token");
  EXPECT_EQ(changed->token_file, "");
}

TEST(ControlPlaneStartTest, ABadFlagIsReportedWithTheServersOwnWords) {
  ControlPlaneOptions options;
  options.server_flags = {"--no-such-flag=1"};
  const auto started = ControlPlane::Start(options);
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(std::string(started.status().message()),
              HasSubstr("unknown flag: --no-such-flag"));
}

TEST(ControlPlaneStartTest, CompactedHistoryIsGone) {
  ControlPlaneOptions options;
  options.server_flags = {"--watch-cache=false"};  // Else it remembers itself.
  const auto started = ControlPlane::Start(options);
  ASSERT_TRUE(started.ok()) << started.status();
  ApiWriter writer((*started)->AdminAccess());
  const auto ns = writer.Get(ObjectName("v1", "Namespace", "", "default"));
  ASSERT_TRUE(ns.ok()) << ns.status();
  const std::string old = (*ns)["metadata"]["resourceVersion"];
  ASSERT_TRUE(
      writer.ApplyEvent(Upsert(RunningPod("default", "web", "10.7.0.5"))).ok());
  const auto known = writer.Send({.target = WatchTarget("default", old, 1)});
  ASSERT_TRUE(known.ok()) << known.status();
  EXPECT_THAT(*known, HasSubstr("\"ADDED\""));

  const absl::Status compacted = (*started)->CompactHistory();
  ASSERT_TRUE(compacted.ok()) << compacted;
  const auto answer =
      writer.connection().Send({.target = WatchTarget("default", old, 1)});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(answer->body, HasSubstr("\"code\":410"));
}

TEST(ControlPlaneStartTest, ServesInANetworkNamespaceOfItsOwn) {
  if (!MayMakeNamespaces()) GTEST_SKIP() << "needs root for a namespace";
  const auto ns = NetNs::Create();
  ASSERT_TRUE(ns.ok()) << ns.status();
  Program loopback;
  loopback.argv = {"ip", "link", "set", "lo", "up"};
  ASSERT_TRUE(RunProgram(*ns, loopback).ok());
  ControlPlaneOptions options;
  options.ns = &*ns;
  options.authorization_mode = "AlwaysAllow";
  options.users = {{"nobody", "token-of-nobody"}};
  const auto started = ControlPlane::Start(options);
  ASSERT_TRUE(started.ok()) << started.status();

  ApiAccess access = (*started)->AccessWith("token-of-nobody");
  const json ns_name = ObjectName("v1", "Namespace", "", "kube-system");
  const auto read = ApiWriter(access).Get(ns_name);
  EXPECT_TRUE(read.ok()) << read.status();
  access.ns = nullptr;
  EXPECT_TRUE(absl::IsUnavailable(ApiWriter(access).Get(ns_name).status()));
}

}  // namespace
}  // namespace netpol
