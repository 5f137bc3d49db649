// From what a person writes to the addresses that it means.
#ifndef NETPOL_EXPLAIN_ENDPOINT_H_
#define NETPOL_EXPLAIN_ENDPOINT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "netpol/base/ip.h"
#include "netpol/state/cluster_state.h"

namespace netpol {

// One end of a connection.
struct Endpoint {
  std::string text;  // as it was asked for
  // One for each family that it has; unspecified where it is not known.
  absl::optional<IpAddress> addresses[2];  // by Family
  bool is_node = false;                    // this node itself
  std::vector<std::string> notes;
};

// InvalidArgument for what is none of "namespace/name" of a pod, an address,
// and "node".
absl::Status CheckEndpoint(absl::string_view text);

// `node_addresses` are this node's, as far as known, the one to speak for it
// first. Errors as of CheckEndpoint(); NotFound for a pod that is not there,
// with the names that look like it; FailedPrecondition for a pod that can send
// and receive nothing.
absl::StatusOr<Endpoint> FindEndpoint(
    absl::string_view text, const ClusterState& state,
    absl::Span<const IpAddress> node_addresses);

// The families that both ends have. FailedPrecondition if there is none.
absl::StatusOr<std::vector<Family>> CommonFamilies(const Endpoint& from,
                                                   const Endpoint& to);

}  // namespace netpol

#endif  // NETPOL_EXPLAIN_ENDPOINT_H_
