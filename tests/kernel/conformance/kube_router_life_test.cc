// kube-router's end-to-end tests that no table of one moment shows: open
// connections, restarts, the host's own servers, long names, and what is left
// behind.
#include <netinet/in.h>

#include <atomic>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
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
constexpr ProbeOutcome kAllowed = ProbeOutcome::kAllowed;
constexpr ProbeOutcome kRejected = ProbeOutcome::kRejected;

// Of the lab: the node, a server and a client on it, a client elsewhere, and
// the host that serves the API.
struct Place {
  const char* v4;
  const char* v6;

  IpAddress Address(Family family) const {
    return *IpAddress::Parse(family == Family::kIPv4 ? v4 : v6);
  }
};
constexpr Place kHost = {"172.31.0.1", "fd00:31::1"};
constexpr Place kServer = {"10.42.0.10", "fd00:42::10"};
constexpr Place kClient = {"10.42.0.11", "fd00:42::11"};
constexpr Place kRemote = {"10.42.1.5", "fd00:42:1::5"};
constexpr Place kApiServer = {"172.31.0.2", "fd00:31::2"};

PodBuilder PodAt(const Place& place, const std::string& ns,
                 const std::string& name, const std::string& node = kNode) {
  return PodBuilder(ns, name)
      .On(node)
      .Ip(place.v4)
      .Ip(place.v6)
      .Label("app", name)
      .Phase("Running");
}

Cluster SmallCluster() {
  Cluster cluster;
  cluster.namespaces = {MakeNamespace("shop")};
  cluster.pods = {PodAt(kServer, "shop", "server").Build(),
                  PodAt(kClient, "shop", "client").Build(),
                  PodAt(kRemote, "shop", "remote", "node-b").Build()};
  return cluster;
}

PolicyBuilder Deny(const std::string& app, const std::string& type) {
  return PolicyBuilder("shop", absl::StrCat("deny-", app))
      .Selects(LabelList{{"app", app}})
      .Types({type});
}

// Dual-stack, with a controller that is told what happens.
class KubeRouterLifeTest : public LabFixture {
 protected:
  void SetUp() override {
    LabFixture::SetUp();
    if (IsSkipped()) return;
    absl::StatusOr<std::unique_ptr<PacketLab>> lab = PacketLab::Create();
    ASSERT_TRUE(lab.ok()) << lab.status();
    lab_ = *std::move(lab);
    Join("server", kServer);
    Join("client", kClient);
    for (const Place& place : {kRemote, kApiServer}) {
      const absl::Status added = lab_->AddRemote(
          {place.Address(Family::kIPv4), place.Address(Family::kIPv6)});
      ASSERT_TRUE(added.ok()) << added;
    }
  }

  void Join(const std::string& name, const Place& place) {
    const absl::Status added = lab_->AddPod(
        name, {place.Address(Family::kIPv4), place.Address(Family::kIPv6)});
    ASSERT_TRUE(added.ok()) << added;
  }

  // Everything below runs in the node's namespace, in a thread of its own.
  void OnNode(const std::function<void()>& work) {
    const absl::Status ran = lab_->RunOnNode(work);
    ASSERT_TRUE(ran.ok()) << ran;
  }

  // A new controller that lists `cluster` and syncs.
  void Start(const Cluster& cluster) {
    OnNode([&] {
      auto dataplane = OpenLabKernel();
      ASSERT_TRUE(dataplane.ok()) << dataplane.status();
      ControllerOptions options;
      options.node_name = kNode;
      options.layout.families = {Family::kIPv4, Family::kIPv6};
      auto controller =
          Controller::Create(std::move(options), *std::move(dataplane));
      ASSERT_TRUE(controller.ok()) << controller.status();
      controller_ = *std::move(controller);
    });
    Tell(ListingOf(cluster));
  }

  void Tell(const std::vector<v1::WatchEvent>& events) {
    OnNode([&] {
      for (const v1::WatchEvent& event : events)
        ASSERT_TRUE(controller_->OnEvent(event).ok());
      const absl::StatusOr<SyncReport> report = controller_->Sync();
      ASSERT_TRUE(report.ok()) << report.status();
      EXPECT_TRUE(report->problems.empty()) << report->problems.front();
      EXPECT_FALSE(report->retry);
    });
  }

  void ExpectProbe(const Place& from, const Place& to, uint16_t port,
                   ProbeOutcome outcome, uint8_t protocol = IPPROTO_TCP) {
    for (Family family : kFamilies) {
      const absl::StatusOr<ProbeOutcome> probed = lab_->ProbeOne(
          {from.Address(family), to.Address(family), protocol, port});
      ASSERT_TRUE(probed.ok()) << probed.status();
      EXPECT_EQ(*probed, outcome)
          << from.Address(family) << " to " << to.Address(family) << " port "
          << port << " protocol " << int{protocol};
    }
  }

  Snapshot KernelState() {
    Snapshot state;
    OnNode([&] {
      auto dataplane = OpenLabKernel();
      ASSERT_TRUE(dataplane.ok()) << dataplane.status();
      absl::StatusOr<Snapshot> read = (*dataplane)->Read(kFamilies);
      ASSERT_TRUE(read.ok()) << read.status();
      state = *std::move(read);
    });
    return state;
  }

  std::unique_ptr<PacketLab> lab_;
  std::unique_ptr<Controller> controller_;
};

// ---- Open connections.

struct OpenCase {
  const char* name;
  Place from;
  Place to;
  PolicyBuilder deny;
};

TEST_F(KubeRouterLifeTest, OpenConnectionsOutliveADenyAndNewOnesDoNotOpen) {
  const std::vector<OpenCase> cases = {
      {"into a pod", kRemote, kServer, Deny("server", "Ingress")},
      {"out of a pod", kServer, kRemote, Deny("server", "Egress")},
      {"between two pods", kClient, kServer, Deny("server", "Ingress")},
  };
  Start(SmallCluster());
  for (const OpenCase& c : cases) {
    for (Family family : kFamilies) {
      SCOPED_TRACE(absl::StrCat(c.name, " ", FamilyName(family)));
      UdpFlow flow =
          lab_->OpenUdpFlow(c.from.Address(family), c.to.Address(family), 8080);
      EXPECT_EQ(*flow.SendForward(), kAllowed);
      EXPECT_EQ(*flow.SendReply(), kAllowed);
      Tell({Upsert(c.deny.Build())});
      EXPECT_EQ(*flow.SendForward(), kAllowed);
      EXPECT_EQ(*flow.SendReply(), kAllowed);
      UdpFlow next =
          lab_->OpenUdpFlow(c.from.Address(family), c.to.Address(family), 8080);
      EXPECT_EQ(*next.SendForward(), kRejected);
      Tell({Delete(c.deny.Build())});
    }
  }
}

// ---- Servers that are no pods.

TEST_F(KubeRouterLifeTest, ServerOnTheHostsNetworkIsNotIsolated) {
  Cluster cluster = SmallCluster();
  cluster.pods.push_back(
      PodAt(kHost, "shop", "host-server").HostNetwork().Build());
  cluster.policies = {Deny("host-server", "Ingress").Build()};
  Start(cluster);
  ExpectProbe(kClient, kHost, 19080, kAllowed);
  ExpectProbe(kRemote, kHost, 19080, kAllowed);
}

TEST_F(KubeRouterLifeTest, ApiServerIsReachedUnlessEgressSaysOtherwise) {
  Start(SmallCluster());
  ExpectProbe(kClient, kApiServer, 6443, kAllowed);
  Tell({Upsert(PolicyBuilder("shop", "dns")
                   .Types({"Egress"})
                   .Egress({}, {NumberPort("UDP", 53)})
                   .Build())});
  ExpectProbe(kClient, kApiServer, 6443, kRejected);
  ExpectProbe(kClient, kApiServer, 53, kAllowed, IPPROTO_UDP);
  ExpectProbe(kClient, kApiServer, 53, kRejected, IPPROTO_TCP);
}

// Egress of a pod ends where a service proxy takes over.
TEST_F(KubeRouterLifeTest, NodePortsOfTheNodeAreLeftToTheServiceProxy) {
  Cluster cluster = SmallCluster();
  cluster.policies = {Deny("client", "Egress").Build()};
  Start(cluster);
  for (uint8_t protocol : {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP}) {
    ExpectProbe(kClient, kHost, 29999, kRejected, protocol);
    ExpectProbe(kClient, kHost, 30000, kAllowed, protocol);
    ExpectProbe(kClient, kHost, 32767, kAllowed, protocol);
    ExpectProbe(kClient, kHost, 32768, kRejected, protocol);
    // Of this node only.
    ExpectProbe(kClient, kApiServer, 30000, kRejected, protocol);
  }
}

TEST_F(KubeRouterLifeTest, NodeReachesItsOwnPodsWhateverThePolicies) {
  Cluster cluster = SmallCluster();
  cluster.policies = {Deny("server", "Ingress").Build()};
  Start(cluster);
  ExpectProbe(kHost, kServer, 8080, kAllowed);
  // Another host is a stranger as any other.
  ExpectProbe(kApiServer, kServer, 8080, kRejected);
}

// ---- Names.

TEST_F(KubeRouterLifeTest, LongestNamesAreEnforced) {
  const std::string ns(63, 'n');
  const std::string policy(253, 'p');
  Cluster cluster;
  cluster.namespaces = {MakeNamespace(ns)};
  cluster.pods = {
      PodAt(kServer, ns, std::string(253, 's')).Label("app", "server").Build(),
      PodAt(kClient, ns, std::string(253, 'c')).Label("app", "client").Build(),
      PodAt(kRemote, ns, std::string(253, 'r'), "node-b").Build()};
  cluster.policies = {PolicyBuilder(ns, policy)
                          .Selects(LabelList{{"app", "server"}})
                          .Types({"Ingress"})
                          .Ingress({PodPeer(MatchLabels({{"app", "client"}}))})
                          .Build()};
  Start(cluster);
  for (uint8_t protocol : {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP}) {
    ExpectProbe(kClient, kServer, 80, kAllowed, protocol);
    ExpectProbe(kRemote, kServer, 80, kRejected, protocol);
  }
}

TEST_F(KubeRouterLifeTest, NamesThatReadTheSameInARowAreApart) {
  Cluster cluster;
  cluster.namespaces = {MakeNamespace("a"), MakeNamespace("ab")};
  cluster.pods = {PodAt(kServer, "a", "bc").Build(),
                  PodAt(kClient, "ab", "c").Build()};
  cluster.policies = {
      PolicyBuilder("a", "bc").Types({"Ingress"}).Build(),
      PolicyBuilder("ab", "c").Types({"Ingress"}).Ingress().Build()};
  Start(cluster);
  ExpectProbe(kRemote, kServer, 80, kRejected);
  ExpectProbe(kRemote, kClient, 80, kAllowed);
}

// ---- Restarts.

TEST_F(KubeRouterLifeTest, DenyHoldsWhileTheControllerIsRestarted) {
  constexpr int kRestarts = 20;
  Cluster cluster = SmallCluster();
  cluster.policies = {Deny("server", "Ingress").Build()};
  Start(cluster);
  std::atomic<int> restarts = 0;
  std::thread restarter([&] {
    for (int i = 0; i < kRestarts; ++i, ++restarts) {
      // The old one goes first, as a DaemonSet's pod does.
      controller_.reset();
      Start(cluster);
    }
  });
  const std::vector<ProbeSpec> specs = {
      {kRemote.Address(Family::kIPv4), kServer.Address(Family::kIPv4),
       IPPROTO_TCP, 8080},
      {kClient.Address(Family::kIPv6), kServer.Address(Family::kIPv6),
       IPPROTO_UDP, 8080},
      {kServer.Address(Family::kIPv4), kRemote.Address(Family::kIPv4),
       IPPROTO_TCP, 8080}};
  const std::vector<ProbeOutcome> right = {kRejected, kRejected, kAllowed};
  const absl::StatusOr<SteadyProbes> probes =
      ProbeUntil([&] { return restarts == kRestarts; }, *lab_, specs, right);
  restarter.join();
  ASSERT_TRUE(probes.ok()) << probes.status();
  EXPECT_EQ(probes->wrong, 0) << "of " << probes->packets << " packets";
  EXPECT_GT(probes->rounds, kRestarts);
  std::cout << probes->rounds << " rounds of " << specs.size()
            << " packets during " << kRestarts << " restarts, " << probes->wrong
            << " judged wrongly\n";
}

// ---- What is left behind.

size_t ChainsNamed(const Snapshot& state, absl::string_view prefix) {
  size_t count = 0;
  for (Family family : kFamilies) {
    for (const auto& [name, rules] : state.table(family).chains)
      count += absl::StartsWith(name.value(), prefix) ? 1 : 0;
  }
  return count;
}

TEST_F(KubeRouterLifeTest, NamespaceThatComesAndGoesLeavesNothing) {
  Start(SmallCluster());
  const Snapshot before = KernelState();
  const size_t pod_chains = ChainsNamed(before, "KUBE-POD-FW-");
  const size_t policy_chains = ChainsNamed(before, "KUBE-NWPLCY-");
  for (int round = 0; round < 2; ++round) {
    std::vector<v1::WatchEvent> come = {Upsert(MakeNamespace("gc"))};
    std::vector<v1::WatchEvent> go;
    for (int i = 0; i < 4; ++i) {
      const std::string name = absl::StrCat("gc-", i);
      const k8s::Pod pod = PodBuilder("gc", name)
                               .On(kNode)
                               .Ip(absl::StrCat("10.42.0.", 20 + i))
                               .Ip(absl::StrCat("fd00:42::", 20 + i))
                               .Label("app", name)
                               .Build();
      const k8s::NetworkPolicy policy =
          PolicyBuilder("gc", name)
              .Selects(LabelList{{"app", name}})
              .Types({"Ingress"})
              .Ingress({PodPeer(MatchLabels({{"from", name}}))})
              .Build();
      come.insert(come.end(), {Upsert(pod), Upsert(policy)});
      go.insert(go.end(), {Delete(policy), Delete(pod)});
    }
    go.push_back(Delete(MakeNamespace("gc")));
    Tell(come);
    const Snapshot during = KernelState();
    // Four each, in both families.
    EXPECT_GE(ChainsNamed(during, "KUBE-POD-FW-"), pod_chains + 8);
    EXPECT_GE(ChainsNamed(during, "KUBE-NWPLCY-"), policy_chains + 8);
    EXPECT_EQ(during.sets.size(), before.sets.size() + 8);
    Tell(go);
    const Snapshot after = KernelState();
    EXPECT_EQ(ChainsNamed(after, "KUBE-POD-FW-"), pod_chains);
    EXPECT_EQ(ChainsNamed(after, "KUBE-NWPLCY-"), policy_chains);
    EXPECT_EQ(after.sets.size(), before.sets.size());
  }
}

}  // namespace
}  // namespace netpol
