// The process that enforces is killed at every call by which it changes the
// kernel, and another one starts.
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/base/status_macros.h"
#include "netpol/testing/builders.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/take_over/hook_watch.h"
#include "tests/kernel/take_over/killed_process.h"
#include "tests/kernel/take_over/kube_router_layout.h"
#include "tests/kernel/take_over/take_over_cluster.h"
#include "tests/kernel/take_over/taken_node.h"
#include "tests/kernel/take_over/watched_traffic.h"

namespace netpol {
namespace {

using Lines = std::vector<std::string>;
using ::testing::Contains;
using ::testing::ElementsAreArray;
using ::testing::StartsWith;

// More than any batch makes.
constexpr int kMostCalls = 1000;
constexpr int kCrowd = 300;

// What may come in one batch without a bearing on what is watched: policies
// come, go and change, a pod of this node comes, and so many peers that a set
// is built anew.
std::vector<v1::WatchEvent> Changes() {
  std::vector<v1::WatchEvent> events = {
      Upsert(PolicyBuilder("shop", "more")
                 .Selects({{"app", "web"}})
                 .Types({"Ingress"})
                 .Ingress({BlockPeer("192.0.2.0/24")}, {NumberPort("TCP", 443)})
                 .Build()),
      Upsert(PolicyBuilder("shop", "db")
                 .Selects({{"app", "db"}})
                 .Types({"Ingress"})
                 .Ingress({PodPeer(MatchLabels({{"app", "web"}}))},
                          {RangePort("UDP", 8080, 8091)})
                 .Build()),
      Delete(PolicyBuilder("ops", "elsewhere").Build()),
      Upsert(PodBuilder("shop", "late")
                 .On(kTakenNode)
                 .Ip("10.42.0.14")
                 .Ip("fd00:42::14")
                 .Label("app", "web")
                 .Phase("Running")
                 .Build()),
  };
  for (int i = 0; i < kCrowd; ++i) {
    events.push_back(
        Upsert(PodBuilder("ops", absl::StrCat("crowd-", i))
                   .On("node-c")
                   .Ip(absl::StrCat("10.99.", i / 256, ".", i % 256))
                   .Ip(absl::StrCat("fd00:99::", absl::Hex(i + 1)))
                   .Label("role", "client")
                   .Phase("Running")
                   .Build()));
  }
  return events;
}

// What takes Changes() back.
std::vector<v1::WatchEvent> Undoing(const Cluster& before) {
  std::vector<v1::WatchEvent> events;
  for (const v1::WatchEvent& event : Changes()) {
    if (event.has_pod()) events.push_back(Delete(event.pod()));
    if (event.has_network_policy() && event.type() == v1::WatchEvent::UPSERT &&
        event.network_policy().metadata().name() == "more") {
      events.push_back(Delete(event.network_policy()));
    }
  }
  for (const k8s::NetworkPolicy& policy : before.policies)
    events.push_back(Upsert(policy));
  return events;
}

class KillTest : public LabFixture,
                 public testing::WithParamInterface<Flavour> {
 protected:
  void SetUp() override {
    LabFixture::SetUp();
    if (IsSkipped()) return;
    absl::StatusOr<std::unique_ptr<PacketLab>> lab = MakeTakenLab();
    ASSERT_TRUE(lab.ok()) << lab.status();
    lab_ = *std::move(lab);
    enforcement_.flavour = GetParam();
    enforcement_.default_deny = true;
  }

  const NetNs& node() const { return lab_->node(); }

  // What of all flows is judged wrongly at this moment. `unknown`: also to and
  // from what is no pod, of whose refusal kube-router's rules let nobody know,
  // so that each look takes a while.
  std::string Wrong(bool unknown) {
    const std::vector<WatchedFlow> flows = TakeOverFlows(unknown);
    std::vector<ProbeSpec> specs;
    for (const WatchedFlow& flow : flows) {
      specs.push_back({flow.packet.source, flow.packet.destination,
                       flow.packet.protocol, flow.packet.destination_port});
    }
    const absl::StatusOr<std::vector<ProbeOutcome>> outcomes =
        lab_->Probe(specs);
    if (!outcomes.ok()) return outcomes.status().ToString();
    packets_ += static_cast<int>(flows.size());
    std::string wrong;
    for (size_t i = 0; i < flows.size(); ++i) {
      const bool arrived = (*outcomes)[i] == ProbeOutcome::kAllowed;
      if (arrived == flows[i].allowed) continue;
      absl::StrAppend(&wrong, flows[i].packet.ToString(),
                      arrived ? " passed\n" : " was lost\n");
    }
    return wrong;
  }

  Lines FreshListing(const Cluster& cluster) {
    const absl::StatusOr<NetNs> ns = NetNs::Create();
    EXPECT_TRUE(ns.ok()) << ns.status();
    EXPECT_TRUE(EnforceOn(*ns, cluster, enforcement_).ok());
    const absl::StatusOr<Lines> listing = Listing(*ns, GetParam());
    EXPECT_TRUE(listing.ok()) << listing.status();
    return listing.ok() ? *listing : Lines();
  }

  // As often as it takes: `prepare` the node's kernel, let `work` be killed one
  // call later than the last time, and let another process see to `cluster`.
  // `flavours` have the jumps, the older first.
  void KillEverywhere(const std::vector<Flavour>& flavours,
                      const std::function<absl::Status()>& prepare,
                      const std::function<absl::Status()>& work,
                      const Cluster& cluster);

  std::unique_ptr<PacketLab> lab_;
  Enforcement enforcement_;
  int packets_ = 0;
};

void KillTest::KillEverywhere(const std::vector<Flavour>& flavours,
                              const std::function<absl::Status()>& prepare,
                              const std::function<absl::Status()>& work,
                              const Cluster& cluster) {
  const Lines fresh = Uncounted(FreshListing(cluster));
  bool killed = true;
  int calls = 0;
  for (; killed && calls < kMostCalls && !HasFailure(); ++calls) {
    SCOPED_TRACE(absl::StrCat("killed before call ", calls));
    ASSERT_TRUE(Clear(node()).ok());
    const absl::Status prepared = prepare();
    ASSERT_TRUE(prepared.ok()) << prepared;
    const absl::Status child = node().Run([&]() -> absl::Status {
      ASSIGN_OR_RETURN(killed, RunAndKill(calls, work));
      return absl::OkStatus();
    });
    ASSERT_TRUE(child.ok()) << child;
    EXPECT_EQ(Wrong(enforcement_.default_deny), "");
    EXPECT_EQ(HookFault(node(), flavours), "");
    std::string wrong;
    bool committed = false;
    Enforcement second = enforcement_;
    second.after = [&](absl::string_view step) {
      // No set that a rule uses can go.
      if (absl::StartsWith(step, "destroyed")) return;
      committed = committed || absl::StartsWith(step, "committed");
      const std::string some = Wrong(committed && enforcement_.default_deny);
      if (!some.empty()) absl::StrAppend(&wrong, step, ": ", some);
    };
    const absl::Status started = EnforceOn(node(), cluster, second);
    ASSERT_TRUE(started.ok()) << started;
    EXPECT_EQ(wrong, "");
    EXPECT_EQ(HookFault(node(), {GetParam()}), "");
    const absl::StatusOr<Lines> listing = Listing(node(), GetParam());
    ASSERT_TRUE(listing.ok()) << listing.status();
    EXPECT_THAT(Uncounted(*listing), ElementsAreArray(fresh));
  }
  EXPECT_FALSE(killed);
  EXPECT_GT(calls, 10);
  std::cout << calls - 1 << " kills, " << packets_ << " packets\n";
}

TEST_P(KillTest, TakeOverEndsWellWhereverItIsCutShort) {
  KubeRouterOptions options;
  options.node = kTakenNode;
  options.pod_cidrs = TakenPodCidrs();
  const Cluster cluster = TakeOverCluster();
  const KubeRouterText old = KubeRouterLayout(cluster, options);
  KillEverywhere(
      {GetParam()}, [&] { return Lay(old, GetParam(), node()); },
      [&]() -> absl::Status {
        CountFromHere();
        ASSIGN_OR_RETURN(const auto controller,
                         StartController(cluster, enforcement_));
        return SyncAll(*controller);
      },
      cluster);
}

TEST_P(KillTest, MoveToTheOtherFlavourEndsWellWhereverItIsCutShort) {
  enforcement_.default_deny = false;
  KubeRouterOptions options;
  options.node = kTakenNode;
  const Cluster cluster = TakeOverCluster();
  const KubeRouterText old = KubeRouterLayout(cluster, options);
  const Flavour from = OtherFlavour(GetParam());
  KillEverywhere(
      {from, GetParam()}, [&] { return Lay(old, from, node()); },
      [&]() -> absl::Status {
        CountFromHere();
        return Enforce(cluster, enforcement_);
      },
      cluster);
}

TEST_P(KillTest, OrdinaryBatchEndsWellWhereverItIsCutShort) {
  const Cluster before = TakeOverCluster();
  Cluster after = before;
  for (const v1::WatchEvent& event : Changes()) ApplyEvent(event, after);
  // A batch with everything in it.
  Lines steps;
  Enforcement told = enforcement_;
  told.after = [&](absl::string_view step) { steps.emplace_back(step); };
  ASSERT_TRUE(EnforceOn(node(), before, enforcement_).ok());
  ASSERT_TRUE(EnforceOn(node(), after, told).ok());
  for (const char* deed :
       {"created ", "added to ", "replaced ", "committed "}) {
    EXPECT_THAT(steps, Contains(StartsWith(deed)));
  }
  KillEverywhere(
      {GetParam()}, [&] { return EnforceOn(node(), before, enforcement_); },
      [&]() -> absl::Status {
        ASSIGN_OR_RETURN(const auto controller,
                         StartController(before, enforcement_));
        RETURN_IF_ERROR(SyncAll(*controller));
        for (const v1::WatchEvent& event : Changes())
          RETURN_IF_ERROR(controller->OnEvent(event));
        CountFromHere();
        return SyncAll(*controller);
      },
      after);
}

// Batch after batch, while packets flow, and again and again a process that
// ends in the midst of one.
TEST_P(KillTest, PacketsAreJudgedRightlyThroughManyDeathsAndStarts) {
  constexpr int kDeaths = 25;
  const Cluster before = TakeOverCluster();
  Cluster after = before;
  for (const v1::WatchEvent& event : Changes()) ApplyEvent(event, after);
  ASSERT_TRUE(EnforceOn(node(), before, enforcement_).ok());
  auto traffic = WatchedTraffic::Begin(lab_.get(), TakeOverFlows(true));
  ASSERT_TRUE(traffic.ok()) << traffic.status();
  const auto churn = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(const auto controller,
                     StartController(before, enforcement_));
    RETURN_IF_ERROR(SyncAll(*controller));
    for (;;) {
      for (const v1::WatchEvent& event : Changes())
        RETURN_IF_ERROR(controller->OnEvent(event));
      RETURN_IF_ERROR(SyncAll(*controller));
      for (const v1::WatchEvent& event : Undoing(before))
        RETURN_IF_ERROR(controller->OnEvent(event));
      RETURN_IF_ERROR(SyncAll(*controller));
    }
  };
  for (int death = 0; death < kDeaths; ++death) {
    (*traffic)->Note(absl::StrCat("around death ", death));
    const absl::Status child = node().Run([&]() -> absl::Status {
      ASSIGN_OR_RETURN(const pid_t pid, StartChild(churn));
      for (int i = 0; i <= death % 20; ++i) (*traffic)->AwaitRound();
      return KillChild(pid);
    });
    ASSERT_TRUE(child.ok()) << child;
    EXPECT_EQ(HookFault(node(), {GetParam()}), "");
  }
  (*traffic)->Note("at the end");
  ASSERT_TRUE(EnforceOn(node(), before, enforcement_).ok());
  (*traffic)->AwaitRound();
  const absl::StatusOr<TrafficTally> tally = (*traffic)->End();
  ASSERT_TRUE(tally.ok()) << tally.status();
  EXPECT_EQ(tally->wrong, 0) << absl::StrJoin(tally->stories, "\n");
  const absl::StatusOr<Lines> listing = Listing(node(), GetParam());
  ASSERT_TRUE(listing.ok()) << listing.status();
  EXPECT_THAT(Uncounted(*listing),
              ElementsAreArray(Uncounted(FreshListing(before))));
  std::cout << kDeaths << " deaths, " << tally->packets << " packets, "
            << tally->wrong << " judged wrongly\n";
}

INSTANTIATE_TEST_SUITE_P(Flavours, KillTest, testing::ValuesIn(kFlavours),
                         [](const auto& info) {
                           return std::string(FlavourName(info.param));
                         });

}  // namespace
}  // namespace netpol
