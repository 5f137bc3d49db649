#include "netpol/testing/workload_shape.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace netpol {
namespace {

constexpr int kNearNamespacesOfL = 80;
constexpr int kNearPodsOfL = 10000;
constexpr int kNearPoliciesOfL = 1200;

// The cluster of L over `divisor`, around what is near in L.
WorkloadShape PartOfL(int divisor) {
  WorkloadShape shape = {absl::StrCat("L/", divisor),
                         500 / divisor,
                         100000 / divisor,
                         250,
                         1000 / divisor,
                         10000 / divisor};
  shape.near_namespaces = kNearNamespacesOfL;
  shape.near_pods = kNearPodsOfL;
  shape.near_policies = kNearPoliciesOfL;
  shape.whole_cluster_peer = false;
  return shape;
}

std::vector<WorkloadShape> AllWorkloads() {
  WorkloadShape s = {"S", 10, 300, 30, 60, 60, 20, 150, 30};
  WorkloadShape s_all_local = {"S_all_local", 2, 300, 300, 10, 60};
  WorkloadShape m = {"M", 50, 5000, 110, 200, 500, 60, 2000, 200};
  WorkloadShape x = {"X", 20, 5000, 250, 50, 10000};
  x.local_policies_only = true;
  WorkloadShape l = PartOfL(1);
  l.name = std::string("L");  // GCC 12 misreads an assigned literal
  l.whole_cluster_peer = true;
  return {s,          s_all_local, m,          x, PartOfL(8),
          PartOfL(4), PartOfL(2),  PartOfL(1), l};
}

}  // namespace

absl::StatusOr<WorkloadShape> FindWorkload(absl::string_view name) {
  for (WorkloadShape& shape : AllWorkloads()) {
    if (shape.name == name) return std::move(shape);
  }
  return absl::NotFoundError(
      absl::StrCat("no workload is called \"", name, "\"; there are ",
                   absl::StrJoin(WorkloadNames(), ", ")));
}

WorkloadShape NamedWorkload(absl::string_view name) {
  return *FindWorkload(name);
}

std::vector<std::string> WorkloadNames() {
  std::vector<std::string> names;
  for (const WorkloadShape& shape : AllWorkloads()) names.push_back(shape.name);
  return names;
}

}  // namespace netpol
