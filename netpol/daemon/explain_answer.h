// The answer to `netpolctl explain` as far as the policies give it.
#ifndef NETPOL_DAEMON_EXPLAIN_ANSWER_H_
#define NETPOL_DAEMON_EXPLAIN_ANSWER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"
#include "netpol/compile/layout.h"
#include "netpol/explain/port_set.h"
#include "netpol/state/cluster_state.h"
#include "proto/netpol/explain.pb.h"

namespace netpol {

// The node that is asked.
struct ExplainContext {
  std::string node_name;
  LayoutOptions layout;
  // As far as known; the one to speak for the node first.
  std::vector<IpAddress> node_addresses;
  // Likely the node's, though nobody says so; the answer tells where it relies
  // on one.
  std::vector<IpAddress> assumed_addresses;
};

// InvalidArgument for an end that CheckEndpoint() refuses, a protocol that is
// none of TCP, UDP, SCTP and ICMP (any case), a port outside 1 to 65535, and a
// port together with ICMP.
absl::Status CheckRequest(const v1::ExplainRequest& request);

// Everything but the kernel's part. Errors as of CheckRequest(), FindEndpoint()
// and CommonFamilies().
absl::StatusOr<v1::Explanation> ExplainByPolicies(
    const v1::ExplainRequest& request, const ClusterState& state,
    const ExplainContext& context);

// IPPROTO_* of TCP, UDP, SCTP or ICMP (any case; of `family`); 0 for others.
uint8_t ProtocolNumber(absl::string_view name, Family family);

// "allowed" or "denied".
const char* VerdictText(bool allowed);

void FillPorts(
    const PortSet& ports,
    google::protobuf::RepeatedPtrField<v1::ExplainedPorts>& messages);
PortSet PortsIn(
    const google::protobuf::RepeatedPtrField<v1::ExplainedPorts>& messages);

}  // namespace netpol

#endif  // NETPOL_DAEMON_EXPLAIN_ANSWER_H_
