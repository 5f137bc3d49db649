#include "tests/kernel/steady_traffic/watched_flow.h"

#include <netinet/in.h>

#include <vector>

#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/packet.h"

namespace netpol {
namespace {

k8s::Pod Web(absl::string_view app) {
  return PodBuilder("shop", "web")
      .On("node-a")
      .Ip("10.42.0.1")
      .Label("app", app)
      .Phase("Running")
      .Build();
}

k8s::Pod Client(absl::string_view role) {
  return PodBuilder("shop", "client")
      .On("node-b")
      .Ip("10.42.1.1")
      .Label("role", role)
      .Phase("Running")
      .Build();
}

k8s::NetworkPolicy Policy(absl::string_view role) {
  return PolicyBuilder("shop", "web")
      .Types({"Ingress"})
      .Ingress({PodPeer(MatchLabels({{"role", std::string(role)}}))})
      .Build();
}

class WatchedFlowTest : public testing::Test {
 protected:
  WatchedFlowTest() {
    node_.name = "node-a";
    cluster_.namespaces = {MakeNamespace("shop")};
    cluster_.pods = {Web("web"), Client("client")};
    cluster_.policies = {Policy("client")};
  }

  WatchedFlow Flow() const {
    return Watch(cluster_, node_,
                 {*IpAddress::Parse("10.42.1.1"),
                  *IpAddress::Parse("10.42.0.1"), IPPROTO_TCP, 80});
  }
  bool LeftAloneBy(const std::vector<v1::WatchEvent>& events) const {
    return LeavesAlone(events, cluster_, node_, {Flow()});
  }

  NodeView node_;
  Cluster cluster_;
};

TEST_F(WatchedFlowTest, VerdictIsTheClusters) {
  EXPECT_TRUE(Flow().allowed);
  cluster_.policies = {Policy("other")};
  EXPECT_FALSE(Flow().allowed);
  EXPECT_EQ(Flow().refused_by, "Ingress");
}

TEST_F(WatchedFlowTest, ChangeOfTheVerdictDoesNotLeaveItAlone) {
  EXPECT_TRUE(LeftAloneBy({Upsert(Web("shop"))}));
  EXPECT_FALSE(LeftAloneBy({Upsert(Client("other"))}));
}

// Before and after it is denied; between the two it would not be.
TEST_F(WatchedFlowTest, OrderThatTurnsTheVerdictDoesNotLeaveItAlone) {
  cluster_.policies = {Policy("other")};
  const std::vector<v1::WatchEvent> events = {Upsert(Policy("client")),
                                              Upsert(Client("guest"))};
  EXPECT_FALSE(LeftAloneBy(events));
  EXPECT_FALSE(LeftAloneBy({events[1], events[0]}));
  EXPECT_TRUE(LeftAloneBy({events[1]}));
}

TEST_F(WatchedFlowTest, RefusalThatMovesToTheOtherSideDoesNotLeaveItAlone) {
  cluster_.pods = {Web("web"), PodBuilder("shop", "client")
                                   .On("node-a")
                                   .Ip("10.42.1.1")
                                   .Phase("Running")
                                   .Build()};
  cluster_.policies = {Policy("other")};
  const k8s::NetworkPolicy egress =
      PolicyBuilder("shop", "out").Types({"Egress"}).Build();
  EXPECT_FALSE(LeftAloneBy({Upsert(egress)}));
  cluster_.policies.push_back(egress);
  EXPECT_EQ(Flow().refused_by, "Egress");
}

}  // namespace
}  // namespace netpol
