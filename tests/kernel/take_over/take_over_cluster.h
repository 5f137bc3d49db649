// The cluster of the node that is taken over, and the packets that are watched
// meanwhile.
#ifndef NETPOL_TESTS_KERNEL_TAKE_OVER_TAKE_OVER_CLUSTER_H_
#define NETPOL_TESTS_KERNEL_TAKE_OVER_TAKE_OVER_CLUSTER_H_

#include <string>
#include <vector>

#include "netpol/base/ip.h"
#include "netpol/testing/cluster.h"
#include "tests/kernel/steady_traffic/watched_flow.h"

namespace netpol {

inline constexpr char kTakenNode[] = "node-a";

// Within these lie the addresses of the node's pods.
std::vector<std::string> TakenPodCidrs();

// Isolated pods in either direction and in both, a pod that is in no policy,
// pods elsewhere, policies that concern this node and one that does not.
// kube-router and we judge all of it alike.
Cluster TakeOverCluster();

// Who has which addresses in the lab, both families each. The last local one is
// no pod of the cluster (yet).
struct LabOwner {
  std::string name;
  std::vector<IpAddress> addresses;
};
std::vector<LabOwner> LocalOwners();
std::vector<LabOwner> RemoteOwners();

// Packets of both families in every direction, with their verdicts. With
// `default_deny`, also to and from what is no pod of the cluster.
std::vector<WatchedFlow> TakeOverFlows(bool default_deny);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_TAKE_OVER_TAKE_OVER_CLUSTER_H_
