#include "tests/demo/scenario.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "netpol/base/status_macros.h"
#include "netpol/testing/workload_shape.h"
#include "tests/demo/interrupt.h"
#include "tests/demo/reach_table.h"

namespace netpol {
namespace {

std::string Since(absl::Time begin) {
  return absl::StrCat(absl::ToInt64Milliseconds(absl::Now() - begin), " ms");
}

// A chain or set of ours has a name that begins so.
absl::Status CheckNothingOfOurs(absl::string_view shown) {
  for (const char* name : {"KUBE-", "kube-router"}) {
    if (!absl::StrContains(shown, name)) continue;
    return absl::DataLossError(absl::StrCat(
        "netpolctl show still shows something after the cleanup:\n", shown));
  }
  return absl::OkStatus();
}

void SayLines(Screen& screen, absl::string_view text) {
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty()))
    screen.Say(line);
}

}  // namespace

absl::Status Scenario::Run() {
  RETURN_IF_ERROR(BuildNode());
  RETURN_IF_ERROR(ShowOpenNode());
  RETURN_IF_ERROR(ShowEnforcement());
  screen_.Step("A policy is edited: the namespace guest may use the api");
  screen_.Say(
      "The program waits 100 ms for more writes before it reads a file again.");
  RETURN_IF_ERROR(Follow("api.yaml"));
  screen_.Step("A pod of another node loses its label: shop/api-2, app=api");
  RETURN_IF_ERROR(Follow("node-b.yaml"));
  screen_.Step("A pod starts: shop/worker-2, app=worker");
  RETURN_IF_ERROR(Follow("worker-2.yaml"));
  RETURN_IF_ERROR(ShowStop());
  return ShowCleanup();
}

absl::Status Scenario::BuildNode() {
  screen_.Step("Building a node and its pods");
  const absl::Time begin = absl::Now();
  ASSIGN_OR_RETURN(scene_, ReadScene({folder_.manifests()}));
  RETURN_IF_ERROR(node_.BringUp(scene_));
  screen_.Say(absl::StrCat("Each pod of ", kDemoNode,
                           " is a network namespace with a link to the"
                           " node, which is one too."));
  screen_.Say(absl::StrCat(scene_.cluster.pods.size(), " pods, ",
                           scene_.cluster.policies.size(),
                           " network policies; IPv4 and IPv6; done in ",
                           Since(begin), ". Your own network is not touched."));
  return absl::OkStatus();
}

absl::Status Scenario::ShowOpenNode() {
  screen_.Step("Nobody enforces the policies yet: every packet arrives");
  screen_.Show(TableLegend(screen_.style()));
  return CheckAndShow(/*enforced=*/false, /*mark=*/false);
}

absl::Status Scenario::ShowEnforcement() {
  screen_.Step("netpolctl run starts: the policies are enforced");
  screen_.Say(
      "They say: nobody reaches a pod of shop, except anybody the web, web and "
      "worker the api, the api the db, and prometheus the metrics (9101). The "
      "worker itself may go to the api, to DNS and to the payment provider "
      "only. Its own node always reaches a pod: the probes of kubelet.");
  const WorkloadShape others = NamedWorkload("S");
  screen_.Say(absl::StrCat(
      "It reads of the rest of the cluster too: ", others.nodes,
      " other nodes with ", others.pods, " pods and ", others.policies,
      " policies, none of which concerns this node."));
  const Verdicts expected = ExpectedVerdicts(scene_, /*enforced=*/true);
  const absl::Time begin = absl::Now();
  RETURN_IF_ERROR(node_.StartDaemon());
  RETURN_IF_ERROR(node_.Await(scene_, Changes(shown_, expected)));
  screen_.Say(absl::StrCat("Enforced ", Since(begin),
                           " after the start of the program."));
  return CheckAndShow(/*enforced=*/true, /*mark=*/false);
}

absl::Status Scenario::Follow(const std::string& edit) {
  ASSIGN_OR_RETURN(scene_, ReadScene(folder_.EditedManifests(edit)));
  const Verdicts changes =
      Changes(shown_, ExpectedVerdicts(scene_, /*enforced=*/true));
  // A pod has its network before the API server tells its address.
  RETURN_IF_ERROR(node_.BringUp(scene_));
  ASSIGN_OR_RETURN(const absl::Time begin, folder_.ApplyEdit(edit));
  RETURN_IF_ERROR(node_.Await(scene_, changes));
  screen_.Say(
      absl::StrCat(Since(begin), " after ", edit,
                   " was saved, packets meet the new verdicts (in brackets):"));
  return CheckAndShow(/*enforced=*/true, /*mark=*/true);
}

absl::Status Scenario::ShowStop() {
  screen_.Step("netpolctl run is ended by SIGTERM: enforcement stays");
  RETURN_IF_ERROR(node_.StopDaemon());
  RETURN_IF_ERROR(Check(/*enforced=*/true));
  screen_.Say(absl::StrCat("All ", shown_.size(),
                           " packets met the same verdicts as before."));
  return absl::OkStatus();
}

absl::Status Scenario::ShowCleanup() {
  screen_.Step("netpolctl cleanup: everything is open again");
  ASSIGN_OR_RETURN(const std::string removed,
                   node_.Netpolctl({"cleanup", node_.RunLockFlag()}));
  SayLines(screen_, removed);
  ASSIGN_OR_RETURN(const std::string left, node_.Netpolctl({"show"}));
  RETURN_IF_ERROR(CheckNothingOfOurs(left));
  screen_.Say("netpolctl show has nothing left to show:");
  SayLines(screen_, left);
  return CheckAndShow(/*enforced=*/false, /*mark=*/true);
}

absl::Status Scenario::Check(bool enforced) {
  RETURN_IF_ERROR(CheckInterrupt());
  const Verdicts expected = ExpectedVerdicts(scene_, enforced);
  ASSIGN_OR_RETURN(shown_, node_.Measure(scene_, expected));
  const std::vector<std::string> differences =
      Differences(scene_, expected, shown_);
  if (differences.empty()) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("packets did not meet the API's verdicts:\n",
                   absl::StrJoin(differences, "\n")));
}

absl::Status Scenario::CheckAndShow(bool enforced, bool mark) {
  const Verdicts before = shown_;
  const absl::Status status = Check(enforced);
  screen_.Show(
      FormatTable(scene_, shown_, mark ? &before : nullptr, screen_.style()));
  return status;
}

}  // namespace netpol
