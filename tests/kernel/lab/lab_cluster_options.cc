#include "tests/kernel/lab/lab_cluster_options.h"

#include "absl/strings/str_cat.h"

namespace netpol {

RandomClusterOptions LabClusterOptions() {
  RandomClusterOptions options;
  for (int i = 0; i < 12; ++i) {
    options.local_pods.push_back({absl::StrCat("10.42.0.", 20 + 9 * i),
                                  absl::StrCat("fd00:42::", 20 + 9 * i)});
  }
  // Uplink, bridge and tunnel.
  options.node_addresses = {{"172.31.0.1", "fd00:31::1"},
                            {"10.42.0.1", "fd00:42::1"},
                            {"10.42.0.0", ""}};
  options.packets_at_block_edges = false;
  return options;
}

}  // namespace netpol
