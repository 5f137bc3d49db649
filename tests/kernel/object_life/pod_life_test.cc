// What pods' objects say in the course of their lives, by real packets.
#include <netinet/in.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "tests/kernel/lab/packet_builder.h"
#include "tests/kernel/paths/path_test.h"

namespace netpol {
namespace {

constexpr ProbeOutcome kAllowed = ProbeOutcome::kAllowed;
constexpr ProbeOutcome kRejected = ProbeOutcome::kRejected;

class PodLifeKernelTest : public PathTest {
 protected:
  void SetUp() override {
    PathTest::SetUp();
    if (lab_ == nullptr) return;
    ASSERT_TRUE(lab_->AddRemote({Stranger()}).ok());
  }

  // Pod "web" at the address of pod `number`, if there is one.
  static PodBuilder WebAt(int number, absl::string_view node = "node-a") {
    PodBuilder pod("shop", "web");
    pod.On(node).Label("app", "web").Phase("Running");
    if (number > 0) pod.Ip(LocalPod(number).ToString());
    return pod;
  }

  bool Open(const IpAddress& to) {
    const ProbeOutcome outcome = Tcp(Stranger(), to, 80);
    EXPECT_TRUE(outcome == kAllowed || outcome == kRejected) << outcome;
    return outcome == kAllowed;
  }
};

TEST_P(PodLifeKernelTest, IsolationFollowsThePodFromAddressToAddress) {
  Enforce({Policy("web", {"Ingress", "Egress"}).Build()});
  EXPECT_FALSE(Open(Web()));
  Tell(Upsert(WebAt(0).Build()));
  EXPECT_TRUE(Open(Web())) << "without an address";
  Tell(Delete(PodObject("other", 12, "node-a")));
  Tell(Upsert(WebAt(12).Build()));
  EXPECT_TRUE(Open(Web()));
  EXPECT_FALSE(Open(Other())) << "at the address of one that went";
  EXPECT_EQ(Tcp(Other(), Stranger(), 80), kRejected);
  Tell(Upsert(WebAt(12).Phase("Succeeded").Build()));
  EXPECT_TRUE(Open(Other())) << "finished";
  Tell(Upsert(WebAt(12).Terminating().Build()));
  EXPECT_FALSE(Open(Other())) << "terminating";
  Tell(Upsert(WebAt(12).HostNetwork().Build()));
  EXPECT_TRUE(Open(Other())) << "on the host's network";
}

TEST_P(PodLifeKernelTest, APodThatMovesToAnotherNodeAndBackIsJudgedHereOnly) {
  Enforce({Policy("web", {"Ingress"}).Build()});
  for (int round = 0; round < 2; ++round) {
    Tell(Upsert(WebAt(11).Uid(absl::StrCat("here-", round)).Build()));
    EXPECT_FALSE(Open(Web()));
    Tell(Upsert(WebAt(11, "node-b").Uid(absl::StrCat("off-", round)).Build()));
    EXPECT_TRUE(Open(Web()));
  }
}

TEST_P(PodLifeKernelTest, AnAddressOfTwoPodsIsTheYoungersUntilItGoes) {
  Enforce({Policy("web", {"Ingress"}).Build()});
  const k8s::Pod heir = PodBuilder("shop", "heir")
                            .On("node-a")
                            .Ip(Web().ToString())
                            .Created(2000000000)
                            .Build();
  EXPECT_FALSE(Open(Web()));
  Tell(Upsert(heir));
  EXPECT_TRUE(Open(Web()));
  Tell(Delete(heir));
  EXPECT_FALSE(Open(Web()));
}

// The node is not isolated by a pod that claims to have its address: not as
// sender, not as receiver, not to itself.
TEST_P(PodLifeKernelTest, APodThatClaimsTheNodesAddressDoesNotIsolateTheNode) {
  Serve(Node(), "node", 8080);
  for (const IpAddress& claimed : {Node(), NodeOnBridge()}) {
    SCOPED_TRACE(claimed);
    cluster_.pods.push_back(
        PodBuilder("shop", absl::StrCat("claims-", claimed.ToString()))
            .On("node-a")
            .Ip(claimed.ToString())
            .Label("app", "claimer")
            .Build());
    Enforce({Policy("claimer", {"Ingress", "Egress"}).Build(),
             Policy("web", {"Ingress"}).Build()});
    EXPECT_EQ(Tcp(claimed, Stranger(), 80), kAllowed);
    EXPECT_EQ(Tcp(Stranger(), claimed, 80), kAllowed);
    EXPECT_EQ(Tcp(claimed, Web(), 80), kAllowed) << "to an isolated pod";
    EXPECT_EQ(Tcp(Client(), claimed, 80), kAllowed);
    EXPECT_NE(CallTo(claimed, Node(), 8080).find("node sees"),
              std::string::npos);
    // It opens nothing for others either.
    EXPECT_EQ(Tcp(Stranger(), Web(), 80), kRejected);
    EXPECT_TRUE(StaysAway(
        Client(), Web(), FirstPacket({claimed, Web(), IPPROTO_UDP, 4000, 80})));
  }
}

// Without a policy it arrives, so it is the rules that refuse it. But where the
// node routes, IPv4 itself drops a packet with an address of the node's own.
TEST_P(PodLifeKernelTest, TheRulesKeepAForgedNodeAddressAway) {
  const auto forged = FirstPacket({Node(), Web(), IPPROTO_UDP, 4000, 80});
  Enforce({});
  if (family() == Family::kIPv6 || bridged()) {
    EXPECT_TRUE(Arrives(Client(), Web(), forged));
  }
  Enforce({Policy("web", {"Ingress"}).Build()});
  EXPECT_TRUE(StaysAway(Client(), Web(), forged));
  EXPECT_TRUE(Arrives(Node(), Web(), forged));
}

INSTANTIATE_TEST_SUITE_P(Paths, PodLifeKernelTest,
                         testing::ValuesIn(AllPathKinds()), PathKindName);

}  // namespace
}  // namespace netpol
