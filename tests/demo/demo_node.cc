#include "tests/demo/demo_node.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "netpol/base/status_macros.h"
#include "tests/demo/interrupt.h"

namespace netpol {
namespace {

constexpr absl::Duration kFollowLimit = absl::Seconds(15);
constexpr absl::Duration kEndLimit = absl::Seconds(10);
// Between two looks while waiting.
constexpr absl::Duration kLook = absl::Milliseconds(1);

}  // namespace

absl::StatusOr<std::unique_ptr<DemoNode>> DemoNode::Create(
    std::string netpolctl, const DemoFolder* folder) {
  ASSIGN_OR_RETURN(std::unique_ptr<PacketLab> lab, PacketLab::Create());
  return std::unique_ptr<DemoNode>(
      new DemoNode(std::move(netpolctl), folder, std::move(lab)));
}

absl::Status DemoNode::BringUp(const Scene& scene) {
  for (const Host& host : scene.hosts) {
    if (lab_->OwnerOf(host.addresses[0]) != nullptr) continue;
    RETURN_IF_ERROR(host.place == HostPlace::kNodePod
                        ? lab_->AddPod(host.name, host.addresses)
                        : lab_->AddRemote(host.addresses));
  }
  return absl::OkStatus();
}

absl::StatusOr<Verdicts> DemoNode::Measure(const Scene& scene,
                                           const Verdicts& paths) {
  std::vector<ProbeSpec> specs;
  for (const auto& [path, expected] : paths)
    specs.push_back(SpecOf(scene, path));
  ASSIGN_OR_RETURN(const std::vector<ProbeOutcome> outcomes,
                   lab_->Probe(specs));
  Verdicts verdicts;
  auto outcome = outcomes.begin();
  for (const auto& [path, expected] : paths) verdicts[path] = *outcome++;
  return verdicts;
}

absl::Status DemoNode::StartDaemon() {
  const Program program =
      Command({"run", absl::StrCat("--manifests=", folder_.manifests()),
               absl::StrCat("--manifests=", folder_.other_nodes()),
               absl::StrCat("--hostname-override=", kDemoNode), "--enable-ipv6",
               RunLockFlag()});
  ASSIGN_OR_RETURN(daemon_, lab_->StartOnNode(program, folder_.log()));
  return absl::OkStatus();
}

absl::Status DemoNode::Await(const Scene& scene, const Verdicts& expected) {
  const absl::Time end = absl::Now() + kFollowLimit;
  while (true) {
    RETURN_IF_ERROR(CheckInterrupt());
    ASSIGN_OR_RETURN(const Verdicts measured, Measure(scene, expected));
    const std::vector<std::string> differences =
        Differences(scene, expected, measured);
    if (differences.empty()) return absl::OkStatus();
    if (absl::Now() >= end) {
      return absl::DataLossError(
          absl::StrCat("the node does not follow within ",
                       absl::FormatDuration(kFollowLimit), ":\n",
                       absl::StrJoin(differences, "\n")));
    }
    const absl::StatusOr<int> ended = daemon_->Wait(kLook);
    if (ended.ok()) {
      return absl::AbortedError(
          absl::StrCat("netpolctl run ended with exit code ", *ended));
    }
  }
}

absl::Status DemoNode::StopDaemon() {
  ASSIGN_OR_RETURN(const int exit_code, daemon_->Terminate(kEndLimit));
  if (exit_code == 0) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("netpolctl run ended with exit code ",
                                         exit_code, " on SIGTERM"));
}

absl::StatusOr<std::string> DemoNode::Netpolctl(
    std::vector<std::string> arguments) {
  const std::string line = absl::StrCat("netpolctl ", arguments.front());
  ASSIGN_OR_RETURN(const ProgramResult result,
                   lab_->ExecOnNode(Command(std::move(arguments))));
  if (result.exit_code == 0) return result.out;
  return absl::AbortedError(absl::StrCat(line, " ended with exit code ",
                                         result.exit_code, ":\n", result.err));
}

std::string DemoNode::RunLockFlag() const {
  return absl::StrCat("--run-lock=", folder_.run_lock());
}

Program DemoNode::Command(std::vector<std::string> arguments) const {
  Program program;
  program.argv = {netpolctl_};
  program.argv.insert(program.argv.end(), arguments.begin(), arguments.end());
  program.environment = {
      absl::StrCat("XTABLES_LOCKFILE=", folder_.xtables_lock())};
  return program;
}

}  // namespace netpol
