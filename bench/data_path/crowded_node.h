// A node with many local pods under many policies.
#ifndef NETPOL_BENCH_DATA_PATH_CROWDED_NODE_H_
#define NETPOL_BENCH_DATA_PATH_CROWDED_NODE_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"
#include "netpol/testing/cluster.h"

namespace netpol {

inline constexpr absl::string_view kCrowdedNode = "node-0";

// The pod whose packets are measured, and who sends them.
struct MeasuredFlow {
  IpAddress client;
  IpAddress pod;
  uint16_t port = 0;  // UDP
};

struct CrowdedNode {
  Cluster cluster;
  MeasuredFlow flow;
};

// `pods` (1 to 250) pods on kCrowdedNode, each with `policies` (0 to 250) of
// its namespace that isolate it for ingress, and all policies for the same port
// and each for other peers. The measured pod is the last one by address, by
// name and in the listing, and has policies of its own; its client is a peer of
// the last of these by name and in the listing, and of no other. The rest of
// the pods are spread over ten namespaces. The same cluster each time.
CrowdedNode MakeCrowdedNode(int pods, int policies);

}  // namespace netpol

#endif  // NETPOL_BENCH_DATA_PATH_CROWDED_NODE_H_
