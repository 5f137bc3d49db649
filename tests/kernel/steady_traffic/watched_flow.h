// Packets whose verdict is not to change while everything around them does.
#ifndef NETPOL_TESTS_KERNEL_STEADY_TRAFFIC_WATCHED_FLOW_H_
#define NETPOL_TESTS_KERNEL_STEADY_TRAFFIC_WATCHED_FLOW_H_

#include <string>
#include <vector>

#include "netpol/testing/cluster.h"
#include "netpol/testing/packet.h"
#include "netpol/testing/reference_evaluator.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

struct WatchedFlow {
  Packet packet;
  bool allowed = false;
  // "Egress" or "Ingress", whichever refuses it first; empty if allowed. The
  // two directions are judged by rules that no kernel changes in one step, so
  // a packet may slip through where a refusal moves from one to the other.
  std::string refused_by;
};

// `packet` as the cluster is.
WatchedFlow Watch(const Cluster& cluster, const NodeView& node,
                  const Packet& packet);

// Whether no flow's verdict, or the side that refuses it, changes in whichever
// order `events` happen, and if only some of them do: so that a kernel that is
// half way between before and after must not show it. Costs 2^events.
bool LeavesAlone(const std::vector<v1::WatchEvent>& events,
                 const Cluster& cluster, const NodeView& node,
                 const std::vector<WatchedFlow>& flows);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_STEADY_TRAFFIC_WATCHED_FLOW_H_
