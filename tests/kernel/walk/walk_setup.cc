#include "tests/kernel/walk/walk_setup.h"

#include <string>
#include <utility>

#include "netpol/testing/random_node.h"
#include "tests/kernel/lab/lab_cluster_options.h"
#include "tests/kernel/lab/lab_flavour.h"

namespace netpol {

WalkSetup::WalkSetup() : judge(Evaluate) {
  options = LabClusterOptions();
  view = ViewOf(options);
  open_kernel = []() -> absl::StatusOr<std::unique_ptr<Dataplane>> {
    absl::StatusOr<std::unique_ptr<LinuxDataplane>> kernel = OpenLabKernel();
    if (!kernel.ok()) return kernel.status();
    return *std::move(kernel);
  };
}

}  // namespace netpol
