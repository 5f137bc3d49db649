#include "netpol/controller.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/fake_dataplane.h"

namespace netpol {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

ControllerOptions Options() {
  ControllerOptions options;
  options.node_name = "node-a";
  options.layout.families = {Family::kIPv4, Family::kIPv6};
  return options;
}

PodBuilder Web() {
  return PodBuilder("red", "web")
      .On("node-a")
      .Ip("10.42.0.5")
      .Label("app", "web");
}

class ControllerTest : public testing::Test {
 protected:
  ControllerTest() {
    auto owned = std::make_unique<FakeDataplane>();
    kernel_ = owned.get();
    controller_ = *Controller::Create(Options(), std::move(owned));
  }

  void Tell(const v1::WatchEvent& event) {
    const absl::Status status = controller_->OnEvent(event);
    EXPECT_TRUE(status.ok()) << status;
  }
  void TellListed() {
    for (const v1::WatchEvent& event : ListingOf(Cluster())) Tell(event);
  }
  SyncReport Sync() {
    absl::StatusOr<SyncReport> report = controller_->Sync();
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *report : SyncReport();
  }
  std::string PlanText() {
    absl::StatusOr<Plan> plan = controller_->Preview();
    EXPECT_TRUE(plan.ok()) << plan.status();
    return plan.ok() ? plan->ToString() : "";
  }
  bool InKernel(const ChainName& chain) const {
    return kernel_->state().table(Family::kIPv4).chains.count(chain) > 0;
  }

  FakeDataplane* kernel_ = nullptr;
  std::unique_ptr<Controller> controller_;
};

// ---- Options.

absl::Status CreateWith(const ControllerOptions& options) {
  return Controller::Create(options, std::make_unique<FakeDataplane>())
      .status();
}

TEST(ControllerCreateTest, OptionsThatCannotWorkAreRefused) {
  EXPECT_TRUE(CreateWith(Options()).ok());
  std::vector<ControllerOptions> bad(6, Options());
  bad[0].node_name = "";
  bad[1].layout.families = {};
  bad[2].layout.allowed_mark = 0;
  bad[3].layout.passed_mark = 0;
  bad[4].layout.passed_mark = bad[4].layout.allowed_mark | 1;
  bad[5].layout.node_ports = {32767, 30000};
  for (const ControllerOptions& options : bad) {
    const absl::Status status = CreateWith(options);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_FALSE(status.message().empty());
  }
}

// ---- Listings.

TEST_F(ControllerTest, NothingIsDoneUntilEveryKindIsListed) {
  Tell(Upsert(Web().Build()));
  Tell(Upsert(PolicyBuilder("red", "p").Build()));
  for (auto kind : {v1::WatchEvent::NAMESPACE, v1::WatchEvent::POD}) {
    EXPECT_TRUE(absl::IsFailedPrecondition(controller_->Sync().status()));
    EXPECT_TRUE(absl::IsFailedPrecondition(controller_->Preview().status()));
    Tell(Listed(kind));
  }
  const absl::Status status = controller_->Sync().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("network policies"));
  EXPECT_THAT(kernel_->log(), IsEmpty()) << "the kernel was not even read";
  Tell(Listed(v1::WatchEvent::NETWORK_POLICY));
  Sync();
  EXPECT_TRUE(
      InKernel(PodChain({"red", "web"}, Direction::kIngress, Family::kIPv4)));
}

TEST_F(ControllerTest, NodesNeedNotBeListed) {
  for (auto kind : {v1::WatchEvent::NAMESPACE, v1::WatchEvent::POD,
                    v1::WatchEvent::NETWORK_POLICY})
    Tell(Listed(kind));
  EXPECT_TRUE(controller_->Sync().ok());
}

// ---- Events.

TEST_F(ControllerTest, EventsTouchMemoryOnly) {
  TellListed();
  Sync();
  kernel_->ClearLog();
  Tell(Upsert(Web().Build()));
  Tell(Upsert(PolicyBuilder("red", "p").Build()));
  Tell(Delete(Web().Build()));
  EXPECT_THAT(kernel_->log(), IsEmpty());
}

std::vector<v1::WatchEvent> BadEvents() {
  std::vector<v1::WatchEvent> events(4);
  events[1].set_type(v1::WatchEvent::UPSERT);
  events[2].set_type(v1::WatchEvent::DELETE);
  events[3].set_type(v1::WatchEvent::LISTED);
  events.push_back(Upsert(MakeNamespace("")));
  events.push_back(Upsert(PodBuilder("red", "").Ip("10.42.0.9").Build()));
  events.push_back(Upsert(PodBuilder("", "web").Ip("10.42.0.9").Build()));
  events.push_back(Upsert(PolicyBuilder("red", "").Build()));
  events.push_back(Upsert(PolicyBuilder("", "p").Build()));
  events.push_back(Delete(MakeNamespace("")));
  events.push_back(Delete(PodBuilder("red", "").Build()));
  events.push_back(Delete(PodBuilder("", "web").Build()));
  events.push_back(Delete(PolicyBuilder("red", "").Build()));
  events.push_back(Delete(PolicyBuilder("", "p").Build()));
  return events;
}

TEST_F(ControllerTest, BadEventIsRefusedAndChangesNothing) {
  TellListed();
  Tell(Upsert(MakeNamespace("red")));
  Tell(Upsert(Web().Build()));
  Tell(Upsert(PolicyBuilder("red", "p").Build()));
  Sync();
  for (const v1::WatchEvent& event : BadEvents()) {
    const absl::Status status = controller_->OnEvent(event);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << event.DebugString();
    EXPECT_EQ(PlanText(), "") << event.DebugString();
  }
  EXPECT_EQ(controller_->counts().pods, 1u);
  EXPECT_EQ(controller_->counts().namespaces, 1u);
  EXPECT_EQ(controller_->counts().policies, 1u);
  EXPECT_THAT(controller_->problems(), IsEmpty());
}

TEST_F(ControllerTest, NodesAreTakenAndMeanNothing) {
  TellListed();
  Sync();
  k8s::Node node;
  node.mutable_metadata()->set_name("node-a");
  Tell(Upsert(node));
  Tell(Delete(node));
  EXPECT_EQ(PlanText(), "");
}

// ---- Broken policies.

PolicyBuilder Broken() {
  return PolicyBuilder("red", "broken")
      .Ingress({BlockPeer("not a block")}, {NumberPort("TCP", 80)});
}

TEST_F(ControllerTest, BrokenPolicyIsolatesAndIsNamedUntilItIsMended) {
  TellListed();
  Tell(Upsert(Web().Build()));
  Tell(Upsert(Broken().Build()));
  Tell(Upsert(PolicyBuilder("red", "sound").Build()));
  const SyncReport report = Sync();
  EXPECT_FALSE(report.retry) << "trying again would not help";
  const ObjectKey key{"red", "broken"};
  ASSERT_THAT(controller_->problems(), SizeIs(1));
  EXPECT_THAT(controller_->problems().at(key),
              Contains(HasSubstr("spec.ingress[0].from[0]")));
  EXPECT_TRUE(InKernel(PolicyChain(key, Direction::kIngress, Family::kIPv4)));
  Tell(Upsert(PolicyBuilder("red", "broken").Ingress().Build()));
  EXPECT_THAT(controller_->problems(), IsEmpty());
}

TEST_F(ControllerTest, ProblemsOfADeletedPolicyAreForgotten) {
  Tell(Upsert(Broken().Build()));
  EXPECT_THAT(controller_->problems(), SizeIs(1));
  Tell(Delete(Broken().Build()));
  EXPECT_THAT(controller_->problems(), IsEmpty());
}

// ---- Syncs.

TEST_F(ControllerTest, PreviewShowsWhatSyncThenDoes) {
  TellListed();
  Tell(Upsert(Web().Build()));
  Tell(Upsert(PolicyBuilder("red", "p").Build()));
  const std::string plan = PlanText();
  EXPECT_THAT(plan, HasSubstr("red/web"));
  EXPECT_EQ(kernel_->writes().total(), 0u);
  EXPECT_EQ(PlanText(), plan) << "looking changes nothing";
  Sync();
  EXPECT_EQ(PlanText(), "");
  EXPECT_EQ(Sync().writes.total(), 0u);
}

TEST_F(ControllerTest, WhatCouldNotBeDoneIsDoneNextTime) {
  TellListed();
  Tell(Upsert(Web().Build()));
  Tell(Upsert(PolicyBuilder("red", "p").Build()));
  kernel_->FailAlways(OperationKind::kCommitTable,
                      absl::UnavailableError("the lock is held"));
  EXPECT_TRUE(absl::IsUnavailable(controller_->Sync().status()));
  EXPECT_TRUE(absl::IsUnavailable(controller_->Sync().status()));
  kernel_->StopFailing();
  Sync();
  EXPECT_TRUE(
      InKernel(PodChain({"red", "web"}, Direction::kIngress, Family::kIPv4)));
}

TEST_F(ControllerTest, ResyncMendsWhatOthersDid) {
  TellListed();
  Sync();
  kernel_->table(Family::kIPv4).Clear();
  EXPECT_EQ(Sync().writes.total(), 0u);
  controller_->QueueResync();
  EXPECT_GT(Sync().writes.total(), 0u);
  EXPECT_TRUE(kernel_->state().table(Family::kIPv4).hooks_in_place);
}

TEST_F(ControllerTest, CountsSayHowMuchThereIs) {
  TellListed();
  Tell(Upsert(MakeNamespace("red")));
  Tell(Upsert(Web().Build()));
  Tell(Upsert(PolicyBuilder("red", "p").Build()));
  Sync();
  const ControllerCounts counts = controller_->counts();
  EXPECT_EQ(counts.namespaces, 1u);
  EXPECT_EQ(counts.pods, 1u);
  EXPECT_EQ(counts.policies, 1u);
  const Snapshot kernel = kernel_->state();
  EXPECT_EQ(counts.sets, kernel.sets.size());
  size_t chains = 0;
  size_t rules = 0;
  for (Family family : kFamilies) {
    chains += kernel.table(family).chains.size();
    for (const auto& [name, content] : kernel.table(family).chains)
      rules += content.size();
  }
  EXPECT_EQ(counts.chains, chains);
  EXPECT_EQ(counts.rules, rules);
}

TEST_F(ControllerTest, SeveralControllersDoNotKnowEachOther) {
  auto owned = std::make_unique<FakeDataplane>();
  FakeDataplane* other_kernel = owned.get();
  ControllerOptions options = Options();
  options.node_name = "node-b";
  const std::unique_ptr<Controller> other =
      *Controller::Create(options, std::move(owned));
  Cluster cluster;
  cluster.pods = {Web().Build()};
  cluster.policies = {PolicyBuilder("red", "p").Build()};
  for (const v1::WatchEvent& event : ListingOf(cluster)) {
    Tell(event);
    ASSERT_TRUE(other->OnEvent(event).ok());
  }
  Sync();
  ASSERT_TRUE(other->Sync().ok());
  const ChainName chain =
      PodChain({"red", "web"}, Direction::kIngress, Family::kIPv4);
  EXPECT_TRUE(InKernel(chain));
  EXPECT_EQ(other_kernel->state().table(Family::kIPv4).chains.count(chain), 0u);
}

// ---- This node.

TEST_F(ControllerTest, NodeObjectsComeAndGoWithoutAWrite) {
  TellListed();
  Tell(Upsert(Web().Build()));
  Tell(Upsert(PolicyBuilder("red", "deny").Build()));
  Sync();
  for (const v1::WatchEvent& event :
       {Upsert(NodeBuilder("node-a").Address("172.31.0.1").Build()),
        Upsert(NodeBuilder("node-a").PodCidr("10.42.0.0/24").Build()),
        Delete(NodeBuilder("node-a").Build()),
        Upsert(NodeBuilder("node-b").Build())}) {
    Tell(event);
    EXPECT_EQ(Sync().writes.total(), 0u);
    EXPECT_THAT(controller_->node_problems(), IsEmpty());
  }
  EXPECT_FALSE(controller_->OnEvent(Upsert(k8s::Node())).ok());
  EXPECT_FALSE(controller_->OnEvent(Delete(k8s::Node())).ok());
}

TEST_F(ControllerTest, APodThatClaimsAnAddressOfTheNodeIsAProblem) {
  TellListed();
  Tell(Upsert(Web().Build()));
  controller_->SetNodeAddresses({*IpAddress::Parse("172.31.0.1")});
  EXPECT_THAT(controller_->node_problems(), IsEmpty());
  controller_->SetNodeAddresses(
      {*IpAddress::Parse("172.31.0.1"), *IpAddress::Parse("10.42.0.5")});
  ASSERT_THAT(controller_->node_problems(), SizeIs(1));
  EXPECT_THAT(controller_->node_problems()[0],
              HasSubstr("pod red/web claims 10.42.0.5"));
  Tell(Upsert(Web().HostNetwork().Build()));
  EXPECT_THAT(controller_->node_problems(), IsEmpty());
}

TEST_F(ControllerTest, ANodeObjectOfAnotherMachineIsAProblem) {
  TellListed();
  Tell(Upsert(NodeBuilder("node-a")
                  .Address("172.31.0.1")
                  .Address("fd00:31::1")
                  .Address("198.51.100.1", "ExternalIP")
                  .Build()));
  EXPECT_THAT(controller_->node_problems(), IsEmpty()) << "nothing is known";
  controller_->SetNodeAddresses({*IpAddress::Parse("198.51.100.1")});
  ASSERT_THAT(controller_->node_problems(), SizeIs(1));
  EXPECT_THAT(controller_->node_problems()[0],
              HasSubstr("InternalIPs of Node node-a (172.31.0.1, fd00:31::1)"));
  EXPECT_THAT(controller_->node_problems()[0],
              HasSubstr("--hostname-override"));
  controller_->SetNodeAddresses({*IpAddress::Parse("fd00:31::1")});
  EXPECT_THAT(controller_->node_problems(), IsEmpty());
}

}  // namespace
}  // namespace netpol
