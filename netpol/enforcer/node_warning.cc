#include "netpol/enforcer/node_warning.h"

#include <utility>

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

std::vector<std::string> LastingWarnings::Due(
    const std::vector<std::string>& warnings, absl::Time now) {
  std::vector<std::string> due;
  absl::btree_map<std::string, absl::Time> logged;
  for (const std::string& warning : warnings) {
    auto it = logged_.find(warning);
    const bool again = it == logged_.end() || now - it->second >= again_after_;
    if (again) due.push_back(warning);
    logged[warning] = again ? now : it->second;
  }
  logged_ = std::move(logged);
  return due;
}

}  // namespace netpol
