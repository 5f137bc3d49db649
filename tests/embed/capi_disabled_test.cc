// An agent that is told not to enforce, and what cleans up on its own.
#include <string>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/capi/netpol.h"
#include "netpol/enforcer/node_claim.h"
#include "nlohmann/json.hpp"
#include "tests/embed/c_host.h"
#include "tests/embed/kube_bytes.h"
#include "tests/enforcer/old_node.h"

namespace netpol {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

void Disable(netpol_options& options) { options.disable_network_policy = 1; }

class CApiDisabledTest : public OldNodeTest {
 protected:
  void LoadBothFlavours() {
    LoadKubeRouter(Flavour::kLegacy, OldLayout::kV26);
    LoadKubeRouter(Flavour::kNft, OldLayout::kV211);
    LoadKubeRouterNftTables();
  }
  void LoadForeignInBoth() {
    for (const Flavour flavour : kFlavours) LoadForeign(flavour);
  }
  // Held on the node until the object is gone.
  absl::optional<NodeClaim> TakeClaim() {
    absl::optional<NodeClaim> claim;
    const absl::Status ran = ns().Run([&]() -> absl::Status {
      absl::StatusOr<NodeClaim> taken =
          NodeClaim::Take(NodeClaim::WhenUnknown::kRefuse);
      if (taken.ok()) claim = *std::move(taken);
      return taken.status();
    });
    EXPECT_TRUE(ran.ok()) << ran;
    return claim;
  }
  netpol_code CleanUp() {
    netpol_code code = NETPOL_INTERNAL;
    const absl::Status ran = ns().Run([&] {
      code = netpol_cleanup(0);
      error_ = TakeText(netpol_last_error(nullptr));
      return absl::OkStatus();
    });
    EXPECT_TRUE(ran.ok()) << ran;
    return code;
  }
  const std::string& error() const { return error_; }

 private:
  std::string error_;
};

TEST_F(CApiDisabledTest, CleansUpAndEnforcesNothingOfWhatItIsFed) {
  LoadForeignInBoth();
  const std::string before = KernelText();
  LoadBothFlavours();
  CHost host(Disable);
  ASSERT_NE(host.handle(), nullptr);
  ASSERT_EQ(host.StartIn(ns()), NETPOL_OK) << host.LastError();
  ASSERT_EQ(host.FeedSmallCluster(), NETPOL_OK) << host.LastError();
  ASSERT_TRUE(host.AwaitFirstSync()) << host.log();
  EXPECT_TRUE(host.AwaitHealthReason("disabled"));
  EXPECT_EQ(KernelText(), before);

  const json status = json::parse(host.Status());
  EXPECT_EQ(status["ready"], true) << status;
  EXPECT_EQ(status["healthy"], true) << status;
  EXPECT_EQ(status["disabled"], true) << status;
  char* plan = nullptr;
  EXPECT_EQ(netpol_preview(host.handle(), NETPOL_TEXT, &plan),
            NETPOL_FAILED_PRECONDITION);
  EXPECT_THAT(host.LastError(), HasSubstr("disabled"));
  EXPECT_EQ(netpol_request_sync(host.handle()), NETPOL_OK);
  EXPECT_EQ(netpol_stop(host.handle(), 1), NETPOL_OK) << host.LastError();
  EXPECT_EQ(host.first_syncs(), 1);
  EXPECT_EQ(KernelText(), before);
}

TEST_F(CApiDisabledTest, NeedsNoServer) {
  LoadBothFlavours();
  CHost host([](netpol_options& options) {
    Disable(options);
    options.source = NETPOL_SOURCE_KUBERNETES;
    options.kubeconfig = "/nonexistent/kubeconfig";
  });
  ASSERT_EQ(host.StartIn(ns()), NETPOL_OK) << host.LastError();
  ASSERT_TRUE(host.AwaitFirstSync()) << host.log();
  EXPECT_THAT(SetNames(), SizeIs(4));
}

TEST_F(CApiDisabledTest, TriesAgainUntilNobodyElseEnforcesThere) {
  LoadBothFlavours();
  absl::optional<NodeClaim> claim = TakeClaim();
  CHost host(Disable);
  ASSERT_EQ(host.StartIn(ns()), NETPOL_OK) << host.LastError();
  ASSERT_TRUE(host.AwaitHealthReason("enforced here already"));
  EXPECT_EQ(json::parse(host.Status()).value("ready", false), false);
  EXPECT_EQ(host.first_syncs(), 0);
  claim.reset();
  ASSERT_EQ(netpol_request_sync(host.handle()), NETPOL_OK);
  ASSERT_TRUE(host.AwaitFirstSync()) << host.log();
  EXPECT_TRUE(CHost::Await(
      [&] { return json::parse(host.Status()).value("ready", false); }));
}

TEST_F(CApiDisabledTest, TriesAgainWhereAForeignRuleHoldsOnToASet) {
  LoadForeignInBoth();
  LoadBothFlavours();
  Tool({"iptables-legacy", "-A", "INPUT", "-m", "set", "--match-set",
        "kube-router-local-pods", "src", "-j", "DROP"});
  CHost host(Disable);
  ASSERT_EQ(host.StartIn(ns()), NETPOL_OK) << host.LastError();
  ASSERT_TRUE(host.AwaitHealthReason("set kube-router-local-pods"));
  EXPECT_THAT(SetNames(), SizeIs(5));
  Tool({"iptables-legacy", "-D", "INPUT", "-m", "set", "--match-set",
        "kube-router-local-pods", "src", "-j", "DROP"});
  ASSERT_EQ(netpol_request_sync(host.handle()), NETPOL_OK);
  EXPECT_TRUE(host.AwaitFirstSync()) << host.log();
}

TEST_F(CApiDisabledTest, ASecondEnforcerOfANamespaceIsRefused) {
  CHost first;
  CHost second;
  ASSERT_EQ(first.StartIn(ns()), NETPOL_OK) << first.LastError();
  EXPECT_EQ(second.StartIn(ns()), NETPOL_FAILED_PRECONDITION);
  EXPECT_THAT(second.LastError(), HasSubstr("this very process"));
  Elsewhere([&] {
    EXPECT_EQ(second.StartIn(ns()), NETPOL_OK) << second.LastError();
  });
  ASSERT_EQ(netpol_stop(first.handle(), 0), NETPOL_OK);
  CHost third;
  EXPECT_EQ(third.StartIn(ns()), NETPOL_OK) << third.LastError();
}

TEST_F(CApiDisabledTest, CleanUpIsRefusedWhereSomebodyEnforces) {
  LoadBothFlavours();
  CHost host;
  ASSERT_EQ(host.StartIn(ns()), NETPOL_OK) << host.LastError();
  const std::string before = KernelText();
  EXPECT_EQ(CleanUp(), NETPOL_FAILED_PRECONDITION);
  EXPECT_THAT(error(), AllOf(HasSubstr("this very process"),
                             HasSubstr("stop that one first")));
  EXPECT_EQ(KernelText(), before);
  ASSERT_EQ(netpol_stop(host.handle(), 0), NETPOL_OK);
  EXPECT_EQ(CleanUp(), NETPOL_OK) << error();
  EXPECT_THAT(SetNames(), SizeIs(4));
}

}  // namespace
}  // namespace netpol
