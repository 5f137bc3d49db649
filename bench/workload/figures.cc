// What each workload asks of the node under test, as a table: how much of the
// cluster concerns it, and what that becomes in the kernel (here: in memory).
// Needs no root.
//
//   third_party/bazel run --config=release //bench/workload:figures --
//   [NAME]...
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "netpol/base/status_macros.h"
#include "netpol/controller.h"
#include "netpol/policy/object_key.h"
#include "netpol/testing/fake_dataplane.h"
#include "netpol/testing/workload.h"
#include "netpol/testing/workload_plan.h"

namespace netpol {
namespace {

constexpr uint64_t kSeed = 1;

struct Figures {
  ControllerCounts counts;
  size_t local_policies = 0;  // that select a pod of the node
  size_t isolated_pods = 0;   // of the node, that a policy selects
  size_t members = 0;         // of all sets
  size_t largest_set = 0;
};

void CountSubjects(const WorkloadPlan& plan, const ClusterState& state,
                   Figures& figures) {
  std::set<std::string> policies;
  for (const int number : plan.local_pods()) {
    const k8s::ObjectMeta key = plan.MakePod(number).metadata();
    const auto selecting = state.PoliciesSelecting(
        *state.FindPod(ObjectKey{key.namespace_(), key.name()}));
    if (!selecting.empty()) ++figures.isolated_pods;
    for (const NetworkPolicy* policy : selecting)
      policies.insert(policy->key.ToString());
  }
  figures.local_policies = policies.size();
}

absl::StatusOr<Figures> FiguresOf(const WorkloadShape& shape) {
  auto kernel = std::make_unique<FakeDataplane>();
  const FakeDataplane& seen = *kernel;
  ControllerOptions options;
  options.node_name = std::string(kWorkloadNode);
  ASSIGN_OR_RETURN(std::unique_ptr<Controller> controller,
                   Controller::Create(std::move(options), std::move(kernel)));
  absl::Status told;
  VisitWorkload(shape, kSeed, [&](const v1::WatchEvent& event) {
    told.Update(controller->OnEvent(event));
  });
  RETURN_IF_ERROR(told);
  RETURN_IF_ERROR(controller->Sync().status());
  Figures figures;
  figures.counts = controller->counts();
  CountSubjects(WorkloadPlan(shape, kSeed), controller->state(), figures);
  for (const auto& [name, set] : seen.sets().all()) {
    figures.members += set.members.size();
    figures.largest_set = std::max(figures.largest_set, set.members.size());
  }
  return figures;
}

int Run(std::vector<std::string> names) {
  if (names.empty()) names = WorkloadNames();
  std::cout << absl::StrFormat("%-11s %7s %6s %8s %8s %6s %7s %7s %8s %8s\n",
                               "workload", "pods", "local", "policies",
                               "isolated", "sets", "chains", "rules", "members",
                               "largest");
  for (const std::string& name : names) {
    const absl::StatusOr<WorkloadShape> shape = FindWorkload(name);
    const absl::StatusOr<Figures> figures =
        shape.ok() ? FiguresOf(*shape)
                   : absl::StatusOr<Figures>(shape.status());
    if (!figures.ok()) {
      std::cerr << "figures: " << figures.status().message() << "\n";
      return 1;
    }
    std::cout << absl::StrFormat(
        "%-11s %7d %6d %8d %8d %6d %7d %7d %8d %8d\n", name,
        figures->counts.pods, figures->counts.local_pods,
        figures->local_policies, figures->isolated_pods, figures->counts.sets,
        figures->counts.chains, figures->counts.rules, figures->members,
        figures->largest_set);
  }
  return 0;
}

}  // namespace
}  // namespace netpol

int main(int argc, char** argv) {
  return netpol::Run(std::vector<std::string>(argv + 1, argv + argc));
}
