// An explanation from manifests alone.
#ifndef NETPOL_DAEMON_OFFLINE_EXPLANATION_H_
#define NETPOL_DAEMON_OFFLINE_EXPLANATION_H_

#include <vector>

#include "absl/status/statusor.h"
#include "netpol/controller.h"
#include "netpol/daemon/explain_answer.h"
#include "proto/netpol/explain.pb.h"
#include "proto/netpol/watch_event.pb.h"

namespace netpol {

// The node that `controller` speaks for, as far as the cluster tells of it.
// Known addresses: those of its Node object, then those that its pods in
// `objects` have as status.hostIP. Assumed: the first two of each of its pod
// CIDRs, where the tunnel and the bridge stand and no pod; without a Node
// object, of the blocks of the usual size (/24, /64) that its pods are in.
ExplainContext ContextOf(const Controller& controller,
                         const std::vector<v1::WatchEvent>& objects);

// By `controller`, which was told everything and has written to no kernel, and
// whose kernel reads as empty. Errors as of ExplainByPolicies().
absl::StatusOr<v1::Explanation> ExplainOffline(
    const v1::ExplainRequest& request, const ExplainContext& context,
    Controller& controller);

}  // namespace netpol

#endif  // NETPOL_DAEMON_OFFLINE_EXPLANATION_H_
