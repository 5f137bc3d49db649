#include "tests/embed/example_agent.h"

#include <memory>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/fake_dataplane.h"

namespace netpol {
namespace {

using testing::HasSubstr;

const RuntimePod kWeb = {"shop", "web", "node-a", {"10.42.0.5"}, {{"a", "w"}}};
const RuntimePod kPay = {"shop", "pay", "node-b", {"10.42.1.6"}, {{"a", "p"}}};

// Only pay may reach web.
std::string Policy() {
  return PolicyBuilder("shop", "only-pay")
      .Selects(LabelList{{"a", "w"}})
      .Ingress({PodPeer(MatchLabels({{"a", "p"}}))})
      .Build()
      .SerializeAsString();
}

class ExampleAgentTest : public testing::Test {
 protected:
  ExampleAgentTest() {
    auto kernel = std::make_unique<FakeDataplane>();
    kernel_ = kernel.get();
    agent_ = *ExampleAgent::Create("node-a", std::move(kernel));
  }

  void TellShop() {
    ASSERT_TRUE(agent_->OnNamespace("shop", {}).ok());
    ASSERT_TRUE(agent_->OnPod(kWeb).ok());
    ASSERT_TRUE(agent_->OnPod(kPay).ok());
    ASSERT_TRUE(agent_->OnPolicy(Policy()).ok());
  }

  // Of the set with the addresses that may reach web.
  size_t PeersInKernel() const {
    size_t members = 0;
    for (const auto& [name, set] : kernel_->state().sets) {
      if (name.value().rfind("KUBE-SRC-", 0) == 0)
        members += set.members.size();
    }
    return members;
  }

  FakeDataplane* kernel_ = nullptr;
  std::unique_ptr<ExampleAgent> agent_;
};

TEST_F(ExampleAgentTest, NothingReachesTheKernelBeforeTheSourceHasToldAll) {
  TellShop();
  EXPECT_TRUE(absl::IsFailedPrecondition(agent_->Enforce().status()));
  EXPECT_EQ(kernel_->writes().total(), 0u);
  ASSERT_TRUE(agent_->OnSourceListed().ok());
  ASSERT_TRUE(agent_->Enforce().ok());
  EXPECT_EQ(PeersInKernel(), 1u);
}

TEST_F(ExampleAgentTest, APodThatLeavesCostsOneMemberAndNoTable) {
  TellShop();
  ASSERT_TRUE(agent_->OnSourceListed().ok());
  ASSERT_TRUE(agent_->Enforce().ok());
  ASSERT_TRUE(agent_->OnPodGone("shop", "pay").ok());
  EXPECT_THAT(*agent_->Preview(), HasSubstr("10.42.1.6"));
  const absl::StatusOr<SyncReport> report = agent_->Enforce();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->members_removed, 1);
  EXPECT_EQ(report->writes.table_commits, 0u);
  EXPECT_EQ(PeersInKernel(), 0u);
}

TEST_F(ExampleAgentTest, WhatIsInTheKernelOutlivesTheAgent) {
  // Two agents, one after the other, over one kernel.
  TellShop();
  ASSERT_TRUE(agent_->OnSourceListed().ok());
  ASSERT_TRUE(agent_->Enforce().ok());
  auto next = std::make_unique<FakeDataplane>();
  ASSERT_TRUE(next->Load(kernel_->state()).ok());
  FakeDataplane* const kernel = next.get();
  agent_ = *ExampleAgent::Create("node-a", std::move(next));
  kernel_ = kernel;
  TellShop();
  ASSERT_TRUE(agent_->OnSourceListed().ok());
  EXPECT_EQ(*agent_->Preview(), "");
  ASSERT_TRUE(agent_->Enforce().ok());
  EXPECT_EQ(kernel_->writes().total(), 0u);
}

TEST_F(ExampleAgentTest, BytesThatAreNoPolicyAreRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(agent_->OnPolicy("\x0f")));
}

}  // namespace
}  // namespace netpol
