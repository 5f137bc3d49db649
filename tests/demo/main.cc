// Shows netpolctl at work: a node with pods in network namespaces of their own,
// real packets, and a table of who reaches whom, before and after. Every
// verdict is checked against the API's definition. Exit code 0 if all is as
// it should be, 1 if not, 128 + the signal if interrupted.
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "tests/demo/demo_folder.h"
#include "tests/demo/demo_node.h"
#include "tests/demo/interrupt.h"
#include "tests/demo/scenario.h"
#include "tests/demo/screen.h"
#include "tests/kernel/lab/netns.h"

namespace netpol {
namespace {

namespace fs = std::filesystem;

// Where Bazel put the demo's data: the working directory under `bazel run`,
// else beside the program.
absl::StatusOr<std::string> FindRunfiles() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  for (const fs::path& place :
       {fs::current_path(error),
        fs::path(program.string() + ".runfiles/netpol")}) {
    if (fs::exists(place / "tests/demo/manifests", error) &&
        fs::exists(place / "netpol/daemon/netpolctl", error)) {
      return place.string();
    }
  }
  return absl::NotFoundError(
      "looking for netpolctl and the manifests: neither in the working "
      "directory nor beside the program; start it with third_party/bazel run");
}

absl::Status Tell(Screen& screen, const std::string& runfiles) {
  ASSIGN_OR_RETURN(const std::unique_ptr<DemoFolder> folder,
                   DemoFolder::Create(runfiles));
  ASSIGN_OR_RETURN(
      const std::unique_ptr<DemoNode> node,
      DemoNode::Create(runfiles + "/netpol/daemon/netpolctl", folder.get()));
  Scenario scenario(folder.get(), node.get(), &screen);
  const absl::Status status = scenario.Run();
  if (!status.ok() && InterruptSignal() == 0) {
    const std::string log = folder->LogTail();
    if (!log.empty()) std::cerr << "\nThe log of netpolctl:\n" << log << "\n";
  }
  return status;
}

int Main() {
  if (!MayMakeNamespaces()) {
    std::cerr << "netpol demo: run it with sudo: it makes network namespaces "
                 "(third_party/bazel run --run_under=sudo //netpol:demo)\n";
    return 1;
  }
  RememberInterrupts();
  Screen screen(&std::cout, StyleOfStandardOutput(), Scenario::kSteps);
  const absl::StatusOr<std::string> runfiles = FindRunfiles();
  const absl::Status status =
      runfiles.ok() ? Tell(screen, *runfiles) : runfiles.status();
  if (InterruptSignal() != 0) {
    std::cerr << "netpol demo: interrupted; everything is removed\n";
    return 128 + InterruptSignal();
  }
  if (!status.ok()) {
    std::cerr << "\nnetpol demo: failed: " << status.message() << "\n";
    return 1;
  }
  screen.Show("\nAll as the API defines it. Everything is removed.\n");
  return 0;
}

}  // namespace
}  // namespace netpol

int main() { return netpol::Main(); }
