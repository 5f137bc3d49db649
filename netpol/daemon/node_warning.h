// Says so when nothing can be enforced because the node's name is wrong.
#ifndef NETPOL_DAEMON_NODE_WARNING_H_
#define NETPOL_DAEMON_NODE_WARNING_H_

#include <string>

#include "absl/types/optional.h"
#include "netpol/controller.h"

namespace netpol {

// There are pods, but none of them is on node `name`: most likely that is not
// this node's name, and then every policy is without effect here.
absl::optional<std::string> NodeWarning(const ControllerCounts& counts,
                                        const std::string& name);

}  // namespace netpol

#endif  // NETPOL_DAEMON_NODE_WARNING_H_
