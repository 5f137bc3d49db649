// One rule of a policy, held against one connection.
#ifndef NETPOL_EXPLAIN_RULE_FINDING_H_
#define NETPOL_EXPLAIN_RULE_FINDING_H_

#include <string>

#include "netpol/compile/layout.h"
#include "netpol/explain/path_question.h"
#include "netpol/explain/port_set.h"
#include "netpol/policy/objects.h"
#include "netpol/state/cluster_state.h"

namespace netpol {

// Whether the rule allows the connection, and if not, what of it does not fit.
struct RuleFinding {
  int index = 0;  // as in spec.ingress or spec.egress, from 0
  bool peer_matches = false;
  // In words: the peer that matches, else every peer that the rule names.
  std::string peer;
  // In words: the entry that holds the asked port, else all of `ports`.
  std::string port;
  // Ports of the asked protocol that the rule opens; if the peer does not
  // match, those that it would open.
  PortSet ports;

  PortSet allowed() const { return peer_matches ? ports : PortSet(); }
};

// `subject` is the pod that the policy isolates. A peer is whoever has the
// other address: each pod that has it counts for itself, and a named port must
// be that of the pod that the peer matches.
RuleFinding FindInRule(const ClusterState& state, const PolicyRule& rule,
                       int index, Direction direction, const Pod& subject,
                       const PathQuestion& question);

}  // namespace netpol

#endif  // NETPOL_EXPLAIN_RULE_FINDING_H_
