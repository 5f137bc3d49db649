// Random changes of a cluster that leave some packets' verdicts alone.
#ifndef NETPOL_TESTS_KERNEL_STEADY_TRAFFIC_CHANGE_SOURCE_H_
#define NETPOL_TESTS_KERNEL_STEADY_TRAFFIC_CHANGE_SOURCE_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "netpol/testing/cluster.h"
#include "netpol/testing/packet.h"
#include "netpol/testing/random.h"
#include "netpol/testing/random_options.h"
#include "netpol/testing/reference_evaluator.h"
#include "proto/netpol/watch_event.pb.h"
#include "tests/kernel/steady_traffic/watched_flow.h"

namespace netpol {

// Policies that come, go and change, pods that come, go, move and change labels
// or ports, namespaces that change labels: one to three changes at a time.
// Changes that would turn a watched verdict are drawn again. Thread-compatible.
class ChangeSource {
 public:
  // The same options and seed make the same clusters and changes.
  ChangeSource(const RandomClusterOptions& options, uint64_t seed);

  const Cluster& cluster() const { return cluster_; }
  const NodeView& node() const { return node_; }
  const std::vector<WatchedFlow>& flows() const { return flows_; }

  // Another cluster, unlike the last; nothing is watched.
  void StartAnew();

  // Watches `count` packets of each family that are allowed, and as many that
  // are denied, or as many as were found; only those that `may`.
  void WatchSome(int count, const std::function<bool(const Packet&)>& may);

  // What happens next, which cluster() then has. Empty if nothing was found
  // that leaves the watched packets alone.
  std::vector<v1::WatchEvent> Next();

  Random& random() { return random_; }

 private:
  RandomClusterOptions options_;
  NodeView node_;
  Random random_;
  Cluster cluster_;
  std::vector<WatchedFlow> flows_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_STEADY_TRAFFIC_CHANGE_SOURCE_H_
