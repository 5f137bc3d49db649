// What policies allow in one direction as the rules of a chain.
#ifndef NETPOL_COMPILE_POLICY_RULES_H_
#define NETPOL_COMPILE_POLICY_RULES_H_

#include <vector>

#include "absl/types/span.h"
#include "netpol/base/ip.h"
#include "netpol/compile/layout.h"
#include "netpol/compile/policy_union.h"
#include "netpol/compile/set_registry.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"

namespace netpol {

struct CompiledPolicy {
  std::vector<Rule> rules;
  std::vector<SetName>
      sets;  // acquired from the registry, as often as they stand here
};

// One rule for each allowance, which goes to AllowChain(); whatever matches
// none returns. The packet is known to come from (egress) or go to (ingress) a
// pod that the policies select which `rules` are from.
CompiledPolicy CompileRules(absl::Span<const SourcedRule> rules,
                            Direction direction, Family family,
                            SetRegistry& registry);

}  // namespace netpol

#endif  // NETPOL_COMPILE_POLICY_RULES_H_
