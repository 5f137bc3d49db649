#include "netpol/daemon/explain_kernel.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "netpol/compile/layout.h"
#include "netpol/daemon/explain_answer.h"
#include "netpol/daemon/explain_form.h"
#include "netpol/testing/builders.h"
#include "tests/explain/shop_cluster.h"

namespace netpol {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// db of this node takes TCP 80 from web, which is elsewhere.
class ExplainKernelTest : public testing::Test {
 protected:
  ExplainKernelTest() : kernel_(cluster_.WantedKernel()) {}

  v1::Explanation Explain(const std::string& protocol, uint32_t port) {
    v1::ExplainRequest request;
    request.set_from("shop/web");
    request.set_to("shop/db");
    request.set_protocol(protocol);
    if (port != 0) request.set_port(port);
    ExplainContext context;
    context.node_name = "node-a";
    context.layout = cluster_.layout();
    absl::StatusOr<v1::Explanation> explanation =
        ExplainByPolicies(request, cluster_.state(), context);
    EXPECT_TRUE(explanation.ok()) << explanation.status();
    const absl::Status added = AddKernelPart(kernel_, *explanation);
    EXPECT_TRUE(added.ok()) << added;
    return *explanation;
  }
  std::vector<Rule>& PolicyRules() {
    return kernel_.table(Family::kIPv4)
        .chains.at(
            PolicyChain({"shop", "db-in"}, Direction::kIngress, Family::kIPv4));
  }

  ShopCluster cluster_{"node-b", "10.0.1.1", {NumberPort("TCP", 80)}};
  Snapshot kernel_;
};

TEST_F(ExplainKernelTest, KernelThatDoesWhatPoliciesSayAgrees) {
  for (uint32_t port : {80u, 81u, 0u}) {
    const v1::Explanation explanation = Explain("tcp", port);
    EXPECT_EQ(explanation.verdict(), port == 80 ? "allowed" : "denied");
    EXPECT_TRUE(explanation.agrees()) << TextOf(explanation);
    EXPECT_THAT(TextOf(explanation), HasSubstr("(agrees)"));
  }
  EXPECT_THAT(TextOf(Explain("tcp", 0)),
              HasSubstr("allowed on TCP 80, denied elsewhere"));
  EXPECT_TRUE(Explain("icmp", 0).agrees());
}

TEST_F(ExplainKernelTest, MissingAllowanceDisagreesOnItsPortAlone) {
  PolicyRules().clear();
  EXPECT_FALSE(Explain("tcp", 80).agrees());
  EXPECT_TRUE(Explain("tcp", 81).agrees());
  const v1::Explanation every = Explain("tcp", 0);
  EXPECT_FALSE(every.agrees());
  const v1::ExplainedKernel& kernel = every.paths(0).kernel();
  ASSERT_EQ(kernel.disagreeing_ports_size(), 1);
  EXPECT_EQ(kernel.disagreeing_ports(0).first(), 80u);
  EXPECT_EQ(kernel.disagreeing_ports(0).last(), 80u);
  EXPECT_EQ(kernel.shown_port(), 80u);
  EXPECT_THAT(TextOf(every),
              HasSubstr("TCP, every port (the kernel DISAGREES)\n"));
  EXPECT_THAT(TextOf(every), HasSubstr("on ports 80\n"));
  EXPECT_THAT(TextOf(every), Not(HasSubstr("(agrees)")));
}

TEST_F(ExplainKernelTest, MissingHooksDisagreeAndAreNamed) {
  kernel_.table(Family::kIPv4).hooks_in_place = false;
  EXPECT_TRUE(Explain("tcp", 80).agrees());
  const v1::Explanation denied = Explain("tcp", 81);
  EXPECT_FALSE(denied.agrees());
  EXPECT_EQ(denied.verdict(), "denied");
  EXPECT_THAT(TextOf(denied), HasSubstr("no rule of FORWARD leads into our"));
}

TEST_F(ExplainKernelTest, RulesOfOthersBeforeOursAreNamedAndNotFollowed) {
  kernel_.table(Family::kIPv4).hooks_in_place = false;
  kernel_.table(Family::kIPv4).rules_before_hook = {0, 2, 0};
  for (uint16_t port : {80, 81}) {
    const v1::Explanation explanation = Explain("tcp", port);
    EXPECT_TRUE(explanation.agrees());
    EXPECT_EQ(explanation.paths(0).kernel().foreign_rules_before(), 2u);
    EXPECT_THAT(TextOf(explanation),
                AllOf(HasSubstr("(agrees, but rules of others come first)"),
                      HasSubstr("2 rules of FORWARD not ours")));
  }
  EXPECT_EQ(Explain("tcp", 81).paths(0).kernel().verdict(), "denied");
}

TEST_F(ExplainKernelTest, OtherNodesDenialIsNotThisKernels) {
  cluster_.Add(PolicyBuilder("shop", "web-out")
                   .Selects({{"app", "web"}})
                   .Types({"Egress"}));
  const v1::Explanation explanation = Explain("tcp", 80);
  EXPECT_EQ(explanation.verdict(), "denied");
  EXPECT_EQ(explanation.paths(0).kernel().verdict(), "allowed");
  EXPECT_TRUE(explanation.agrees());
}

TEST_F(ExplainKernelTest, RulesThatCannotBeFollowedAreAnError) {
  Rule jump;
  jump.action = JumpAction{ChainName("KUBE-NWPLCY-GONE")};
  PolicyRules().push_back(jump);
  v1::Explanation explanation;
  const absl::Status added = AddKernelPart(kernel_, explanation);
  EXPECT_EQ(added.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(added.message()), HasSubstr("KUBE-NWPLCY-GONE"));
}

}  // namespace
}  // namespace netpol
