#include "netpol/daemon/node_warning.h"

#include "absl/strings/str_cat.h"

namespace netpol {

absl::optional<std::string> NodeWarning(const ControllerCounts& counts,
                                        const std::string& name) {
  if (counts.pods == 0 || counts.local_pods > 0) return absl::nullopt;
  return absl::StrCat(
      "none of the ", counts.pods, " pods is on node ", name,
      ", so nothing is enforced here; if this node has another name, give it "
      "with --hostname-override");
}

}  // namespace netpol
