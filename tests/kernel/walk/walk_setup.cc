#include "tests/kernel/walk/walk_setup.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "netpol/dataplane/linux_dataplane.h"
#include "netpol/testing/random_node.h"

namespace netpol {

WalkSetup::WalkSetup() : judge(Evaluate) {
  for (int i = 0; i < 12; ++i) {
    options.local_pods.push_back({absl::StrCat("10.42.0.", 20 + 9 * i),
                                  absl::StrCat("fd00:42::", 20 + 9 * i)});
  }
  options.node_addresses = {{"172.31.0.1", "fd00:31::1"},
                            {"10.42.0.1", "fd00:42::1"},
                            {"10.42.0.0", ""}};
  options.packets_at_block_edges = false;
  view = ViewOf(options);
  open_kernel = []() -> absl::StatusOr<std::unique_ptr<Dataplane>> {
    absl::StatusOr<std::unique_ptr<LinuxDataplane>> kernel =
        LinuxDataplane::Create({});
    if (!kernel.ok()) return kernel.status();
    return *std::move(kernel);
  };
}

}  // namespace netpol
