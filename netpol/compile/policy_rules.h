// One direction of one policy as the rules of its chain.
#ifndef NETPOL_COMPILE_POLICY_RULES_H_
#define NETPOL_COMPILE_POLICY_RULES_H_

#include <vector>

#include "netpol/base/ip.h"
#include "netpol/compile/layout.h"
#include "netpol/compile/set_registry.h"
#include "netpol/policy/objects.h"
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
// pod that the policy selects.
CompiledPolicy CompilePolicy(const NetworkPolicy& policy, Direction direction,
                             Family family, SetRegistry& registry);

}  // namespace netpol

#endif  // NETPOL_COMPILE_POLICY_RULES_H_
