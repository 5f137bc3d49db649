// As parse.h, for the machines that pods run on.
#ifndef NETPOL_POLICY_PARSE_NODE_H_
#define NETPOL_POLICY_PARSE_NODE_H_

#include "absl/status/statusor.h"
#include "netpol/policy/objects.h"
#include "proto/k8s/core.pb.h"

namespace netpol {

// InvalidArgument for a node without a name. An address or block that cannot be
// read is left out, and told in Node::problems if it is a block.
absl::StatusOr<Node> ParseNode(const k8s::Node& wire);

}  // namespace netpol

#endif  // NETPOL_POLICY_PARSE_NODE_H_
