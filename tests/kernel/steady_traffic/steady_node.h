// A node in the packet lab that is told of changes.
#ifndef NETPOL_TESTS_KERNEL_STEADY_TRAFFIC_STEADY_NODE_H_
#define NETPOL_TESTS_KERNEL_STEADY_TRAFFIC_STEADY_NODE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpol/controller.h"
#include "netpol/sync/dataplane.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/random_options.h"
#include "proto/netpol/watch_event.pb.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/packet_lab.h"

namespace netpol {

// Opens the kernel of the calling thread's network namespace.
using KernelOpener =
    std::function<absl::StatusOr<std::unique_ptr<Dataplane>>()>;

// What was done to the kernel.
struct SteadyWork {
  int64_t events = 0;
  int64_t syncs = 0;
  int64_t restarts = 0;
  int64_t resyncs = 0;
  int64_t table_commits = 0;
  int64_t set_messages = 0;
  int64_t sets_created = 0;
  int64_t sets_replaced = 0;
  int64_t sets_destroyed = 0;
};

// Random clusters over the lab's addresses: sixteen local pods, every remote
// and outside address in the world.
RandomClusterOptions SteadyClusterOptions();

// Owns a lab and a controller of both families in its node. Thread-compatible:
// one thread may change it while another sends packets in lab().
class SteadyNode {
 public:
  static absl::StatusOr<std::unique_ptr<SteadyNode>> Create(
      const RandomClusterOptions& options, KernelOpener open_kernel);

  PacketLab& lab() { return *lab_; }
  const SteadyWork& work() const { return work_; }

  // These two only in a thread of the node: see PacketLab::RunOnNode().

  // A new controller over the kernel as it is, which is told of `cluster`.
  absl::Status Restart(const Cluster& cluster);
  // One batch, `reread` the kernel before it.
  absl::Status Apply(const std::vector<v1::WatchEvent>& events,
                     bool reread = false);

  // TCP segments that were sent again in any namespace of the lab.
  absl::StatusOr<int64_t> Retransmissions() const;

 private:
  SteadyNode(const RandomClusterOptions& options, KernelOpener open_kernel,
             std::unique_ptr<PacketLab> lab);

  absl::Status AddAddresses();
  absl::Status Sync();
  std::vector<IpAddress> Addresses() const;

  RandomClusterOptions options_;
  KernelOpener open_kernel_;
  std::unique_ptr<PacketLab> lab_;
  std::unique_ptr<Controller> controller_;
  SteadyWork work_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_STEADY_TRAFFIC_STEADY_NODE_H_
