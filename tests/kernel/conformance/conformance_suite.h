// Tables of cases that are run by real packets.
//
//   class PeersTest : public ConformanceSuite {};
//   TEST_P(PeersTest, EveryPacketMeetsItsVerdict) { Run(GetParam()); }
//   INSTANTIATE_TEST_SUITE_P(Table, PeersTest, testing::ValuesIn(Cases()),
//                            CaseName);
#ifndef NETPOL_TESTS_KERNEL_CONFORMANCE_CONFORMANCE_SUITE_H_
#define NETPOL_TESTS_KERNEL_CONFORMANCE_CONFORMANCE_SUITE_H_

#include <ostream>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "gtest/gtest.h"
#include "netpol/testing/builders.h"
#include "proto/netpol/watch_event.pb.h"
#include "tests/kernel/conformance/conformance_lab.h"
#include "tests/kernel/conformance/matrix_cluster.h"
#include "tests/kernel/conformance/matrix_expectation.h"

namespace netpol {

// What is told at once, and what is true afterwards.
struct ConformanceStep {
  std::vector<v1::WatchEvent> events;
  MatrixExpectations expected;
  // How many of the packets from pod to pod do not arrive when all pods are on
  // the node, counted by hand. Nine pods exchange 864: 72 pairs, 2 ports, 3
  // protocols, 2 families; so 12 for each pair that is closed.
  absl::optional<int> refused = {};
};

// Starts at MatrixCluster().
struct ConformanceCase {
  std::string name;     // CamelCase: the name of the test
  std::string meaning;  // one line
  std::vector<ConformanceStep> steps;
  // Nothing is wrong with any policy, so none may be complained of.
  bool sound = true;

  friend std::ostream& operator<<(std::ostream& os, const ConformanceCase& c) {
    return os << c.meaning;
  }
};

// For most cases: these policies at once.
ConformanceCase OneStep(const std::string& name, const std::string& meaning,
                        const std::vector<PolicyBuilder>& policies,
                        const MatrixExpectations& expected,
                        absl::optional<int> refused = {});

// For INSTANTIATE_TEST_SUITE_P.
std::string CaseName(const testing::TestParamInfo<ConformanceCase>& info);

// Runs each case with all pods on the node, then with some on another. The labs
// are made once for all cases of a suite.
class ConformanceSuite : public testing::TestWithParam<ConformanceCase> {
 public:
  static void SetUpTestSuite();
  static void TearDownTestSuite();

 protected:
  void SetUp() override;

  // After each step every packet of the matrix meets what the kernel, the
  // reference evaluator and the case's own lines agree upon.
  void Run(const ConformanceCase& conformance_case);
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_CONFORMANCE_CONFORMANCE_SUITE_H_
