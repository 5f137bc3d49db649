// Law 6 in the real kernel: while policies and pods change, no packet that is
// allowed before and after is refused, and none that is denied passes.
#include <netinet/in.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpol/controller.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/lab/lab_flavour.h"
#include "tests/kernel/lab/packet_lab.h"
#include "tests/kernel/lab/steady_probes.h"

namespace netpol {
namespace {

constexpr char kNode[] = "node-a";
constexpr int kRounds = 150;

IpAddress Ip(absl::string_view text) { return *IpAddress::Parse(text); }

k8s::Pod WebPod(int number) {
  return PodBuilder("shop", absl::StrCat("web-", number))
      .On(kNode)
      .Ip(absl::StrCat("10.42.0.", 10 + number))
      .Label("app", "web")
      .Phase("Running")
      .Build();
}

k8s::Pod RemotePod(absl::string_view name, absl::string_view ip,
                   absl::string_view role) {
  return PodBuilder("shop", name)
      .On("node-b")
      .Ip(ip)
      .Label("role", role)
      .Phase("Running")
      .Build();
}

// Allows clients by their label on port 8080, and on `extra_port`, which
// changes.
k8s::NetworkPolicy WebPolicy(int extra_port) {
  return PolicyBuilder("shop", "web")
      .Selects({{"app", "web"}})
      .Types({"Ingress"})
      .Ingress({PodPeer(MatchLabels({{"role", "client"}}))},
               {NumberPort("UDP", 8080)})
      .Ingress({PodPeer(MatchLabels({{"role", "client"}}))},
               {NumberPort("UDP", extra_port)})
      .Build();
}

// A second policy of the same pods, which comes and goes.
k8s::NetworkPolicy OtherPolicy() {
  return PolicyBuilder("shop", "other")
      .Selects({{"app", "web"}})
      .Types({"Ingress", "Egress"})
      .Ingress({BlockPeer("198.51.100.0/24", {"198.51.100.7/32"})})
      .Egress()
      .Build();
}

class SteadyTrafficTest : public LabFixture {
 protected:
  void SetUp() override {
    LabFixture::SetUp();
    if (IsSkipped()) return;
    absl::StatusOr<std::unique_ptr<PacketLab>> lab = PacketLab::Create();
    ASSERT_TRUE(lab.ok()) << lab.status();
    lab_ = *std::move(lab);
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(lab_->AddPod(absl::StrCat("web-", i),
                               {Ip(absl::StrCat("10.42.0.", 10 + i))})
                      .ok());
    }
    ASSERT_TRUE(lab_->AddRemote({Ip("10.42.1.5"), Ip("10.42.1.6")}).ok());
  }

  std::unique_ptr<PacketLab> lab_;
};

// All that may change without a bearing on the two conversations that are
// watched.
void Churn(Controller& controller, std::string* failure) {
  const auto sync = [&](const v1::WatchEvent& event) {
    if (!controller.OnEvent(event).ok()) *failure = "an event was refused";
    const absl::StatusOr<SyncReport> report = controller.Sync();
    if (!report.ok()) *failure = std::string(report.status().message());
  };
  for (int round = 0; round < kRounds && failure->empty(); ++round) {
    sync(Upsert(WebPolicy(9000 + round)));
    sync(Upsert(OtherPolicy()));
    sync(Upsert(
        RemotePod("guest", "10.42.1.7", round % 2 == 0 ? "client" : "guest")));
    sync(Upsert(WebPod(2 + round % 20)));
    sync(Delete(OtherPolicy()));
  }
}

TEST_F(SteadyTrafficTest, VerdictsThatStayHoldDuringHundredsOfCommits) {
  std::string failure;
  std::atomic<bool> ready = false;
  std::atomic<bool> done = false;
  uint64_t commits = 0;
  std::thread churn([&] {
    const absl::Status ran = lab_->RunOnNode([&] {
      auto dataplane = OpenLabKernel();
      if (!dataplane.ok()) {
        failure = std::string(dataplane.status().message());
        return;
      }
      const LinuxDataplane& kernel = **dataplane;
      ControllerOptions options;
      options.node_name = kNode;
      auto controller =
          Controller::Create(std::move(options), *std::move(dataplane));
      Cluster cluster;
      cluster.namespaces = {MakeNamespace("shop")};
      cluster.pods = {WebPod(0), WebPod(1),
                      RemotePod("client", "10.42.1.5", "client"),
                      RemotePod("stranger", "10.42.1.6", "stranger")};
      cluster.policies = {WebPolicy(9000)};
      for (const v1::WatchEvent& event : ListingOf(cluster)) {
        (*controller)->OnEvent(event).IgnoreError();
      }
      if (!(*controller)->Sync().ok()) failure = "the first sync failed";
      ready = true;
      Churn(**controller, &failure);
      commits = kernel.writes().table_commits;
    });
    if (!ran.ok()) failure = std::string(ran.message());
    ready = done = true;
  });
  while (!ready) std::this_thread::yield();

  const std::vector<ProbeSpec> specs = {
      {Ip("10.42.1.5"), Ip("10.42.0.10"), IPPROTO_UDP, 8080},
      {Ip("10.42.1.5"), Ip("10.42.0.11"), IPPROTO_UDP, 8080},
      {Ip("10.42.1.6"), Ip("10.42.0.10"), IPPROTO_UDP, 8080},
      {Ip("10.42.1.6"), Ip("10.42.0.11"), IPPROTO_UDP, 8080},
  };
  const std::vector<ProbeOutcome> right = {
      ProbeOutcome::kAllowed, ProbeOutcome::kAllowed, ProbeOutcome::kRejected,
      ProbeOutcome::kRejected};
  const absl::StatusOr<SteadyProbes> probes =
      ProbeUntil([&] { return done.load(); }, *lab_, specs, right);
  churn.join();
  EXPECT_EQ(failure, "");
  ASSERT_TRUE(probes.ok()) << probes.status();
  EXPECT_EQ(probes->wrong, 0) << "of " << probes->packets << " packets during "
                              << commits << " commits";
  EXPECT_GT(commits, 300u);
  EXPECT_GT(probes->packets, 1000);
  std::cout << probes->packets << " packets during " << commits << " commits, "
            << probes->wrong << " judged wrongly\n";
}

}  // namespace
}  // namespace netpol
