// How large the named clusters of workload.h are.
#ifndef NETPOL_TESTING_WORKLOAD_SHAPE_H_
#define NETPOL_TESTING_WORKLOAD_SHAPE_H_

#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace netpol {

// How large a cluster is. The near part is what the node under test has to do
// with: its pods are of near namespaces only, and near policies name nobody
// else, but for one peer if `whole_cluster_peer`. It is the same for shapes
// that differ in the rest alone, to the last pod, but for addresses and nodes.
//
// At least 8 near namespaces, 30 near pods and 3 near policies; at most 1,000
// pods for each node.
struct WorkloadShape {
  std::string name;
  int nodes = 10;
  int pods = 300;
  int local_pods = 30;  // of `pods`, on the node under test
  int namespaces = 60;
  int policies = 60;

  // Of the above; 0 is all.
  int near_namespaces = 0;
  int near_pods = 0;  // the local ones among them
  int near_policies = 0;

  // Every near policy selects a local pod.
  bool local_policies_only = false;
  // A few policies allow every pod of the cluster.
  bool whole_cluster_peer = true;
  // Families of the addresses of pods, nodes and blocks.
  bool ipv4 = true;
  bool ipv6 = false;

  // The name.
  friend std::ostream& operator<<(std::ostream& os, const WorkloadShape& s) {
    return os << s.name;
  }
};

// "S": 10 nodes, 300 pods (30 local), 60 namespaces, 60 policies.
// "S_all_local": 300 pods, all local, 10 namespaces, 60 policies.
// "M": 50 nodes, 5,000 pods (110 local), 200 namespaces, 500 policies.
// "L": 500 nodes, 100,000 pods (250 local), 1,000 namespaces, 10,000 policies;
// 80 namespaces with 10,000 pods and 1,200 policies are near.
// "L/8", "L/4", "L/2", "L/1": the near part of L, in an eighth of its cluster
// and so on, without the peer that is the whole cluster: what the node has to
// do is the same in all four.
// "X": 20 nodes, 5,000 pods (250 local), 50 namespaces, 10,000 policies, each
// of which selects local pods.
// Anything else is a NotFound error that lists the names.
absl::StatusOr<WorkloadShape> FindWorkload(absl::string_view name);

// The same for names that stand in the code: ends the program with that error.
WorkloadShape NamedWorkload(absl::string_view name);

// As FindWorkload() knows them, smaller ones first.
std::vector<std::string> WorkloadNames();

// The node that WorkloadShape::local_pods are on.
inline constexpr absl::string_view kWorkloadNode = "node-0";

}  // namespace netpol

#endif  // NETPOL_TESTING_WORKLOAD_SHAPE_H_
