// What a walk goes through and what it is measured by.
#ifndef NETPOL_TESTS_KERNEL_WALK_WALK_SETUP_H_
#define NETPOL_TESTS_KERNEL_WALK_WALK_SETUP_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "netpol/sync/dataplane.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/packet.h"
#include "netpol/testing/random_options.h"
#include "netpol/testing/reference_evaluator.h"

namespace netpol {

// Copied where it is used; the functions may be called from any thread, one at
// a time.
struct WalkSetup {
  // Sixteen local pods, and the node's addresses as the lab gives them.
  WalkSetup();

  RandomClusterOptions options;
  NodeView view;
  // Opens the kernel of the calling thread's network namespace.
  std::function<absl::StatusOr<std::unique_ptr<Dataplane>>()> open_kernel;
  // Whether the packet is to be let through.
  std::function<Verdict(const Cluster&, const NodeView&, const Packet&)> judge;
  // Whether what the kernel holds must be what a fresh start would write.
  bool compare_rulesets = true;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_WALK_WALK_SETUP_H_
