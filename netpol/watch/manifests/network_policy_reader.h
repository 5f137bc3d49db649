// The `spec` of a NetworkPolicy manifest, read so that a mistake in it never
// allows more than what its author wrote.
#ifndef NETPOL_WATCH_MANIFESTS_NETWORK_POLICY_READER_H_
#define NETPOL_WATCH_MANIFESTS_NETWORK_POLICY_READER_H_

#include <vector>

#include "netpol/watch/manifests/document_tree.h"
#include "netpol/watch/manifests/field_path.h"
#include "netpol/watch/watch_source.h"
#include "proto/k8s/networking.pb.h"

namespace netpol {

// Reads `spec` at `path` into `*out` and appends what is wrong with it to
// `*problems`. False if it cannot be known which pods the policy selects: then
// `*out` is of no use.
//
// A part that has the wrong type, or an unknown or repeated field, is in doubt;
// in its place is put what matches nothing:
//   a peer      an empty peer (no criterion, which the API refuses)
//   a port      a port whose protocol is "INVALID"
//   from, to    one such peer;  ports: one such port
//   a rule      nothing: rules only add
//   ingress     no rules;  egress: likewise
//   policyTypes both directions
//   podSelector the policy is not readable
// and where `policyTypes` is absent it is set to what the API server would
// have set with the part in place (Ingress, and Egress if there are egress
// rules). An unknown field of the spec itself might be any of these, misspelt:
// it leaves the rules alone, but without `policyTypes` both directions count,
// and without `podSelector` the policy is not readable.
bool ReadNetworkPolicySpec(const TreeNode& spec, const FieldPath& path,
                           k8s::NetworkPolicySpec* out,
                           std::vector<SourceProblem>* problems);

}  // namespace netpol

#endif  // NETPOL_WATCH_MANIFESTS_NETWORK_POLICY_READER_H_
