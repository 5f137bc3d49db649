// Random edits of a policy, as people make them.
#ifndef NETPOL_TESTING_RANDOM_POLICY_CHANGE_H_
#define NETPOL_TESTING_RANDOM_POLICY_CHANGE_H_

#include "netpol/testing/random.h"
#include "netpol/testing/random_options.h"
#include "proto/k8s/networking.pb.h"

namespace netpol {

// `old` under its own name with one thing different: another subject, other
// types, a rule more, less, twice or at another place, a rule with other peers
// or ports; or all of it; or nothing at all.
k8s::NetworkPolicy ChangedPolicy(Random& random,
                                 const RandomClusterOptions& options,
                                 const k8s::NetworkPolicy& old);

}  // namespace netpol

#endif  // NETPOL_TESTING_RANDOM_POLICY_CHANGE_H_
