// Says what is wrong with the node that this is taken for.
#ifndef NETPOL_ENFORCER_NODE_WARNING_H_
#define NETPOL_ENFORCER_NODE_WARNING_H_

#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "netpol/controller.h"

namespace netpol {

// There are pods, but none of them is on node `name`: most likely that is not
// this node's name, and then every policy is without effect here.
absl::optional<std::string> NodeWarning(const ControllerCounts& counts,
                                        const std::string& name);

// Warnings that hold for long are told when they begin, and again now and then.
// Pure: the caller says what time it is. Thread-compatible.
class LastingWarnings {
 public:
  explicit LastingWarnings(absl::Duration again_after)
      : again_after_(again_after) {}

  // Which of `warnings`, all that hold at `now`, are to be logged.
  std::vector<std::string> Due(const std::vector<std::string>& warnings,
                               absl::Time now);

 private:
  absl::Duration again_after_;
  absl::btree_map<std::string, absl::Time> logged_;  // of those that hold
};

}  // namespace netpol

#endif  // NETPOL_ENFORCER_NODE_WARNING_H_
