// The default deny, by real packets.
#include <netinet/in.h>

#include "gtest/gtest.h"
#include "netpol/compile/layout.h"
#include "netpol/testing/builders.h"
#include "tests/kernel/paths/path_test.h"

namespace netpol {
namespace {

constexpr ProbeOutcome kAllowed = ProbeOutcome::kAllowed;
constexpr ProbeOutcome kRejected = ProbeOutcome::kRejected;

// Pod 40 runs on the node, and nobody has told of it.
class DefaultDenyKernelTest : public PathTest {
 protected:
  static IpAddress New() { return LocalPod(40); }

  void SetUp() override {
    PathTest::SetUp();
    if (lab_ == nullptr) return;
    const absl::Status added = lab_->AddPod("new", {New()});
    ASSERT_TRUE(added.ok()) << added;
    ASSERT_TRUE(lab_->AddRemote({Stranger(), Remote()}).ok());
    SetNode(
        NodeBuilder("node-a").PodCidr("10.42.0.0/24").PodCidr("fd00:42::/64"));
  }

  void SetNode(const NodeBuilder& node) { cluster_.nodes = {node.Build()}; }

  void EnforceDefaultDeny() {
    LayoutOptions layout;
    layout.default_deny = true;
    Enforce({}, layout);
  }
};

// Refused, and told so: the error gets to the new pod.
TEST_P(DefaultDenyKernelTest, ANewPodIsRefusedUntilItIsKnown) {
  EnforceDefaultDeny();
  EXPECT_EQ(Tcp(New(), Web(), 80), kRejected);
  EXPECT_EQ(Tcp(Web(), New(), 80), kRejected);
  EXPECT_EQ(Tcp(New(), Stranger(), 80), kRejected);
  EXPECT_EQ(Tcp(Stranger(), New(), 80), kRejected);
  EXPECT_EQ(Tcp(Remote(), New(), 80), kRejected);
  EXPECT_EQ(Tcp(New(), Node(), 80), kRejected);
  EXPECT_EQ(Tcp(New(), NodeOnBridge(), 80), kRejected);
  EXPECT_EQ(Tcp(New(), Node(), 30080), kRejected) << "a node port";
  EXPECT_EQ(Probe(New(), Stranger(), IPPROTO_UDP, 53), kRejected);

  Tell(Upsert(PodObject("new", 40, "node-a")));
  EXPECT_EQ(Tcp(New(), Web(), 80), kAllowed);
  EXPECT_EQ(Tcp(Web(), New(), 80), kAllowed);
  EXPECT_EQ(Tcp(Stranger(), New(), 80), kAllowed);
  EXPECT_EQ(Tcp(New(), Node(), 80), kAllowed);

  Tell(Delete(PodObject("new", 40, "node-a")));
  EXPECT_EQ(Tcp(Stranger(), New(), 80), kRejected);
}

// On a bridge this takes neighbour discovery with it.
TEST_P(DefaultDenyKernelTest, TheNodeConnectsToAPodThatIsNotKnownYet) {
  EnforceDefaultDeny();
  Serve(New(), "new", 8080);
  EXPECT_NE(CallTo(Node(), New(), 8080).find("new sees"), std::string::npos);
  EXPECT_NE(CallTo(NodeOnBridge(), New(), 8080).find("new sees"),
            std::string::npos);
  EXPECT_EQ(Tcp(Node(), New(), 80), kAllowed);
}

TEST_P(DefaultDenyKernelTest, TheNodesAddressesAmongThePodsKeepWorking) {
  EnforceDefaultDeny();
  EXPECT_EQ(Tcp(Web(), NodeOnBridge(), 80), kAllowed);
  EXPECT_EQ(Tcp(NodeOnBridge(), Web(), 80), kAllowed);
  EXPECT_EQ(Tcp(NodeOnBridge(), Stranger(), 80), kAllowed);
  EXPECT_EQ(Tcp(Stranger(), NodeOnBridge(), 80), kAllowed);
  Serve(NodeOnBridge(), "node", 8080);
  EXPECT_NE(CallTo(NodeOnBridge(), NodeOnBridge(), 8080).find("node sees"),
            std::string::npos);
}

// An address that the node gets while it enforces is its own at once.
TEST_P(DefaultDenyKernelTest, ANewAddressOfTheNodeAmongThePodsWorksAtOnce) {
  EnforceDefaultDeny();
  const IpAddress late = LocalPod(3);
  ASSERT_TRUE(
      lab_->AddNodeAddress("eth0", IpPrefix::Host(late).ToString()).ok());
  EXPECT_EQ(Tcp(Stranger(), late, 80), kAllowed);
  EXPECT_EQ(Tcp(late, Stranger(), 80), kAllowed);
}

TEST_P(DefaultDenyKernelTest, OpenConnectionsOfKnownPodsGoOn) {
  auto pair = Open(Client(), Web());
  ASSERT_TRUE(pair.ok()) << pair.status();
  EnforceDefaultDeny();
  EXPECT_TRUE(*pair->ReachesServer());
  EXPECT_TRUE(*pair->ReachesClient());
  // Nor does a pod's object that goes close what is open.
  Tell(Delete(PodObject("client", 10, "node-a")));
  EXPECT_TRUE(*pair->ReachesServer());
  EXPECT_TRUE(*pair->ReachesClient());
  EXPECT_EQ(Tcp(Client(), Web(), 80), kRejected);
}

TEST_P(DefaultDenyKernelTest, TheCidrsFollowTheNodeObject) {
  EnforceDefaultDeny();
  EXPECT_EQ(Tcp(New(), Stranger(), 80), kRejected);
  Tell(Upsert(NodeBuilder("node-a").PodCidr("10.99.0.0/24").Build()));
  EXPECT_EQ(Tcp(New(), Stranger(), 80), kAllowed);
  Tell(Upsert(
      NodeBuilder("node-a")
          .PodCidr("10.99.0.0/24")
          .Annotation("kube-router.io/pod-cidrs", "10.42.0.0/26, fd00:42::/120")
          .Build()));
  EXPECT_EQ(Tcp(New(), Stranger(), 80), kRejected);
  Tell(Delete(NodeBuilder("node-a").Build()));
  EXPECT_EQ(Tcp(New(), Stranger(), 80), kAllowed) << "none is known";
}

INSTANTIATE_TEST_SUITE_P(Paths, DefaultDenyKernelTest,
                         testing::ValuesIn(AllPathKinds()), PathKindName);

}  // namespace
}  // namespace netpol
