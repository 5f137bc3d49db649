// A node whose kernel is in memory, told what cases tell.
#ifndef NETPOL_TESTS_CASES_SETS_AND_SYNCS_MEMORY_NODE_H_
#define NETPOL_TESTS_CASES_SETS_AND_SYNCS_MEMORY_NODE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "netpol/compile/layout.h"
#include "netpol/controller.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"
#include "netpol/sync/snapshot.h"
#include "netpol/testing/cluster.h"
#include "netpol/testing/fake_dataplane.h"
#include "netpol/testing/packet.h"
#include "netpol/testing/snapshot_text.h"
#include "tests/cases/case_reader.h"

namespace netpol {

// Both families; service addresses as the cases have them.
LayoutOptions CaseLayout();

// Calls `visit` for every rule of every chain of ours.
void ForEachRule(
    const Snapshot& snapshot,
    const std::function<void(Family, const ChainName&, const Rule&)>& visit);

// Members of all sets but those that say which packets are judged.
size_t PeerMembers(const Snapshot& snapshot);

// The steps of a case; a failed test and none if it cannot be read.
std::vector<CaseStep> StepsOf(absl::string_view case_id);

// Whether the rules of `snapshot` let the first packet of a connection through
// the case's node.
bool LetsThrough(const Snapshot& snapshot, const Packet& packet);

// Refused events and failed syncs fail the test. Thread-compatible.
class MemoryNode {
 public:
  explicit MemoryNode(const LayoutOptions& layout = CaseLayout());

  void Tell(const v1::WatchEvent& event);
  void Tell(const std::vector<v1::WatchEvent>& events);
  // Deletions, manifests and, the first time, the end of the listing.
  void TellStep(const CaseStep& step);

  // Must work, and leave no problem.
  SyncReport Sync();
  // Sync() for all of them, one after the other.
  void Follow(const std::vector<CaseStep>& steps);

  // Each check holds by the rules that are in the kernel now.
  void ExpectVerdicts(const std::vector<CaseCheck>& checks) const;

  FakeDataplane& kernel() { return *kernel_; }
  Controller& controller() { return *controller_; }
  const Cluster& cluster() const { return cluster_; }
  Snapshot state() const { return kernel_->state(); }
  std::string contents() const { return ContentsOf(kernel_->state()); }

 private:
  FakeDataplane* kernel_ = nullptr;
  std::unique_ptr<Controller> controller_;
  Cluster cluster_;  // as told
};

// The contents of a kernel whose node was told `cluster` at once.
std::string FreshContents(const Cluster& cluster);

// `cluster` without the pod "namespace/name", which must be in it.
Cluster Without(const Cluster& cluster, absl::string_view pod);

}  // namespace netpol

#endif  // NETPOL_TESTS_CASES_SETS_AND_SYNCS_MEMORY_NODE_H_
