#include "netpol/testing/workload.h"

#include <utility>

#include "netpol/testing/builders.h"
#include "netpol/testing/workload_plan.h"
#include "netpol/testing/workload_policy.h"

namespace netpol {
namespace {

// Calls `visit` with every object, kind by kind.
template <typename Visitor>
void VisitObjects(const WorkloadPlan& plan, Visitor visit) {
  const WorkloadShape& shape = plan.shape();
  for (int i = 0; i < shape.namespaces; ++i) visit(plan.MakeNamespaceOf(i));
  for (int i = 0; i < shape.nodes; ++i) visit(plan.MakeNodeOf(i));
  for (const WorkloadApplication& application : plan.applications()) {
    for (int i = 0; i < application.pods; ++i)
      visit(plan.MakePodOf(application, i));
  }
  for (int i = 0; i < shape.policies; ++i) visit(MakeWorkloadPolicy(plan, i));
}

void Keep(k8s::Namespace ns, Cluster& cluster) {
  cluster.namespaces.push_back(std::move(ns));
}
void Keep(k8s::Node node, Cluster& cluster) {
  cluster.nodes.push_back(std::move(node));
}
void Keep(k8s::Pod pod, Cluster& cluster) {
  cluster.pods.push_back(std::move(pod));
}
void Keep(k8s::NetworkPolicy policy, Cluster& cluster) {
  cluster.policies.push_back(std::move(policy));
}

}  // namespace

Cluster MakeWorkload(const WorkloadShape& shape, uint64_t seed) {
  Cluster cluster;
  VisitObjects(WorkloadPlan(shape, seed),
               [&cluster](auto object) { Keep(std::move(object), cluster); });
  return cluster;
}

void VisitWorkload(const WorkloadShape& shape, uint64_t seed,
                   const std::function<void(const v1::WatchEvent&)>& visit) {
  VisitObjects(WorkloadPlan(shape, seed),
               [&visit](const auto& object) { visit(Upsert(object)); });
  for (const v1::WatchEvent& event : ListingOf(Cluster())) visit(event);
}

}  // namespace netpol
