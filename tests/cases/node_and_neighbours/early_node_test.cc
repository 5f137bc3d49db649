// A node that has no addresses yet, by the API, when the controller starts
// (C092). The kernel knows its own addresses, so nothing has to wait for them.
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cases/node_and_neighbours/neighbour_node.h"

namespace netpol {
namespace {

using testing::IsEmpty;

class EarlyNodeTest : public NeighbourNodeTest,
                      public testing::WithParamInterface<bool> {};

// Parameter: with a default deny, which needs the node's pod CIDRs.
TEST_P(EarlyNodeTest, PodsAreProtectedInBothFamiliesFromTheFirstStep) {
  LayoutOptions layout;
  layout.families = {Family::kIPv4, Family::kIPv6};
  layout.default_deny = GetParam();
  StartController(layout, OpenKernel());
  const Case told = ReadIt("C092");
  ASSERT_EQ(told.steps.size(), 3u);
  // What the last step asks for, and the node's own way in.
  std::vector<CaseCheck> checks = told.steps.back().checks;
  checks.push_back({"172.31.0.1", "10.42.0.167", IPPROTO_TCP, 80, true});
  checks.push_back({"fd00:31::1", "fd00:42:0::a7", IPPROTO_TCP, 80, true});
  for (size_t step = 0; step < told.steps.size(); ++step) {
    SCOPED_TRACE(step);
    ASSERT_NO_FATAL_FAILURE(TellStep(told, step));
    const SyncReport report = Sync();
    EXPECT_THAT(report.problems, IsEmpty());
    EXPECT_FALSE(report.retry);
    // Nothing that the later steps say changes a rule or a set.
    EXPECT_EQ(report.writes.total() == 0, step > 0);
    EXPECT_THAT(controller().node_problems(), IsEmpty());
    ExpectVerdicts(checks);
  }
}

INSTANTIATE_TEST_SUITE_P(DefaultDeny, EarlyNodeTest, testing::Bool(),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace netpol
