// A walk's checks see what is wrong, each by its own means.
#include "tests/kernel/walk/walk_node.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/kernel/lab/lab_fixture.h"
#include "tests/kernel/walk/faulty_kernel.h"

namespace netpol {
namespace {

using testing::HasSubstr;

IpAddress Address(const char* text) { return *IpAddress::Parse(text); }

const Packet kToWeb = {Address("10.42.0.6"), Address("10.42.0.5"), IPPROTO_TCP,
                       80};
const Packet kToWebFromOutside = {Address("192.0.2.1"), Address("10.42.0.5"),
                                  IPPROTO_TCP, 80};

k8s::Pod MakePod(const char* name, const char* address) {
  return PodBuilder("ns-a", name)
      .On("node-a")
      .Ip(address)
      .Label("app", name)
      .Phase("Running")
      .Build();
}

v1::WalkStep WebIsForDb() {
  v1::WalkStep step;
  *step.add_event() = Upsert(MakePod("web", "10.42.0.5"));
  *step.add_event() = Upsert(MakePod("db", "10.42.0.6"));
  *step.add_event() =
      Upsert(PolicyBuilder("ns-a", "n")
                 .Selects({{"app", "web"}})
                 .Ingress({PodPeer(MatchLabels({{"app", "db"}}))})
                 .Build());
  return step;
}

class WalkNodeTest : public LabFixture {
 protected:
  void Begin(const WalkSetup& setup) {
    auto node =
        WalkNode::Create(setup, std::vector<Packet>{kToWeb, kToWebFromOutside});
    ASSERT_TRUE(node.ok()) << node.status();
    node_ = *std::move(node);
  }

  void Take(const v1::WalkStep& step) {
    const auto failure = node_->Take(step);
    ASSERT_TRUE(failure.ok()) << failure.status();
    ASSERT_FALSE(*failure) << (*failure)->what;
  }

  // What `check` found; "" if nothing.
  static std::string Found(
      const absl::StatusOr<absl::optional<WalkFailure>>& check) {
    if (!check.ok()) return check.status().ToString();
    return *check ? (*check)->what : "";
  }

  std::string Verdicts() {
    return Found(node_->CheckVerdicts({kToWeb, kToWebFromOutside}));
  }

  std::unique_ptr<WalkNode> node_;
};

TEST_F(WalkNodeTest, NothingIsFoundWhereAllIsRight) {
  ASSERT_NO_FATAL_FAILURE(Begin(WalkSetup()));
  ASSERT_NO_FATAL_FAILURE(Take(WebIsForDb()));
  EXPECT_EQ(Found(node_->CheckRuleset()), "");
  EXPECT_EQ(Found(node_->CheckSaveText()), "");
  EXPECT_EQ(Verdicts(), "");
  EXPECT_EQ(node_->tally().allowed, 1);
  EXPECT_EQ(node_->tally().denied, 1);
  v1::WalkStep again;
  again.set_restart(true);
  again.set_forget_connections(true);
  ASSERT_NO_FATAL_FAILURE(Take(again));
  EXPECT_EQ(Verdicts(), "");
  EXPECT_EQ(node_->tally().syncs, 2);
  EXPECT_EQ(node_->tally().writes, 1) << "a restart is not to write";
}

TEST_F(WalkNodeTest, AMemberThatStaysIsFoundByEveryMeans) {
  WalkSetup setup;
  setup.open_kernel = ForgettingMemberRemovals(SetType::kHashIp);
  ASSERT_NO_FATAL_FAILURE(Begin(setup));
  ASSERT_NO_FATAL_FAILURE(Take(WebIsForDb()));
  v1::WalkStep relabel;
  k8s::Pod other = MakePod("db", "10.42.0.6");
  (*other.mutable_metadata()->mutable_labels())["app"] = "other";
  *relabel.add_event() = Upsert(other);
  ASSERT_NO_FATAL_FAILURE(Take(relabel));
  EXPECT_THAT(Found(node_->CheckRuleset()), HasSubstr("member 10.42.0.6"));
  EXPECT_THAT(Found(node_->CheckSaveText()), HasSubstr(" 10.42.0.6\n"));
  EXPECT_THAT(Verdicts(),
              HasSubstr("TCP 10.42.0.6 -> 10.42.0.5 port 80 is allowed"));
}

TEST_F(WalkNodeTest, AMissingRuleIsFoundByEveryMeans) {
  WalkSetup setup;
  setup.open_kernel = LosingTheLastRule("KUBE-POD-FW-");
  ASSERT_NO_FATAL_FAILURE(Begin(setup));
  ASSERT_NO_FATAL_FAILURE(Take(WebIsForDb()));
  EXPECT_THAT(Found(node_->CheckRuleset()), HasSubstr("chain KUBE-POD-FW-"));
  EXPECT_THAT(Found(node_->CheckSaveText()), HasSubstr("-A KUBE-POD-FW-"));
  EXPECT_THAT(Verdicts(),
              HasSubstr("TCP 192.0.2.1 -> 10.42.0.5 port 80 is allowed"));
}

v1::WalkStep Tampered(v1::WalkTampering::Kind kind, int choices = 1) {
  v1::WalkStep step;
  for (int choice = 0; choice < choices; ++choice) {
    v1::WalkTampering* tampering = step.add_tampering();
    tampering->set_kind(kind);
    tampering->set_choice(static_cast<uint32_t>(choice));
  }
  return step;
}

TEST_F(WalkNodeTest, WhatSomebodyElseDoesIsRepaired) {
  ASSERT_NO_FATAL_FAILURE(Begin(WalkSetup()));
  ASSERT_NO_FATAL_FAILURE(Take(v1::WalkStep()));
  // A table that knows no policy yet.
  v1::WalkStep first = Tampered(v1::WalkTampering::SAVE);
  first.MergeFrom(WebIsForDb());
  ASSERT_NO_FATAL_FAILURE(Take(first));
  EXPECT_EQ(node_->tally().tampered, 0);
  // Some sets are empty.
  constexpr int kSets = 4;
  int tampered = 0;
  for (const v1::WalkStep& step :
       {Tampered(v1::WalkTampering::RULE_ABOVE, 3),
        Tampered(v1::WalkTampering::FLUSH_FORWARD),
        Tampered(v1::WalkTampering::DELETE_RULE, 20),
        Tampered(v1::WalkTampering::CLEAR),
        Tampered(v1::WalkTampering::RESTORE),
        Tampered(v1::WalkTampering::FLUSH_SET, kSets)}) {
    SCOPED_TRACE(step.ShortDebugString());
    const int writes = node_->tally().writes;
    ASSERT_NO_FATAL_FAILURE(Take(step));
    EXPECT_EQ(node_->tally().writes, writes + 1);
    EXPECT_EQ(node_->tally().tampered, tampered += step.tampering_size());
    EXPECT_EQ(Found(node_->CheckRuleset()), "");
    EXPECT_EQ(Verdicts(), "");
  }
}

TEST_F(WalkNodeTest, ARepairThatIsNotWholeIsSaid) {
  WalkSetup setup;
  setup.open_kernel = LosingTheLastRule("KUBE-POD-FW-");
  ASSERT_NO_FATAL_FAILURE(Begin(setup));
  ASSERT_NO_FATAL_FAILURE(Take(WebIsForDb()));
  const auto failure = node_->Take(Tampered(v1::WalkTampering::FLUSH_FORWARD));
  ASSERT_TRUE(failure.ok()) << failure.status();
  ASSERT_TRUE(*failure);
  EXPECT_EQ((*failure)->law, WalkLaw::kSync);
  EXPECT_THAT((*failure)->what, HasSubstr("there is something to do still"));
}

TEST_F(WalkNodeTest, ASyncThatFailsIsSaid) {
  ASSERT_NO_FATAL_FAILURE(Begin(WalkSetup()));
  v1::WalkStep step;
  step.add_event()->set_type(v1::WatchEvent::UPSERT);
  const auto failure = node_->Take(step);
  ASSERT_TRUE(failure.ok()) << failure.status();
  ASSERT_TRUE(*failure);
  EXPECT_EQ((*failure)->law, WalkLaw::kSync);
  EXPECT_THAT((*failure)->what, HasSubstr("without an object"));
}

TEST_F(WalkNodeTest, OnlyPacketsThatTravelAreJudged) {
  ASSERT_NO_FATAL_FAILURE(Begin(WalkSetup()));
  EXPECT_TRUE(node_->IsJudged(kToWeb));
  const auto judged = [&](const char* from, const char* to, uint16_t port) {
    return node_->IsJudged({Address(from), Address(to), IPPROTO_UDP, port});
  };
  EXPECT_FALSE(judged("10.42.0.5", "10.42.0.5", 80)) << "within the pod";
  EXPECT_FALSE(judged("192.0.2.1", "203.0.113.200", 80)) << "in the world";
  EXPECT_TRUE(judged("10.42.0.5", "172.31.0.1", 29999));
  EXPECT_FALSE(judged("10.42.0.5", "172.31.0.1", 30000));
  EXPECT_FALSE(judged("10.42.0.5", "172.31.0.1", 32767));
  EXPECT_TRUE(judged("10.42.0.5", "172.31.0.1", 32768));
  EXPECT_TRUE(judged("10.42.0.5", "192.0.2.1", 30000));
}

}  // namespace
}  // namespace netpol
