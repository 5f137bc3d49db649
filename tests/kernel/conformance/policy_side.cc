#include "tests/kernel/conformance/policy_side.h"

#include <utility>

namespace netpol {

PolicyBuilder PolicySide::Policy(absl::string_view ns,
                                 absl::string_view name) const {
  return PolicyBuilder(ns, name).Types({type()});
}

PolicyBuilder PolicySide::With(PolicyBuilder policy,
                               const PolicyBuilder::Peers& peers,
                               const PolicyBuilder::Ports& ports) const {
  if (ingress_) {
    policy.Ingress(peers, ports);
  } else {
    policy.Egress(peers, ports);
  }
  return policy;
}

MatrixExpectation PolicySide::Deny(absl::string_view pods,
                                   absl::string_view peers,
                                   absl::string_view traffic) const {
  return ingress_ ? DenyIn(pods, peers, traffic)
                  : DenyOut(pods, peers, traffic);
}

MatrixExpectation PolicySide::Allow(absl::string_view pods,
                                    absl::string_view peers,
                                    absl::string_view traffic) const {
  return ingress_ ? AllowIn(pods, peers, traffic)
                  : AllowOut(pods, peers, traffic);
}

}  // namespace netpol
