// A node whose controller is told about the matrix cluster, and real packets
// between all its pods.
#ifndef NETPOL_TESTS_KERNEL_CONFORMANCE_CONFORMANCE_LAB_H_
#define NETPOL_TESTS_KERNEL_CONFORMANCE_CONFORMANCE_LAB_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "netpol/controller.h"
#include "netpol/testing/cluster.h"
#include "proto/netpol/watch_event.pb.h"
#include "tests/cases/case_lab.h"
#include "tests/kernel/conformance/matrix_cluster.h"
#include "tests/kernel/conformance/matrix_expectation.h"
#include "tests/kernel/conformance/truth_table.h"

namespace netpol {

// One controller over one kernel, kept from step to step and from case to case,
// so that every change is made to what was there before. Starts as
// MatrixCluster(). Thread-compatible; see PacketLab for what it needs.
class ConformanceLab {
 public:
  static absl::StatusOr<std::unique_ptr<ConformanceLab>> Create(
      Placement placement);

  // Pods without a node get one by the placement. InvalidArgument if something
  // is deleted that is not there. Enforced by Settle().
  absl::Status Tell(absl::Span<const v1::WatchEvent> events);

  // Tells what makes the cluster MatrixCluster() again.
  absl::Status Reset();

  // Syncs and forgets all connections. Internal unless the sync did everything,
  // another one had nothing to write, and neither had a third that read the
  // whole kernel first.
  absl::Status Settle();

  // Sends every packet of ProbesBetween() and judges it by `by_hand` and by the
  // reference evaluator.
  absl::StatusOr<TruthTable> ProbeMatrix(const MatrixExpectations& by_hand);

  const Cluster& cluster() const { return cluster_; }
  const Controller& controller() const { return *controller_; }

 private:
  ConformanceLab(Placement placement, std::unique_ptr<CaseLab> lab)
      : placement_(placement), lab_(std::move(lab)) {}

  absl::Status MakeController();
  absl::Status SyncThrice();

  Placement placement_;
  std::unique_ptr<CaseLab> lab_;
  std::unique_ptr<Controller> controller_;
  Cluster cluster_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_CONFORMANCE_CONFORMANCE_LAB_H_
