// The time between a pod's first packet and its rules (C051): how long it is,
// and what passes in it.
#include <chrono>
#include <condition_variable>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/controller_loop.h"
#include "netpol/testing/builders.h"
#include "tests/cases/case_folders.h"
#include "tests/cases/node_and_neighbours/neighbour_node.h"
#include "tests/kernel/lab/lab_flavour.h"

namespace netpol {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

// Between the pod of the case, which nobody was told of yet, and others.
std::vector<CaseCheck> ChecksInTheGap(bool allowed) {
  return {{"10.42.0.117", "203.0.113.1", IPPROTO_TCP, 443, allowed},
          {"203.0.113.1", "10.42.0.117", IPPROTO_TCP, 80, allowed},
          {"10.42.0.117", "free/open", IPPROTO_TCP, 80, allowed},
          {"free/open", "10.42.0.117", IPPROTO_TCP, 80, allowed},
          {"free/open", "203.0.113.1", IPPROTO_TCP, 443, true},
          {"203.0.113.1", "free/open", IPPROTO_TCP, 80, true},
          // Probes, before the pod is known and after.
          {"172.31.0.1", "10.42.0.117", IPPROTO_TCP, 80, true}};
}

class NewPodGapTest : public NeighbourNodeTest {
 protected:
  void Start(bool default_deny) {
    LayoutOptions layout;
    layout.families = {Family::kIPv4, Family::kIPv6};
    layout.default_deny = default_deny;
    StartController(layout, OpenKernel());
  }

  // The policy, its node, a pod that nothing selects; the pod of the case runs
  // already.
  void ReachTheGap() {
    Tell(Upsert(
        PodBuilder("free", "open").On("node-a").Ip("10.42.0.30").Build()));
    ASSERT_NO_FATAL_FAILURE(TellStep(ReadIt("C051"), 0));
    Settle();
    ASSERT_TRUE(lab().AddPod("early", {*IpAddress::Parse("10.42.0.117")}).ok());
    ASSERT_TRUE(lab().AddPod("open", {*IpAddress::Parse("10.42.0.30")}).ok());
    ASSERT_TRUE(lab().AddRemote({*IpAddress::Parse("203.0.113.1")}).ok());
  }

  // The lab stays as ReachTheGap() made it.
  void ExpectOutcomes(const std::vector<CaseCheck>& checks) {
    for (const CaseCheck& check : checks) {
      const absl::StatusOr<IpAddress> from = AddressOf(cluster(), check.from);
      const absl::StatusOr<IpAddress> to = AddressOf(cluster(), check.to);
      ASSERT_TRUE(from.ok() && to.ok()) << check;
      const absl::StatusOr<ProbeOutcome> outcome =
          lab().ProbeOne({*from, *to, check.protocol, check.port});
      ASSERT_TRUE(outcome.ok()) << outcome.status();
      EXPECT_EQ(*outcome == ProbeOutcome::kAllowed, check.allowed) << check;
    }
  }
};

TEST_F(NewPodGapTest, TheGapIsMeasured) {
  Start(/*default_deny=*/false);
  ReachTheGap();
  ExpectOutcomes(ChecksInTheGap(/*allowed=*/true));
  const Case told = ReadIt("C051");
  const auto events = EventsOf(told.steps[1]);
  ASSERT_TRUE(events.ok()) << events.status();
  const absl::Time begin = absl::Now();
  TellAll(*events);
  Sync();
  std::cout << "the pod's rules are in force " << absl::Now() - begin
            << " after it was told of\n";
  ExpectOutcomes(told.steps[1].checks);
}

// The same with the loop and its pacing, as the daemon runs it.
TEST_F(NewPodGapTest, TheGapOfTheLoopIsMeasured) {
  const Case told = ReadIt("C051");
  auto first = EventsOf(told.steps[0]);
  const auto second = EventsOf(told.steps[1]);
  ASSERT_TRUE(first.ok() && second.ok());
  for (const v1::WatchEvent& event : ListingOf({})) first->push_back(event);

  std::mutex mutex;
  std::condition_variable changed;
  int chains = 0;
  const auto await_chains = [&](int wanted) {
    std::unique_lock<std::mutex> lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20),
                            [&] { return chains >= wanted; });
  };
  OnNode([&] {
    absl::StatusOr<std::unique_ptr<LinuxDataplane>> kernel = OpenLabKernel();
    ASSERT_TRUE(kernel.ok()) << kernel.status();
    ControllerOptions options;
    options.node_name = kCaseNode;
    auto controller = Controller::Create(options, *std::move(kernel));
    ASSERT_TRUE(controller.ok()) << controller.status();
    ControllerLoopCallbacks callbacks;
    callbacks.on_synced = [&](const SyncReport& report) {
      const std::lock_guard<std::mutex> lock(mutex);
      chains += report.chains_written;
      changed.notify_all();
    };
    ControllerLoop loop(*std::move(controller), PacerOptions(), callbacks);
    loop.Post(*first);
    ASSERT_TRUE(await_chains(1));
    int before;
    {
      const std::lock_guard<std::mutex> lock(mutex);
      before = chains;
    }
    const absl::Time begin = absl::Now();
    loop.Post(*second);
    ASSERT_TRUE(await_chains(before + 1));
    std::cout << "the pod's rules are in force " << absl::Now() - begin
              << " after the loop was told of it\n";
  });
  EXPECT_THAT(FilterTable(), HasSubstr("gap/job"));
}

TEST_F(NewPodGapTest, WithDefaultDenyNothingPassesInTheGapButProbes) {
  Start(/*default_deny=*/true);
  ReachTheGap();
  // The case's Node has an IPv4 block alone.
  EXPECT_THAT(controller().node_problems(),
              ElementsAre(HasSubstr("without effect for IPv6")));
  ExpectOutcomes(ChecksInTheGap(/*allowed=*/false));
  const Case told = ReadIt("C051");
  ASSERT_NO_FATAL_FAILURE(TellStep(told, 1));
  Settle();
  ExpectOutcomes(told.steps[1].checks);
  ExpectOutcomes({{"172.31.0.1", "gap/job", IPPROTO_TCP, 80, true},
                  {"free/open", "gap/job", IPPROTO_TCP, 80, true},
                  {"gap/job", "free/open", IPPROTO_TCP, 80, false}});
}

TEST_F(NewPodGapTest, TheRefusalStandsBeforeTheAcceptanceOfMarkedPackets) {
  Start(/*default_deny=*/true);
  ReachTheGap();
  const std::vector<std::string> tail = RulesOf("KUBE-NWPLCY-TAIL");
  int refusals = 0;
  for (const std::string& rule : tail) {
    if (rule.find("-j ACCEPT") != std::string::npos) break;
    if (rule.find("-j REJECT") != std::string::npos) ++refusals;
  }
  EXPECT_EQ(refusals, 2) << "of the pod as source and as destination";
  EXPECT_THAT(tail, Contains(HasSubstr("-j ACCEPT")));
}

TEST_F(NewPodGapTest, DefaultDenyWithoutPodCidrsSaysSoAndTheRestIsEnforced) {
  Start(/*default_deny=*/true);
  k8s::Node node;
  node.mutable_metadata()->set_name("node-a");
  Tell(Upsert(node));
  TellAll(ListingOf({}));
  Sync();
  ASSERT_THAT(controller().node_problems(),
              Contains(HasSubstr("--netpol-default-deny is without effect")));
  EXPECT_THAT(controller().node_problems(),
              Contains(HasSubstr("spec.podCIDRs")));
  const Case told = ReadIt("C051");
  ASSERT_NO_FATAL_FAILURE(TellStep(told, 0));
  ASSERT_NO_FATAL_FAILURE(TellStep(told, 1));
  Settle();
  // The case's Node has an IPv4 block alone.
  EXPECT_THAT(controller().node_problems(),
              ElementsAre(HasSubstr("without effect for IPv6")));
  ExpectVerdicts(told.steps[1].checks);
}

}  // namespace
}  // namespace netpol
