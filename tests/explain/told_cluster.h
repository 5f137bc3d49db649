// A cluster in memory that is asked, without a kernel.
#ifndef NETPOL_TESTS_EXPLAIN_TOLD_CLUSTER_H_
#define NETPOL_TESTS_EXPLAIN_TOLD_CLUSTER_H_

#include <memory>
#include <vector>

#include "netpol/compile/layout.h"
#include "netpol/controller.h"
#include "netpol/state/cluster_state.h"
#include "netpol/sync/snapshot.h"
#include "netpol/testing/builders.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// Everything that a node called kName was told, both families enforced. What
// must not fail is a failure of the test. Thread-compatible.
class ToldCluster {
 public:
  static constexpr char kName[] = "node-a";

  ToldCluster();
  explicit ToldCluster(LayoutOptions layout);

  void Tell(const v1::WatchEvent& event);
  void Tell(const std::vector<v1::WatchEvent>& events);
  void Add(const PodBuilder& pod) { Tell(Upsert(pod.Build())); }
  void Add(const PolicyBuilder& policy) { Tell(Upsert(policy.Build())); }

  const ClusterState& state() const { return controller_->state(); }
  const LayoutOptions& layout() const { return controller_->options().layout; }
  Controller& controller() { return *controller_; }

  // The kernel that this asks for.
  Snapshot WantedKernel();

 private:
  std::unique_ptr<Controller> controller_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_EXPLAIN_TOLD_CLUSTER_H_
