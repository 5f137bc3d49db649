// The single changes of workloads that are measured, by name.
#ifndef NETPOL_BENCH_ENGINE_WORKLOAD_EVENT_H_
#define NETPOL_BENCH_ENGINE_WORKLOAD_EVENT_H_

#include <vector>

#include "absl/status/statusor.h"
#include "netpol/testing/workload_change.h"

namespace netpol {

struct WorkloadEvent {
  const char* name;
  absl::StatusOr<WorkloadChange> (WorkloadChanges::*make)() const;
  // How often it is done and undone for a median that stands still.
  int pairs = 200;
  // Rules change with it, so that there is a commit.
  bool touches_rules = false;
};

inline std::vector<WorkloadEvent> WorkloadEvents() {
  using Changes = WorkloadChanges;
  return {
      {"RemotePodLeaves", &Changes::RemotePodLeaves, 200, false},
      {"RemotePodChangesLabel", &Changes::RemotePodChangesLabel, 200, false},
      {"RemotePodStaysAsItIs", &Changes::RemotePodStaysAsItIs, 200, false},
      {"FarPodLeaves", &Changes::FarPodLeaves, 200, false},
      {"FarPolicyChanges", &Changes::FarPolicyChanges, 200, false},
      {"NamespaceChangesLabel", &Changes::NamespaceChangesLabel, 20, false},
      {"LocalPodLeaves", &Changes::LocalPodLeaves, 20, true},
      {"LocalPodChangesLabel", &Changes::LocalPodChangesLabel, 20, true},
      {"PolicyChanges", &Changes::PolicyChanges, 20, true},
      {"PolicyLeaves", &Changes::PolicyLeaves, 20, true},
  };
}

}  // namespace netpol

#endif  // NETPOL_BENCH_ENGINE_WORKLOAD_EVENT_H_
