// A case told to a controller over the real kernel, in the lab.
#ifndef NETPOL_TESTS_CASES_SETS_AND_SYNCS_KERNEL_CASE_FIXTURE_H_
#define NETPOL_TESTS_CASES_SETS_AND_SYNCS_KERNEL_CASE_FIXTURE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "netpol/controller.h"
#include "netpol/sync/dataplane.h"
#include "netpol/sync/snapshot.h"
#include "netpol/testing/cluster.h"
#include "tests/cases/case_lab.h"
#include "tests/cases/case_reader.h"
#include "tests/kernel/lab/lab_fixture.h"

namespace netpol {

// What fails, fails the test.
class KernelCaseTest : public LabFixture {
 protected:
  void SetUp() override;

  // A controller over the kernel of the lab's node, for both families. `wrap`
  // may put something between the two. Call once.
  using Wrap =
      std::function<std::unique_ptr<Dataplane>(std::unique_ptr<Dataplane>)>;
  std::unique_ptr<Controller> MakeController(
      absl::Duration lock_timeout = absl::Seconds(20), const Wrap& wrap = {});
  // The same, kept in controller_.
  void Start(absl::Duration lock_timeout = absl::Seconds(20),
             const Wrap& wrap = {});

  // Of controller_; events are remembered in cluster_ as well.
  void Tell(const std::vector<v1::WatchEvent>& events);
  // The first time with the end of the listing.
  void TellStep(const CaseStep& step);
  absl::StatusOr<SyncReport> TrySync();
  // Must work, and leave no problem.
  SyncReport Sync();
  // The kernel is exactly as it was asked to be.
  void ExpectInStep();

  // Each check by a real packet that no connection is remembered for.
  void ExpectVerdicts(const std::vector<CaseCheck>& checks);

  // What is in the node's kernel, read anew.
  Snapshot ReadKernel();
  // The output of a program that runs on the node and must succeed.
  std::string Exec(const std::vector<std::string>& argv);
  // Runs `work` in the node's network.
  void OnNode(const std::function<void()>& work);

  std::unique_ptr<CaseLab> lab_;
  std::unique_ptr<Controller> controller_;
  Cluster cluster_;
};

}  // namespace netpol

#endif  // NETPOL_TESTS_CASES_SETS_AND_SYNCS_KERNEL_CASE_FIXTURE_H_
