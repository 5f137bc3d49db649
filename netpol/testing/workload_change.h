// What happens in a workload: single changes that a benchmark does and undoes,
// and a mixed stream of them.
#ifndef NETPOL_TESTING_WORKLOAD_CHANGE_H_
#define NETPOL_TESTING_WORKLOAD_CHANGE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "netpol/testing/workload_plan.h"
#include "netpol/testing/workload_shape.h"
#include "proto/k8s/core.pb.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// `back` undoes what `forth` does to the workload as it was made.
struct WorkloadChange {
  v1::WatchEvent forth;
  v1::WatchEvent back;
};

// The same changes for the same shape and seed, and for shapes with the same
// near part (L/8 to L/1) changes of the same objects, but for addresses. Those
// that name no such thing in the shape are NotFound errors; the named workloads
// have everything, but where it is said. Nothing needs the workload itself.
// Immutable.
class WorkloadChanges {
 public:
  WorkloadChanges(const WorkloadShape& shape, uint64_t seed);

  // A pod of another node that a policy of a local pod names leaves, and comes
  // back: members of sets change, rules do not. S_all_local has none.
  absl::StatusOr<WorkloadChange> RemotePodLeaves() const;
  // Such a pod loses the label by which it was chosen.
  absl::StatusOr<WorkloadChange> RemotePodChangesLabel() const;
  // Such a pod is told again with another annotation: nothing is to be done.
  absl::StatusOr<WorkloadChange> RemotePodStaysAsItIs() const;
  // A pod of a far namespace leaves, which no near policy names; in shapes with
  // whole_cluster_peer that one peer does. X and S_all_local have none.
  absl::StatusOr<WorkloadChange> FarPodLeaves() const;

  // A pod of this node that policies isolate leaves.
  absl::StatusOr<WorkloadChange> LocalPodLeaves() const;
  // It loses the label by which policies select it.
  absl::StatusOr<WorkloadChange> LocalPodChangesLabel() const;

  // A policy that isolates local pods allows one more port.
  absl::StatusOr<WorkloadChange> PolicyChanges() const;
  // It is deleted.
  absl::StatusOr<WorkloadChange> PolicyLeaves() const;
  // A policy of a far namespace allows one more port. X and S_all_local have
  // none.
  absl::StatusOr<WorkloadChange> FarPolicyChanges() const;

  // Namespace "batch" gets the label by which a policy of local pods chooses
  // namespaces: a tenth of the near pods, 1,000 in L, move into its set.
  absl::StatusOr<WorkloadChange> NamespaceChangesLabel() const;

  // How many pods that is.
  int pods_of_moving_namespace() const;

  // `count` events at random, at last the workload as it was made, so that the
  // stream can be told again and again. Up to 512 objects come and go or change
  // to and fro, each in its turn: in 100 events there are 55 of remote pods
  // that leave or come (15 of them far), 10 of labels of remote pods, 25 of
  // pods and nodes that are told as they are, 4 of local pods that leave or
  // come, 6 of policies (4 of them far); without a far part only those of the
  // near part.
  std::vector<v1::WatchEvent> MixedStream(int count, uint64_t seed) const;

  const WorkloadPlan& plan() const { return plan_; }

 private:
  absl::StatusOr<k8s::Pod> NamedRemotePod() const;
  absl::StatusOr<k8s::Pod> IsolatedLocalPod() const;
  absl::StatusOr<k8s::Pod> FarPod() const;

  WorkloadPlan plan_;
};

}  // namespace netpol

#endif  // NETPOL_TESTING_WORKLOAD_CHANGE_H_
