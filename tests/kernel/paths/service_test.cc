// Services by address translation: by the time that packets are judged they are
// on their way to the pod behind the service, and still bear the address of the
// one who calls.
#include <netinet/in.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/kernel/paths/path_test.h"
#include "tests/kernel/paths/service_proxy.h"

namespace netpol {
namespace {

constexpr uint16_t kNodePort = 30080;

class ServiceTest : public PathTest {
 protected:
  void SetUp() override {
    PathTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(lab_->AddRemote({Remote(), Stranger(), Guest()}).ok());
    proxy_ = std::make_unique<ServiceProxy>(lab_.get());
  }

  // A cluster IP's port `port`, translated to port `target` of a pod.
  void AddService(int number, uint16_t port, const IpAddress& pod,
                  uint16_t target, uint8_t protocol = IPPROTO_TCP) {
    const absl::Status added =
        proxy_->AddService({ServiceIp(number), port, pod, target, protocol});
    ASSERT_TRUE(added.ok()) << added;
  }

  void AddNodePort(uint16_t port, const IpAddress& pod, uint16_t target) {
    const absl::Status added = proxy_->AddNodePort({{}, port, pod, target});
    ASSERT_TRUE(added.ok()) << added;
  }

  static std::string Sees(absl::string_view name, const IpAddress& client) {
    return absl::StrCat(name, " sees ", client.ToString());
  }

  // What a pod sees of a caller who is masqueraded on the way to it.
  static IpAddress NodeTowardsPods() {
    const bool by_route = family() == Family::kIPv4 && !bridged();
    return by_route ? Node() : NodeOnBridge();
  }

  std::unique_ptr<ServiceProxy> proxy_;
};

TEST_P(ServiceTest, APodReachesALocalPodThroughAServiceByTheTargetsPort) {
  AddService(10, 80, Web(), 8080);
  AddService(11, 8080, Web(), 80);
  Serve(Web(), "web", 8080);
  Serve(Web(), "web", 80);
  Enforce({Policy("web", {"Ingress"})
               .Ingress({App("client")}, {NumberPort("TCP", 8080)})
               .Build(),
           Policy("client", {"Egress"})
               .Egress({App("web")}, {NumberPort("TCP", 8080)})
               .Build()});
  EXPECT_EQ(CallTo(Client(), ServiceIp(10), 80), Sees("web", Client()));
  EXPECT_EQ(CallTo(Client(), ServiceIp(11), 8080), "refused");
  EXPECT_EQ(CallTo(Other(), ServiceIp(10), 80), "refused");
}

TEST_P(ServiceTest, APodReachesARemotePodThroughAServiceIfItsEgressSaysSo) {
  AddService(10, 80, Remote(), 8080);
  Serve(Remote(), "remote", 8080);
  Enforce({Policy("client", {"Egress"})
               .Egress({App("remote")}, {NumberPort("TCP", 8080)})
               .Build(),
           Policy("other", {"Egress"})
               .Egress({App("remote")}, {NumberPort("TCP", 80)})
               .Build()});
  EXPECT_EQ(CallTo(Client(), ServiceIp(10), 80), Sees("remote", Client()));
  EXPECT_EQ(CallTo(Other(), ServiceIp(10), 80), "refused");
}

// The service's address is gone before anything is judged.
TEST_P(ServiceTest, ABlockWithTheServiceAddressAllowsNothing) {
  AddService(10, 80, Web(), 8080);
  Serve(Web(), "web", 8080);
  Enforce({Policy("client", {"Egress"}).Egress({Only(ServiceIp(10))}).Build(),
           Policy("other", {"Egress"}).Egress({Only(Web())}).Build()});
  EXPECT_EQ(CallTo(Client(), ServiceIp(10), 80), "refused");
  EXPECT_EQ(CallTo(Other(), ServiceIp(10), 80), Sees("web", Other()));
}

TEST_P(ServiceTest, TheNodeReachesItsOwnPodsThroughServices) {
  AddService(10, 80, Web(), 8080);
  AddService(11, 80, Remote(), 8080);
  Serve(Web(), "web", 8080);
  Serve(Remote(), "remote", 8080);
  Enforce(
      {PolicyBuilder("shop", "deny-all").Types({"Ingress", "Egress"}).Build()});
  EXPECT_EQ(CallTo(Node(), ServiceIp(10), 80), Sees("web", NodeTowardsPods()));
  EXPECT_EQ(CallTo(Node(), ServiceIp(11), 80), Sees("remote", Node()));
  EXPECT_EQ(CallTo(Client(), ServiceIp(10), 80), "refused");
}

TEST_P(ServiceTest, APodReachesItselfThroughAServiceThoughItIsMasqueraded) {
  AddService(10, 80, Web(), 8080);
  Serve(Web(), "web", 8080);
  Enforce(
      {PolicyBuilder("shop", "deny-all").Types({"Ingress", "Egress"}).Build()});
  EXPECT_EQ(CallTo(Web(), ServiceIp(10), 80), Sees("web", NodeTowardsPods()));
  EXPECT_EQ(CallTo(Client(), ServiceIp(10), 80), "refused");
}

TEST_P(ServiceTest, ANodePortIsJudgedByTheAddressOfTheCaller) {
  AddNodePort(kNodePort, Web(), 8080);
  Serve(Web(), "web", 8080);
  Enforce({Policy("web", {"Ingress"})
               .Ingress({Only(Stranger())}, {NumberPort("TCP", 8080)})
               .Build()});
  // Masqueraded, but only after the filter.
  EXPECT_EQ(CallTo(Stranger(), Node(), kNodePort),
            Sees("web", NodeTowardsPods()));
  EXPECT_EQ(CallTo(Guest(), Node(), kNodePort), "refused");
}

// The node of the endpoint, here the other one, sees this node's address and
// does the judging.
TEST_P(ServiceTest, ANodePortOfARemotePodIsForwardedUnjudged) {
  AddNodePort(kNodePort, Remote(), 8080);
  Serve(Remote(), "remote", 8080);
  Enforce(
      {PolicyBuilder("shop", "deny-all").Types({"Ingress", "Egress"}).Build()});
  EXPECT_EQ(CallTo(Stranger(), Node(), kNodePort), Sees("remote", Node()));
}

// What arrives here from a node that masqueraded bears that node's address.
TEST_P(ServiceTest, WhatAnotherNodeMasqueradedNeedsABlockOfThatNode) {
  Serve(Web(), "web", 8080);
  Enforce({Policy("web", {"Ingress"}).Ingress({Only(Guest())}).Build()});
  EXPECT_EQ(CallTo(Guest(), Web(), 8080), Sees("web", Guest()));
  EXPECT_EQ(CallTo(Stranger(), Web(), 8080), "refused");
}

TEST_P(ServiceTest, APodReachesANodePortByThePolicyOfThePodBehindIt) {
  AddNodePort(kNodePort, Web(), 8080);
  Serve(Web(), "web", 8080);
  Enforce({Policy("client", {"Egress"}).Egress({App("web")}).Build(),
           Policy("other", {"Egress"}).Egress({Only(Node())}).Build()});
  EXPECT_EQ(CallTo(Client(), Node(), kNodePort),
            Sees("web", NodeTowardsPods()));
  EXPECT_EQ(CallTo(Other(), Node(), kNodePort), "refused");
}

INSTANTIATE_TEST_SUITE_P(Paths, ServiceTest, testing::ValuesIn(AllPathKinds()),
                         PathKindName);

// Cluster DNS: one service address, port 53, UDP and TCP.
class DnsTest : public ServiceTest {
 protected:
  static constexpr size_t kLarge = 200000;

  void SetUp() override {
    ServiceTest::SetUp();
    if (IsSkipped()) return;
    cluster_.namespaces.push_back(MakeNamespace(
        "kube-system", {{"kubernetes.io/metadata.name", "kube-system"}}));
    AddDns("local-dns", "node-a", 53);
    AddDns("remote-dns", "node-b", 53);
    ASSERT_TRUE(lab_->AddPod("local-dns", {LocalPod(53)}).ok());
    ASSERT_TRUE(lab_->AddRemote({RemotePod(53)}).ok());
    // Service 10 is answered here, service 11 elsewhere.
    for (uint8_t protocol : {IPPROTO_UDP, IPPROTO_TCP}) {
      AddService(10, 53, LocalPod(53), 53, protocol);
      AddService(11, 53, RemotePod(53), 53, protocol);
      for (const IpAddress& at : {LocalPod(53), RemotePod(53)}) {
        const size_t size = protocol == IPPROTO_TCP ? kLarge : 512;
        ServeText(at, 53, protocol,
                  [size](const IpAddress&) { return std::string(size, 'a'); });
      }
    }
  }

  void AddDns(absl::string_view name, absl::string_view node, int number) {
    k8s::Pod pod = PodObject(name, number, node);
    pod.mutable_metadata()->set_namespace_("kube-system");
    (*pod.mutable_metadata()->mutable_labels())["k8s-app"] = "kube-dns";
    cluster_.pods.push_back(pod);
  }

  static k8s::NetworkPolicy MayResolve(
      const std::vector<k8s::NetworkPolicyPort>& ports) {
    return Policy("client", {"Egress"})
        .Egress(
            {PodInNamespacePeer(
                MatchLabels({{"kubernetes.io/metadata.name", "kube-system"}}),
                MatchLabels({{"k8s-app", "kube-dns"}}))},
            ports)
        .Build();
  }

  size_t AnswerSize(int service, uint8_t protocol) {
    const std::string answer =
        CallTo(Client(), ServiceIp(service), 53, protocol);
    return absl::StartsWith(answer, "aaa") ? answer.size() : 0;
  }
};

TEST_P(DnsTest, APodThatMayOnlyResolveResolves) {
  Enforce({MayResolve({NumberPort("UDP", 53), NumberPort("TCP", 53)})});
  for (int service : {10, 11}) {
    EXPECT_EQ(AnswerSize(service, IPPROTO_UDP), 512u);
    EXPECT_EQ(AnswerSize(service, IPPROTO_TCP), kLarge);
  }
  AddService(12, 53, Web(), 53, IPPROTO_TCP);
  Serve(Web(), "web", 53);
  EXPECT_EQ(CallTo(Client(), ServiceIp(12), 53), "refused");
}

TEST_P(DnsTest, WithUdpAloneLargeAnswersByTcpAreRefused) {
  Enforce({MayResolve({NumberPort("UDP", 53)})});
  for (int service : {10, 11}) {
    EXPECT_EQ(AnswerSize(service, IPPROTO_UDP), 512u);
    EXPECT_EQ(CallTo(Client(), ServiceIp(service), 53), "refused");
  }
}

TEST_P(DnsTest, APodThatMayNotResolveIsRefusedAtOnce) {
  Enforce({Policy("client", {"Egress"}).Egress({App("web")}).Build()});
  for (int service : {10, 11}) {
    EXPECT_EQ(CallTo(Client(), ServiceIp(service), 53, IPPROTO_UDP), "refused");
    EXPECT_EQ(CallTo(Client(), ServiceIp(service), 53), "refused");
  }
}

INSTANTIATE_TEST_SUITE_P(Paths, DnsTest, testing::ValuesIn(AllPathKinds()),
                         PathKindName);

}  // namespace
}  // namespace netpol
