#include "tests/kernel/conformance/conformance_suite.h"

#include <cstdlib>
#include <iostream>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netpol/testing/cluster.h"
#include "tests/kernel/lab/netns.h"

namespace netpol {
namespace {

constexpr Placement kPlacements[] = {Placement::kOneNode, Placement::kTwoNodes};

// What the cases of a suite share.
struct SharedLabs {
  std::unique_ptr<ConformanceLab> labs[2];  // by placement
  size_t packets = 0;
  size_t steps = 0;
};

SharedLabs& Shared() {
  static SharedLabs& shared = *new SharedLabs();
  return shared;
}

// The nine pods would only be in the way.
std::string DescribePolicies(const Cluster& cluster) {
  Cluster policies;
  policies.policies = cluster.policies;
  return Describe(policies);
}

void RunStep(const ConformanceStep& step, Placement placement, bool sound,
             ConformanceLab& lab) {
  const absl::Status told = lab.Tell(step.events);
  ASSERT_TRUE(told.ok()) << told;
  const absl::Status settled = lab.Settle();
  ASSERT_TRUE(settled.ok()) << settled << "\n"
                            << DescribePolicies(lab.cluster());
  if (sound) {
    for (const auto& [policy, problems] : lab.controller().problems()) {
      ADD_FAILURE() << "sound policy " << policy.ToString()
                    << " is complained of: " << problems.front();
    }
  }
  const absl::StatusOr<TruthTable> table = lab.ProbeMatrix(step.expected);
  ASSERT_TRUE(table.ok()) << table.status();
  Shared().packets += table->size();
  ++Shared().steps;
  EXPECT_EQ(table->wrong(), 0u)
      << table->Explain() << DescribePolicies(lab.cluster());
  if (step.refused.has_value() && placement == Placement::kOneNode) {
    EXPECT_EQ(table->refused_between_pods(), *step.refused)
        << "counted by hand";
  }
}

}  // namespace

ConformanceCase OneStep(const std::string& name, const std::string& meaning,
                        const std::vector<PolicyBuilder>& policies,
                        const MatrixExpectations& expected,
                        absl::optional<int> refused) {
  ConformanceStep step = {{}, expected, refused};
  for (const PolicyBuilder& policy : policies) {
    step.events.push_back(Upsert(policy.Build()));
  }
  return {name, meaning, {std::move(step)}};
}

std::string CaseName(const testing::TestParamInfo<ConformanceCase>& info) {
  return info.param.name;
}

void ConformanceSuite::SetUpTestSuite() {
  if (!MayMakeNamespaces()) return;
  // The lock of this test alone.
  const std::string lock = testing::TempDir() + "/xtables.lock";
  setenv("XTABLES_LOCKFILE", lock.c_str(), 1);
  for (Placement placement : kPlacements) {
    absl::StatusOr<std::unique_ptr<ConformanceLab>> lab =
        ConformanceLab::Create(placement);
    ASSERT_TRUE(lab.ok()) << lab.status();
    Shared().labs[static_cast<int>(placement)] = *std::move(lab);
  }
}

void ConformanceSuite::TearDownTestSuite() {
  std::cout << "probed " << Shared().packets << " packets after "
            << Shared().steps << " steps\n";
  Shared() = SharedLabs();
}

void ConformanceSuite::SetUp() {
  if (!MayMakeNamespaces())
    GTEST_SKIP() << "needs root: makes network namespaces";
  for (const auto& lab : Shared().labs)
    ASSERT_NE(lab, nullptr) << "the lab could not be made";
}

void ConformanceSuite::Run(const ConformanceCase& conformance_case) {
  for (Placement placement : kPlacements) {
    SCOPED_TRACE(placement == Placement::kOneNode
                     ? "all pods on the node"
                     : "pods named c on another node");
    ConformanceLab& lab = *Shared().labs[static_cast<int>(placement)];
    const absl::Status reset = lab.Reset();
    ASSERT_TRUE(reset.ok()) << reset;
    const absl::Status settled = lab.Settle();
    ASSERT_TRUE(settled.ok()) << settled;
    int number = 0;
    for (const ConformanceStep& step : conformance_case.steps) {
      SCOPED_TRACE(absl::StrCat("after step ", ++number));
      ASSERT_NO_FATAL_FAILURE(
          RunStep(step, placement, conformance_case.sound, lab));
    }
  }
}

}  // namespace netpol
