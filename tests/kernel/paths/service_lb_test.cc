// A host port as K3s serves it: outside client -> host port -> load-balancer
// pod -> ingress controller -> backend, with a policy at each hop.
#include <netinet/in.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/kernel/lab/lab_flavour.h"
#include "tests/kernel/paths/path_test.h"
#include "tests/kernel/paths/service_proxy.h"

namespace netpol {
namespace {

constexpr uint16_t kHostPort = 80;
constexpr uint16_t kControllerPort = 8000;
constexpr uint16_t kBackendPort = 8080;

// Which allowance is missing.
enum class Hop {
  kNone,
  kIntoBalancer,
  kOutOfBalancer,
  kIntoController,
  kOutOfController,
  kIntoBackend,
};

class ServiceLbTest : public PathTest {
 protected:
  void SetUp() override {
    PathTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(lab_->AddRemote({Stranger(), Guest()}).ok());
    AddLocalPod("balancer", 20);
    AddLocalPod("controller", 21);
    AddLocalPod("backend", 22);
    proxy_ = std::make_unique<ServiceProxy>(lab_.get());
    ASSERT_TRUE(
        proxy_->AddHostPort({{}, kHostPort, Balancer(), kHostPort}).ok());
    ASSERT_TRUE(
        proxy_->AddService({ServiceIp(1), 80, Controller(), kControllerPort})
            .ok());
    ASSERT_TRUE(
        proxy_->AddService({ServiceIp(2), 80, Backend(), kBackendPort}).ok());
    BuildBalancer();
    backend_ = Serve(Backend(), "backend", kBackendPort);
    controller_ = ServeText(
        Controller(), kControllerPort, IPPROTO_TCP, [](const IpAddress& peer) {
          CallSpec next;
          next.destination = ServiceIp(2);
          next.port = 80;
          next.protocol = IPPROTO_TCP;
          const absl::StatusOr<CallResult> answer = CallFromHere(next);
          return absl::StrCat("controller sees ", peer.ToString(), ", ",
                              answer.ok() ? answer->text : "nothing");
        });
    ASSERT_TRUE(backend_ != nullptr && controller_ != nullptr);
  }

  static IpAddress Balancer() { return LocalPod(20); }
  static IpAddress Controller() { return LocalPod(21); }
  static IpAddress Backend() { return LocalPod(22); }

  // The pod of the load balancer forwards by translation in its own namespace.
  void BuildBalancer() {
    const bool v4 = family() == Family::kIPv4;
    const NetNs& pod = At(Balancer());
    const absl::Status forwards = pod.Run([] {
      const absl::Status v4 = WriteSysctl("net/ipv4/ip_forward", "1");
      return v4.ok() ? WriteSysctl("net/ipv6/conf/all/forwarding", "1") : v4;
    });
    ASSERT_TRUE(forwards.ok()) << forwards;
    const std::string service = ServiceIp(1).ToString();
    const absl::StatusOr<ProgramResult> written = RunProgram(
        pod,
        {.argv = {LabTool(family(), "iptables-restore")},
         .input = absl::StrCat("*nat\n-A PREROUTING -p tcp --dport ", kHostPort,
                               " -j DNAT --to-destination ",
                               v4 ? service : absl::StrCat("[", service, "]"),
                               ":80\n-A POSTROUTING -d ", service,
                               " -p tcp -j MASQUERADE\nCOMMIT\n")});
    ASSERT_TRUE(written.ok()) << written.status();
    ASSERT_EQ(written->exit_code, 0) << written->err;
  }

  // Every hop closed but for its right peer and port, and that one too at
  // `missing`.
  static std::vector<k8s::NetworkPolicy> Policies(Hop missing) {
    const auto into = [&](Hop hop, const std::string& app,
                          const k8s::NetworkPolicyPeer& peer, uint16_t port) {
      PolicyBuilder policy = Policy(app, {"Ingress"});
      if (hop != missing) policy.Ingress({peer}, {NumberPort("TCP", port)});
      return policy.Build();
    };
    const auto out_of = [&](Hop hop, const std::string& app,
                            const std::string& to, uint16_t port) {
      PolicyBuilder policy = Policy(app, {"Egress"});
      if (hop != missing) policy.Egress({App(to)}, {NumberPort("TCP", port)});
      return policy.Build();
    };
    return {
        into(Hop::kIntoBalancer, "balancer", Only(Stranger()), kHostPort),
        out_of(Hop::kOutOfBalancer, "balancer", "controller", kControllerPort),
        into(Hop::kIntoController, "controller", App("balancer"),
             kControllerPort),
        out_of(Hop::kOutOfController, "controller", "backend", kBackendPort),
        into(Hop::kIntoBackend, "backend", App("controller"), kBackendPort),
        Policy("backend", {"Egress"}).Build(),
    };
  }

  std::string WholeChain() const {
    return absl::StrCat("controller sees ", Balancer().ToString(),
                        ", backend sees ", Controller().ToString());
  }

  std::unique_ptr<ServiceProxy> proxy_;
  LabServer* controller_ = nullptr;
  LabServer* backend_ = nullptr;
};

TEST_P(ServiceLbTest, AClientIsServedIfEveryHopAllowsExactlyTheOneBefore) {
  Enforce(Policies(Hop::kNone));
  EXPECT_EQ(CallTo(Stranger(), Node(), kHostPort), WholeChain());
  EXPECT_EQ(controller_->calls(), 1);
  EXPECT_EQ(backend_->calls(), 1);
  EXPECT_EQ(CallTo(Guest(), Node(), kHostPort), "refused");
  EXPECT_EQ(CallTo(Client(), Backend(), kBackendPort), "refused");
  EXPECT_EQ(CallTo(Balancer(), Backend(), kBackendPort), "refused");
  EXPECT_EQ(controller_->calls(), 1);
}

TEST_P(ServiceLbTest, WithoutOneAllowanceTheChainBreaksAtThatHop) {
  Enforce(Policies(Hop::kNone));
  struct Break {
    Hop hop;
    bool reaches_balancer;
    int controller_calls;
  };
  for (const Break& broken : {Break{Hop::kIntoBalancer, false, 0},
                              {Hop::kOutOfBalancer, true, 0},
                              {Hop::kIntoController, true, 0},
                              {Hop::kOutOfController, true, 1},
                              {Hop::kIntoBackend, true, 1}}) {
    SCOPED_TRACE(static_cast<int>(broken.hop));
    for (const k8s::NetworkPolicy& policy : Policies(broken.hop)) {
      Tell(Upsert(policy));
    }
    const int controller_calls = controller_->calls();
    const int backend_calls = backend_->calls();
    PacketTap tap = Tap(Balancer());
    const std::string answer = CallTo(Stranger(), Node(), kHostPort);
    EXPECT_EQ(answer, broken.controller_calls == 0
                          ? "refused"
                          : absl::StrCat("controller sees ",
                                         Balancer().ToString(), ", "));
    EXPECT_EQ(controller_->calls() - controller_calls, broken.controller_calls);
    EXPECT_EQ(backend_->calls(), backend_calls);
    // All is over by now, so what came to the balancer is there.
    EXPECT_EQ(
        *tap.Hears([&](const IpPacket& p) { return p.source == Stranger(); },
                   absl::Milliseconds(20)),
        broken.reaches_balancer);
  }
  for (const k8s::NetworkPolicy& policy : Policies(Hop::kNone)) {
    Tell(Upsert(policy));
  }
  EXPECT_EQ(CallTo(Stranger(), Node(), kHostPort), WholeChain());
}

INSTANTIATE_TEST_SUITE_P(Paths, ServiceLbTest,
                         testing::ValuesIn(AllPathKinds()), PathKindName);

}  // namespace
}  // namespace netpol
