// An agent in C++ that carries the controller inside: an example to read.
//
// It knows the cluster from a source of its own, in words of its own, and has
// no thread. What it shows: how its records become events, when the first sync
// may come, what happens in the kernel then and later.
#ifndef NETPOL_TESTS_EMBED_EXAMPLE_AGENT_H_
#define NETPOL_TESTS_EMBED_EXAMPLE_AGENT_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpol/controller.h"

namespace netpol {

// What this agent's container runtime says of one pod.
struct RuntimePod {
  std::string name_space;
  std::string name;
  std::string node;
  std::vector<std::string> addresses;
  std::map<std::string, std::string> labels;
};

class ExampleAgent {
 public:
  // For LinuxDataplane::Create() this is the machine's kernel; a test gives a
  // FakeDataplane.
  static absl::StatusOr<std::unique_ptr<ExampleAgent>> Create(
      absl::string_view node_name, std::unique_ptr<Dataplane> kernel);

  // Memory only, any number of them between two calls of Enforce().
  absl::Status OnNamespace(absl::string_view name,
                           const std::map<std::string, std::string>& labels);
  absl::Status OnPod(const RuntimePod& pod);
  absl::Status OnPodGone(absl::string_view name_space, absl::string_view name);
  // The bytes of a networking.k8s.io/v1 NetworkPolicy, as another program keeps
  // them.
  absl::Status OnPolicy(absl::string_view protobuf);

  // Its source has told everything that there was. Before that, half a cluster
  // would be enforced wrongly.
  absl::Status OnSourceListed();

  // Brings everything told so far into the kernel, as one batch, and says how
  // much it wrote.
  absl::StatusOr<SyncReport> Enforce() { return controller_->Sync(); }

  // What Enforce() would do, a line for each change.
  absl::StatusOr<std::string> Preview();

 private:
  explicit ExampleAgent(std::unique_ptr<Controller> controller)
      : controller_(std::move(controller)) {}

  std::unique_ptr<Controller> controller_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_EMBED_EXAMPLE_AGENT_H_
