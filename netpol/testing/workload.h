// Named clusters of a realistic shape, for benchmarks, tests and
// demonstrations.
#ifndef NETPOL_TESTING_WORKLOAD_H_
#define NETPOL_TESTING_WORKLOAD_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "netpol/testing/cluster.h"

namespace netpol {

struct WorkloadShape {
  std::string name;
  int nodes = 10;
  int pods = 300;
  int local_pods = 30;  // of `pods`, on the node under test
  int namespaces = 60;
  int policies = 60;
};

// "S": 10 nodes, 300 pods, 60 namespaces, 60 policies. "M": 5,000 pods, 500
// policies. "L": 500 nodes, 100,000 pods, 1,000 namespaces, 10,000 policies,
// 250 local pods. Anything else is S.
WorkloadShape NamedWorkload(absl::string_view name);

// The node that WorkloadShape::local_pods are on.
inline constexpr absl::string_view kWorkloadNode = "node-0";

// The same cluster for the same shape and seed, on every machine. Each policy
// selects one application of its namespace and has two rules; about half of the
// peers are of the same namespace, a quarter by namespace and pod label, some
// choose many namespaces, the rest are blocks with an exception; every fifth
// port is named.
Cluster MakeWorkload(const WorkloadShape& shape, uint64_t seed);

}  // namespace netpol

#endif  // NETPOL_TESTING_WORKLOAD_H_
