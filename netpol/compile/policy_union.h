// What several policies allow together, in few rules.
#ifndef NETPOL_COMPILE_POLICY_UNION_H_
#define NETPOL_COMPILE_POLICY_UNION_H_

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "netpol/compile/layout.h"
#include "netpol/policy/objects.h"

namespace netpol {

// A rule and whom it is from: "namespace/name", or "namespace/name,name,name".
struct SourcedRule {
  std::string source;
  PolicyRule rule;
};

// The rules of one direction, as they stand there.
std::vector<SourcedRule> RulesOf(const NetworkPolicy& policy,
                                 Direction direction);

// The same for several policies of one namespace; those with the same ports are
// one rule, with the peers of all. A packet is allowed by one if and only if it
// was allowed by one of them. The same for the same policies in the same order.
std::vector<SourcedRule> UnionOfRules(
    absl::Span<const NetworkPolicy* const> policies, Direction direction);

}  // namespace netpol

#endif  // NETPOL_COMPILE_POLICY_UNION_H_
