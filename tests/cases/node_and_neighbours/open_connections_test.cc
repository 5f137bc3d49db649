// Connections that are open when a policy comes (C096).
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cases/node_and_neighbours/neighbour_node.h"
#include "tests/cases/node_and_neighbours/tcp_connection.h"

namespace netpol {
namespace {

using testing::HasSubstr;

class OpenConnectionsTest : public NeighbourNodeTest {
 protected:
  std::unique_ptr<TcpConnection> Connect(absl::string_view from,
                                         absl::string_view to, uint16_t port) {
    const IpAddress source = *IpAddress::Parse(from);
    const IpAddress destination = *IpAddress::Parse(to);
    absl::StatusOr<std::unique_ptr<TcpConnection>> connection =
        TcpConnection::Open(*lab().OwnerOf(source), source,
                            *lab().OwnerOf(destination), destination, port);
    EXPECT_TRUE(connection.ok()) << connection.status();
    return connection.ok() ? *std::move(connection) : nullptr;
  }

  // The pod, the client and the stranger.
  void MakeEnds() {
    ASSERT_TRUE(lab().AddPod("s", {*IpAddress::Parse("10.42.0.172")}).ok());
    for (const char* remote : {"10.42.1.108", "203.0.113.1"}) {
      const IpAddress address = *IpAddress::Parse(remote);
      ASSERT_TRUE(lab().AddRemote({address}).ok());
    }
  }

  void ExpectBothDirections(TcpConnection& connection) {
    EXPECT_TRUE(connection.CarriesForward());
    EXPECT_TRUE(connection.CarriesBack());
  }

  void ExpectOnlyNewOnesAreRefused(const std::vector<CaseCheck>& checks) {
    for (const CaseCheck& check : checks) {
      const absl::StatusOr<IpAddress> from = AddressOf(cluster(), check.from);
      const absl::StatusOr<IpAddress> to = AddressOf(cluster(), check.to);
      const absl::StatusOr<ProbeOutcome> outcome =
          lab().ProbeOne({*from, *to, check.protocol, check.port});
      ASSERT_TRUE(outcome.ok()) << outcome.status();
      EXPECT_EQ(*outcome == ProbeOutcome::kAllowed, check.allowed) << check;
    }
  }
};

TEST_F(OpenConnectionsTest, KeptOnesLiveOnAndNewOnesAreJudged) {
  MakeEnds();
  const Case told = ReadIt("C096");
  StartController();
  ASSERT_NO_FATAL_FAILURE(TellStep(told, 0));
  Sync();
  ExpectOnlyNewOnesAreRefused(told.steps[0].checks);
  const auto inward = Connect("10.42.1.108", "10.42.0.172", 80);
  const auto outward = Connect("10.42.0.172", "203.0.113.1", 443);
  ASSERT_TRUE(inward != nullptr && outward != nullptr);
  ExpectBothDirections(*inward);
  ASSERT_NO_FATAL_FAILURE(TellStep(told, 1));
  EXPECT_EQ(Sync().writes.table_commits, 1u);
  ExpectBothDirections(*outward);
  // Left open by the API; as kube-router, we let it live.
  ExpectBothDirections(*inward);
  ExpectOnlyNewOnesAreRefused(told.steps[1].checks);
  ExpectBothDirections(*outward);
}

// Where connections were tracked before the first rule of ours was there, as
// every node does that translates addresses.
TEST_F(OpenConnectionsTest, RepliesPassAlsoIfTheRulesCameLater) {
  MakeEnds();
  Iptables("-A FORWARD -m conntrack --ctstate INVALID -j DROP");
  const auto outward = Connect("10.42.0.172", "203.0.113.1", 443);
  ASSERT_NE(outward, nullptr);
  const Case told = ReadIt("C096");
  StartController();
  ASSERT_NO_FATAL_FAILURE(TellStep(told, 0));
  ASSERT_NO_FATAL_FAILURE(TellStep(told, 1));
  Sync();
  // The answer is the first packet that meets the rules.
  EXPECT_TRUE(outward->CarriesBack());
  EXPECT_TRUE(outward->CarriesForward());
  ExpectOnlyNewOnesAreRefused(told.steps[1].checks);
}

// The case wants it first in a pod's chain. With us a packet meets it before
// any chain of a pod: the forwarded ones first of all, the others behind
// nothing but the refusal of invalid packets, which no connection owns.
TEST_F(OpenConnectionsTest, EstablishedIsJudgedBeforeAnyChainOfAPod) {
  EnforceCase("C096");
  for (Family family : {Family::kIPv4, Family::kIPv6}) {
    EXPECT_THAT(RulesOf("KUBE-ROUTER-FORWARD", family).front(),
                HasSubstr("-m conntrack --ctstate RELATED,ESTABLISHED -g "
                          "KUBE-POD-FW-ESTABLISHED"));
    for (const char* root : {"KUBE-POD-FW-INGRESS", "KUBE-POD-FW-EGRESS"}) {
      EXPECT_THAT(RulesOf(root, family).front(),
                  testing::EndsWith("-j KUBE-NWPLCY-COMMON"));
    }
    const std::vector<std::string> common =
        RulesOf("KUBE-NWPLCY-COMMON", family);
    ASSERT_GE(common.size(), 2u);
    EXPECT_THAT(common[0], testing::AllOf(HasSubstr("-m conntrack --ctstate "
                                                    "INVALID -m comment "),
                                          testing::EndsWith("-j DROP")));
    EXPECT_THAT(common[1],
                testing::AllOf(HasSubstr("-m conntrack --ctstate "
                                         "RELATED,ESTABLISHED -m comment "),
                               testing::EndsWith("-j ACCEPT")));
  }
}

}  // namespace
}  // namespace netpol
