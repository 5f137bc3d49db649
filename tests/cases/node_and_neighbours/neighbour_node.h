// A node that the controller under test shares with other programs.
#ifndef NETPOL_TESTS_CASES_NODE_AND_NEIGHBOURS_NEIGHBOUR_NODE_H_
#define NETPOL_TESTS_CASES_NODE_AND_NEIGHBOURS_NEIGHBOUR_NODE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "netpol/compile/layout.h"
#include "netpol/controller.h"
#include "netpol/sync/dataplane.h"
#include "netpol/testing/cluster.h"
#include "proto/netpol/watch_event.pb.h"
#include "tests/cases/case_lab.h"
#include "tests/cases/case_reader.h"
#include "tests/kernel/lab/lab_fixture.h"

namespace netpol {

// Each test has a lab of its own, in which nothing is told or enforced yet.
class NeighbourNodeTest : public LabFixture {
 protected:
  void SetUp() override;

  // A controller that knows nothing, in place of the one before; what that one
  // enforced stays. Both families unless `layout` says otherwise.
  void StartController();
  void StartController(const LayoutOptions& layout,
                       std::unique_ptr<Dataplane> kernel);
  // The lab's own; null, and a failure, if there is none.
  std::unique_ptr<Dataplane> OpenKernel();

  void Tell(const v1::WatchEvent& event);
  void TellAll(const std::vector<v1::WatchEvent>& events);
  // What happens in one step of a case, and that everything is listed.
  void TellStep(const Case& told, size_t step);
  // One Sync() in the node's namespace that must succeed.
  SyncReport Sync();
  // As after a period: reads the kernel again and mends it.
  SyncReport Resync();
  // Syncs, and fails if anything is left to do or a second look finds work.
  void Settle();

  // Starts a controller, tells it all of a case, and settles. The lab follows.
  void EnforceCase(absl::string_view id);
  // The case of that id; a failure if it cannot be read.
  Case ReadIt(absl::string_view id);
  // By real packets, for pods and addresses as `cluster()` has them now.
  void ExpectVerdicts(const std::vector<CaseCheck>& checks);
  bool Passes(const CaseCheck& check);

  void OnNode(const std::function<void()>& work);
  // Runs a program on the node, which must succeed; what it printed.
  std::string Tool(std::vector<std::string> argv,
                   const std::string& input = "");
  // iptables with `arguments`, none of which holds a blank.
  void Iptables(const std::string& arguments);
  // A filter table as iptables-save prints it, without counters and comments.
  std::string FilterTable(Family family = Family::kIPv4);
  // Everything in both filter tables, with the counters of rules, and all sets,
  // sorted.
  std::string KernelText();
  // What FilterTable() has of chain `chain`, a rule a line.
  std::vector<std::string> RulesOf(const std::string& chain,
                                   Family family = Family::kIPv4);

  CaseLab& case_lab() { return *lab_; }
  PacketLab& lab() { return lab_->lab(); }
  Controller& controller() { return *controller_; }
  const Cluster& cluster() const { return cluster_; }

 private:
  std::unique_ptr<CaseLab> lab_;
  std::unique_ptr<Controller> controller_;
  Cluster cluster_;
};

// The content of a file of this folder's data.
std::string FixtureText(absl::string_view path);

// The lines of `text` that hold `part`.
std::vector<std::string> LinesWith(const std::string& text,
                                   absl::string_view part);

}  // namespace netpol

#endif  // NETPOL_TESTS_CASES_NODE_AND_NEIGHBOURS_NEIGHBOUR_NODE_H_
