#include "netpol/explain/kernel_walk.h"

#include <netinet/in.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/compile/layout.h"
#include "netpol/testing/builders.h"
#include "tests/explain/shop_cluster.h"

namespace netpol {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// db takes TCP 80 and UDP 53 from web; both are of this node.
class KernelWalkTest : public testing::Test {
 protected:
  KernelWalkTest() {
    snapshot_ = cluster_.WantedKernel();
    question_.source = *IpAddress::Parse("10.0.0.1");
    question_.destination = *IpAddress::Parse("10.0.0.2");
  }

  KernelVerdict Follow(uint16_t port) const {
    const absl::StatusOr<KernelWalk> walk = KernelWalk::Create(snapshot_);
    EXPECT_TRUE(walk.ok()) << walk.status();
    return walk->Follow(question_, port);
  }
  std::vector<Rule>& chain(const ChainName& name) {
    return snapshot_.table(Family::kIPv4).chains[name];
  }

  ShopCluster cluster_{
      "node-a", "10.0.0.1", {NumberPort("TCP", 80), NumberPort("UDP", 53)}};
  Snapshot snapshot_;
  PathQuestion question_;
};

TEST_F(KernelWalkTest, AllowanceNamesTheRuleOfThePolicy) {
  const KernelVerdict verdict = Follow(80);
  EXPECT_EQ(verdict.outcome, Outcome::kAccepted);
  ASSERT_EQ(verdict.allowed_by.size(), 1u);
  const KernelRule& rule = verdict.allowed_by.front();
  EXPECT_EQ(rule.comment, "shop/db-in ingress pods");
  EXPECT_EQ(rule.chain,
            PolicyChain({"shop", "db-in"}, Direction::kIngress, Family::kIPv4)
                .value());
  EXPECT_EQ(chain(ChainName(rule.chain))[rule.number - 1].comment,
            rule.comment);
  EXPECT_THAT(rule.text, HasSubstr("--dport 80"));
}

TEST_F(KernelWalkTest, DenialNamesTheRuleThatRefuses) {
  const KernelVerdict verdict = Follow(81);
  EXPECT_EQ(verdict.outcome, Outcome::kRejected);
  EXPECT_FALSE(verdict.allowed());
  EXPECT_EQ(verdict.decided_by->comment, "shop/db reject");
  EXPECT_EQ(verdict.decided_by->text, verdict.way.back().text);
  EXPECT_THAT(verdict.allowed_by, IsEmpty());
}

TEST_F(KernelWalkTest, EveryPortIsTried) {
  const absl::StatusOr<KernelWalk> walk = KernelWalk::Create(snapshot_);
  EXPECT_EQ(walk->AllowedPorts(question_).ToString(), "80");
  question_.protocol = IPPROTO_UDP;
  EXPECT_EQ(walk->AllowedPorts(question_).ToString(), "53");
  std::swap(question_.source, question_.destination);
  EXPECT_TRUE(walk->AllowedPorts(question_).all());
}

TEST_F(KernelWalkTest, HookIsThatOfThePath) {
  EXPECT_EQ(Follow(80).hook, Hook::kForward);
  question_.destination_is_node = true;
  EXPECT_EQ(Follow(80).hook, Hook::kInput);
  question_.source_is_node = true;
  EXPECT_EQ(Follow(80).hook, Hook::kOutput);
}

TEST_F(KernelWalkTest, EchoRequestIsWhatIcmpMeans) {
  question_.protocol = IPPROTO_ICMP;
  EXPECT_EQ(Follow(0).decided_by->comment, "allow icmp echo requests");
}

TEST_F(KernelWalkTest, ForeignRulesOnTheWayAreTold) {
  Rule foreign;
  foreign.foreign = "-m time";
  foreign.action = DropAction{};
  chain(ChainName(kForwardChain))
      .insert(chain(ChainName(kForwardChain)).begin(), foreign);
  chain(ChainName(kInputChain)).push_back(foreign);
  const KernelVerdict verdict = Follow(80);
  EXPECT_TRUE(verdict.allowed());
  ASSERT_EQ(verdict.not_understood.size(), 1u);
  EXPECT_EQ(verdict.not_understood[0].chain, kForwardChain);
  EXPECT_EQ(verdict.not_understood[0].number, 1);
}

TEST_F(KernelWalkTest, WithoutHooksEverythingPasses) {
  snapshot_.table(Family::kIPv4).hooks_in_place = false;
  const absl::StatusOr<KernelWalk> walk = KernelWalk::Create(snapshot_);
  EXPECT_EQ(walk->RulesBeforeOurs(question_), -1);
  EXPECT_EQ(Follow(81).outcome, Outcome::kFellThrough);
  EXPECT_FALSE(Follow(81).decided_by);
}

TEST_F(KernelWalkTest, RuleThatLeadsNowhereIsAnError) {
  Rule jump;
  jump.action = JumpAction{ChainName("KUBE-POD-FW-GONE")};
  chain(ChainName(kForwardChain)).push_back(jump);
  EXPECT_EQ(KernelWalk::Create(snapshot_).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace netpol
