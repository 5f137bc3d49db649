// The node that is taken over: its lab, its neighbours' rules, and us.
#ifndef NETPOL_TESTS_KERNEL_TAKE_OVER_TAKEN_NODE_H_
#define NETPOL_TESTS_KERNEL_TAKE_OVER_TAKEN_NODE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpol/controller.h"
#include "netpol/dataplane/flavour.h"
#include "netpol/testing/cluster.h"
#include "tests/kernel/lab/netns.h"
#include "tests/kernel/lab/packet_lab.h"

namespace netpol {

// The lab with all addresses of the cluster in it.
absl::StatusOr<std::unique_ptr<PacketLab>> MakeTakenLab();

// How we enforce.
struct Enforcement {
  Flavour flavour = Flavour::kLegacy;
  bool default_deny = false;
  // Called after each thing that is done to the kernel; see StepKernel.
  std::function<void(absl::string_view)> after = [](absl::string_view) {};
};

// A controller of both families over the kernel of the calling thread's network
// namespace, which has been told of `cluster`.
absl::StatusOr<std::unique_ptr<Controller>> StartController(
    const Cluster& cluster, const Enforcement& enforcement);

// Syncs until nothing is left to do, which takes a second go where a set was
// still in use. What a sync complains of is an error.
absl::Status SyncAll(Controller& controller);

// A whole start in the calling thread's network namespace: a controller, its
// first sync, a sweep of what is left in the other flavour, and whatever is
// left to do then.
absl::Status Enforce(const Cluster& cluster, const Enforcement& enforcement);
// In `ns`.
absl::Status EnforceOn(const NetNs& ns, const Cluster& cluster,
                       const Enforcement& enforcement);

// Rules, a chain and a set of others, in the way of nobody: some tell of
// kube-router, and have been met by 7 packets.
absl::Status LayForeignRules(const NetNs& ns, Flavour flavour);

// All rules of both families, and all sets, as one flavour's programs tell of
// them: without the built-in chains' counters, and without what does not change
// what a set does. In an order that does not depend on who came first.
absl::StatusOr<std::vector<std::string>> Listing(const NetNs& ns,
                                                 Flavour flavour);

// Those lines of a listing that are nobody's of ours or kube-router's.
std::vector<std::string> Foreign(const std::vector<std::string>& listing);

// A listing without the counters of rules.
std::vector<std::string> Uncounted(std::vector<std::string> listing);

// Neither a rule nor a set is left, whosever they were.
absl::Status Clear(const NetNs& ns);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_TAKE_OVER_TAKEN_NODE_H_
