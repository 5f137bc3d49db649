// Who is who in a workload: every namespace, application, pod and node can be
// made on its own, in any order, without the others.
#ifndef NETPOL_TESTING_WORKLOAD_PLAN_H_
#define NETPOL_TESTING_WORKLOAD_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "netpol/testing/builders.h"
#include "netpol/testing/workload_shape.h"
#include "proto/k8s/core.pb.h"

namespace netpol {

// The places of the platform's namespaces in WorkloadPlan::spaces().
enum PlatformSpace { kDnsSpace, kMonitoringSpace, kIngressSpace, kBatchSpace };
inline constexpr int kPlatformSpaces = 4;

// The label of namespaces that may reach data, "granted". One near namespace in
// sixteen has it; "batch" and far ones do not.
inline constexpr char kAccessLabel[] = "example.org/data-access";
// The label that says that a namespace is near.
inline constexpr char kPoolLabel[] = "example.org/node-pool";

// Pods [first_pod, first_pod + pods) have one template.
struct WorkloadApplication {
  int space = 0;
  int index = 0;  // in its namespace, the largest first
  int first_pod = 0;
  int pods = 0;
  int local_pods = 0;
};

struct WorkloadSpace {
  int first_application = 0;
  int applications = 0;
};

// Small: some bytes for each application. Immutable.
class WorkloadPlan {
 public:
  WorkloadPlan(const WorkloadShape& shape, uint64_t seed);

  // All numbers are filled in.
  const WorkloadShape& shape() const { return shape_; }
  uint64_t seed() const { return seed_; }

  // The near ones first, the platform's four first of all.
  const std::vector<WorkloadSpace>& spaces() const { return spaces_; }
  const std::vector<WorkloadApplication>& applications() const {
    return applications_;
  }
  const WorkloadApplication& application(int space, int index) const {
    return applications_[static_cast<size_t>(
        spaces_[static_cast<size_t>(space)].first_application + index)];
  }
  bool IsNear(int space) const { return space < shape_.near_namespaces; }
  // Numbers of pods, sorted.
  const std::vector<int>& local_pods() const { return local_pods_; }
  bool IsLocal(int pod) const;

  std::string SpaceName(int space) const;
  std::string TeamOf(int space) const;
  // The labels "app" and "tier", and the number of the port called "http".
  std::string NameOf(const WorkloadApplication& application) const;
  std::string TierOf(const WorkloadApplication& application) const;
  int PortOf(const WorkloadApplication& application) const;

  k8s::Namespace MakeNamespaceOf(int space) const;
  // `pod` is a number below that of all pods.
  k8s::Pod MakePod(int pod) const;
  // `pod` is a number among the application's.
  k8s::Pod MakePodOf(const WorkloadApplication& application, int pod) const;
  k8s::Node MakeNodeOf(int node) const;

 private:
  void AddSpaces(int count, int pods, uint64_t seed);
  void AddSpace(int pods, int applications);
  void PlaceLocalPods(uint64_t seed);
  // How many local pods have a smaller number.
  int LocalBefore(int pod) const;

  // Bits that only this application has.
  uint64_t IdentityOf(const WorkloadApplication& application) const;
  bool HasOldTemplate(const WorkloadApplication& application, int pod) const;
  std::string TemplateOf(const WorkloadApplication& application, int pod) const;
  void AddLabels(const WorkloadApplication& application, int pod,
                 PodBuilder& builder) const;
  void AddPorts(const WorkloadApplication& application, int pod,
                PodBuilder& builder) const;
  void AddAddresses(int pod, PodBuilder& builder) const;

  WorkloadShape shape_;
  uint64_t seed_;
  std::vector<WorkloadSpace> spaces_;
  std::vector<WorkloadApplication> applications_;
  std::vector<int> local_pods_;  // sorted
  int planned_pods_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_TESTING_WORKLOAD_PLAN_H_
