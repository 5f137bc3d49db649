// The policies of a workload, each on its own.
#ifndef NETPOL_TESTING_WORKLOAD_POLICY_H_
#define NETPOL_TESTING_WORKLOAD_POLICY_H_

#include "netpol/testing/workload_plan.h"
#include "proto/k8s/networking.pb.h"

namespace netpol {

// The first policies are near and always there, whatever the seed. All three
// select the largest application of the first namespace that is not the
// platform's, and allow: the second largest one; the namespaces with
// kAccessLabel; if there is such a peer, the whole cluster.
enum FixedPolicy { kPeerPolicy, kAccessPolicy, kWholeClusterPolicy };

// Policy `number`, below plan.shape().policies.
k8s::NetworkPolicy MakeWorkloadPolicy(const WorkloadPlan& plan, int number);

}  // namespace netpol

#endif  // NETPOL_TESTING_WORKLOAD_POLICY_H_
