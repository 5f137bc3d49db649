// New listings of everything, and the wait for this node: what a source that
// follows a server asks of the controller.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/controller.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/fake_dataplane.h"

namespace netpol {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr v1::WatchEvent::Kind kKinds[] = {
    v1::WatchEvent::NAMESPACE, v1::WatchEvent::POD, v1::WatchEvent::NODE,
    v1::WatchEvent::NETWORK_POLICY};

k8s::Pod LocalPod(int number) {
  return PodBuilder("red", absl::StrCat("pod-", number))
      .On("node-a")
      .Ip(absl::StrCat("10.42.0.", number + 1))
      .Build();
}

k8s::NetworkPolicy DenyAll(absl::string_view name = "deny") {
  return PolicyBuilder("red", name).Build();
}

class ListingTest : public testing::Test {
 protected:
  void Make(ControllerOptions options = {}) {
    options.node_name = "node-a";
    auto owned = std::make_unique<FakeDataplane>();
    kernel_ = owned.get();
    controller_ = *Controller::Create(options, std::move(owned));
  }
  void Tell(const v1::WatchEvent& event) {
    const absl::Status status = controller_->OnEvent(event);
    EXPECT_TRUE(status.ok()) << status;
  }
  // All kinds, with these pods and the policy.
  void TellAll(int pods) {
    for (const v1::WatchEvent::Kind kind : kKinds) Tell(Listing(kind));
    Tell(Upsert(MakeNamespace("red")));
    for (int i = 0; i < pods; ++i) Tell(Upsert(LocalPod(i)));
    Tell(Upsert(DenyAll()));
    for (const v1::WatchEvent::Kind kind : kKinds) Tell(Listed(kind));
  }
  SyncReport Sync() {
    absl::StatusOr<SyncReport> report = controller_->Sync();
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *std::move(report) : SyncReport();
  }

  FakeDataplane* kernel_ = nullptr;
  std::unique_ptr<Controller> controller_;
};

TEST_F(ListingTest, TheSameListingAgainWritesNothing) {
  Make();
  TellAll(3);
  EXPECT_GT(Sync().writes.total(), 0u);
  TellAll(3);
  EXPECT_EQ(Sync().writes.total(), 0u);
}

TEST_F(ListingTest, WhatANewListingLacksIsGoneAtItsEndAndNotBefore) {
  Make();
  TellAll(3);
  Sync();
  Tell(Listing(v1::WatchEvent::POD));
  EXPECT_EQ(Sync().writes.total(), 0u) << "a listing that has only begun";
  Tell(Upsert(LocalPod(2)));
  EXPECT_EQ(Sync().writes.total(), 0u) << "a listing that is half told";
  Tell(Listed(v1::WatchEvent::POD));
  EXPECT_GT(Sync().writes.total(), 0u);
  EXPECT_EQ(controller_->counts().pods, 1u);
}

TEST_F(ListingTest, AListingThatNeverEndsForgetsNothing) {
  Make();
  TellAll(3);
  Tell(Listing(v1::WatchEvent::POD));
  Tell(Upsert(LocalPod(0)));
  // It failed, and begins again.
  Tell(Listing(v1::WatchEvent::POD));
  for (int i = 0; i < 3; ++i) Tell(Upsert(LocalPod(i)));
  Tell(Listed(v1::WatchEvent::POD));
  EXPECT_EQ(controller_->counts().pods, 3u);
}

TEST_F(ListingTest, AnIncompleteListingForgetsNothing) {
  Make();
  TellAll(3);
  Tell(Listing(v1::WatchEvent::POD));
  v1::WatchEvent listed = Listed(v1::WatchEvent::POD);
  listed.set_incomplete(true);
  Tell(listed);
  EXPECT_EQ(controller_->counts().pods, 3u);
  Tell(Listed(v1::WatchEvent::POD));
  EXPECT_EQ(controller_->counts().pods, 3u) << "the listing is over";
}

TEST_F(ListingTest, ProblemsOfAPolicyGoWithIt) {
  Make();
  TellAll(1);
  k8s::NetworkPolicy broken = DenyAll("broken");
  broken.mutable_spec()
      ->add_ingress()
      ->add_from()
      ->mutable_ip_block()
      ->set_cidr("nonsense");
  Tell(Upsert(broken));
  EXPECT_EQ(controller_->problems().size(), 1u);
  Tell(Listing(v1::WatchEvent::NETWORK_POLICY));
  Tell(Upsert(DenyAll()));
  Tell(Listed(v1::WatchEvent::NETWORK_POLICY));
  EXPECT_THAT(controller_->problems(), IsEmpty());
}

TEST_F(ListingTest, ListingWithoutAKindIsRefused) {
  Make();
  v1::WatchEvent event;
  event.set_type(v1::WatchEvent::LISTING);
  EXPECT_TRUE(absl::IsInvalidArgument(controller_->OnEvent(event)));
}

class RequiredNodeTest : public ListingTest {
 protected:
  RequiredNodeTest() {
    ControllerOptions options;
    options.require_node = true;
    Make(options);
  }
  std::string Missing() {
    return std::string(controller_->CheckKnown().message());
  }
};

TEST_F(RequiredNodeTest, NothingIsTouchedWithoutTheNode) {
  TellAll(1);
  EXPECT_TRUE(absl::IsFailedPrecondition(controller_->Sync().status()));
  EXPECT_THAT(Missing(), HasSubstr("no Node object \"node-a\""));
  EXPECT_THAT(Missing(), HasSubstr("--hostname-override"));
  Tell(Upsert(NodeBuilder("node-b").Build()));
  EXPECT_FALSE(controller_->CheckKnown().ok()) << "another node";
  EXPECT_EQ(kernel_->writes().total(), 0u);
  Tell(Upsert(NodeBuilder("node-a").Build()));
  EXPECT_GT(Sync().writes.total(), 0u);
}

TEST_F(RequiredNodeTest, NothingIsTouchedBeforeTheCloudProviderKnowsIt) {
  TellAll(1);
  Tell(Upsert(NodeBuilder("node-a")
                  .Taint("node.cloudprovider.kubernetes.io/uninitialized")
                  .Build()));
  EXPECT_TRUE(absl::IsFailedPrecondition(controller_->Preview().status()));
  EXPECT_THAT(Missing(), HasSubstr("uninitialized"));
  Tell(Upsert(NodeBuilder("node-a").Taint("some/other").Build()));
  EXPECT_GT(Sync().writes.total(), 0u);
}

TEST_F(RequiredNodeTest, EnforcementGoesOnWhenTheNodeGoes) {
  TellAll(1);
  Tell(Upsert(NodeBuilder("node-a").Build()));
  Sync();
  Tell(Delete(NodeBuilder("node-a").Build()));
  Tell(Upsert(LocalPod(1)));
  EXPECT_GT(Sync().writes.total(), 0u);
}

}  // namespace
}  // namespace netpol
