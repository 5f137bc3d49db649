// Keeps the kernel of one node in step with the NetworkPolicies it is told
// about.
//
//   auto dataplane = LinuxDataplane::Create({});
//   auto controller = Controller::Create({.node_name = "node-a"},
//   *std::move(dataplane)); for (const v1::WatchEvent& event : events)
//   controller->OnEvent(event); absl::StatusOr<SyncReport> report =
//   controller->Sync();
#ifndef NETPOL_CONTROLLER_H_
#define NETPOL_CONTROLLER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpol/base/ip.h"
#include "netpol/compile/compiler.h"
#include "netpol/compile/layout.h"
#include "netpol/policy/object_key.h"
#include "netpol/state/cluster_state.h"
#include "netpol/sync/dataplane.h"
#include "netpol/sync/plan.h"
#include "netpol/sync/sync_engine.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

struct ControllerOptions {
  // The name of the Node object; pods with this spec.nodeName are enforced
  // here.
  std::string node_name;
  LayoutOptions layout;
  // Nothing is enforced before the Node object of that name has been told, and
  // without the taint node.cloudprovider.kubernetes.io/uninitialized: under a
  // wrong name, all that is enforced would be taken away.
  bool require_node = false;
};

// How much there is, for status and metrics.
struct ControllerCounts {
  size_t namespaces = 0;
  size_t pods = 0;
  size_t local_pods = 0;  // with this node's name
  size_t policies = 0;
  size_t sets = 0;
  size_t chains = 0;
  size_t rules = 0;
};

// Events touch memory only; all kernel work is in Sync(), one batch for
// everything since the last. No thread, no sleep, nothing global: several may
// live in one process. Thread-compatible. An error never removes what is
// enforced.
class Controller {
 public:
  // InvalidArgument for options that cannot work (each is named).
  static absl::Status CheckOptions(const ControllerOptions& options);

  // As CheckOptions().
  static absl::StatusOr<std::unique_ptr<Controller>> Create(
      ControllerOptions options, std::unique_ptr<Dataplane> dataplane);

  // Memory only. On InvalidArgument (an object without a name, an event without
  // an object) nothing has changed. A policy that is wrong in part is taken as
  // far as it is understood, see problems().
  absl::Status OnEvent(const v1::WatchEvent& event);

  // OK once enough is known for a Sync(): namespaces, pods and policies are
  // listed, nodes too if there is a default deny or a required node, and that
  // node is there. FailedPrecondition says what is missing: half a cluster
  // would be enforced wrongly.
  absl::Status CheckKnown() const;

  // Everything told so far, as one batch. FailedPrecondition as CheckKnown().
  // Any other error leaves what was told pending for the next call.
  absl::StatusOr<SyncReport> Sync();

  // What Sync() would do. Writes nothing; same errors.
  absl::StatusOr<Plan> Preview();

  // Stops trusting what is believed about the kernel: the next Sync() or
  // Preview() reads it again.
  void QueueResync() { engine_.QueueResync(); }

  // A cheap look, for every few seconds, whether another program changed what
  // is ours; if so, the next Sync() reads the kernel again, and should come
  // soon.
  bool LookForChanges() { return engine_.LookForChanges(); }

  // What is wrong with the policies that there are, and what was done instead.
  // Sentences without the policy's name; empty for a sound cluster.
  const absl::btree_map<ObjectKey, std::vector<std::string>>& problems() const {
    return problems_;
  }

  // The addresses of this machine, as far as the caller knows them: for
  // node_problems() only, since the kernel itself says which are its own.
  void SetNodeAddresses(std::vector<IpAddress> addresses) {
    node_addresses_ = std::move(addresses);
  }

  // What is wrong with what is known of this node, one sentence each, which
  // says what it means and what to do. Nothing of it stops enforcement.
  std::vector<std::string> node_problems() const;

  ControllerCounts counts() const;

  // The cluster as told so far, and what was asked for. For looking only.
  const ClusterState& state() const { return state_; }
  const ControllerOptions& options() const { return options_; }

 private:
  Controller(ControllerOptions options, std::unique_ptr<Dataplane> dataplane);

  absl::Status OnUpsert(const v1::WatchEvent& event);
  absl::Status OnDelete(const v1::WatchEvent& event);
  absl::Status OnListing(const v1::WatchEvent& event);
  absl::Status OnListed(const v1::WatchEvent& event);
  absl::Status CheckNode() const;
  absl::Status StageChanges();
  void AppendDefaultDenyProblems(std::vector<std::string>& problems) const;
  void AppendAddressProblems(std::vector<std::string>& problems) const;

  ControllerOptions options_;
  std::unique_ptr<Dataplane> dataplane_;
  ClusterState state_;
  Compiler compiler_;
  SyncEngine engine_;
  absl::btree_map<ObjectKey, std::vector<std::string>> problems_;
  bool namespaces_listed_ = false;
  bool pods_listed_ = false;
  bool policies_listed_ = false;
  bool nodes_listed_ = false;
  bool started_ = false;  // a Sync() went well
  std::vector<IpAddress> node_addresses_;
};

}  // namespace netpol

#endif  // NETPOL_CONTROLLER_H_
