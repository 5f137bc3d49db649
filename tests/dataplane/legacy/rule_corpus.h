// Rules of every kind that the vocabulary has.
#ifndef NETPOL_TESTS_DATAPLANE_LEGACY_RULE_CORPUS_H_
#define NETPOL_TESTS_DATAPLANE_LEGACY_RULE_CORPUS_H_

#include <vector>

#include "netpol/base/ip.h"
#include "netpol/rules/rule.h"

namespace netpol {

// A rule with just a comment and an action.
Rule PlainRule(const std::string& comment, Action action);

// Every match and action but sets and chains, with the values at their edges.
std::vector<Rule> RulesWithoutNames(Family family);

// Every way to match on `addresses` (hash:ip) and `services` (hash:ip,port).
std::vector<Rule> RulesWithSets(const SetName& addresses,
                                const SetName& services);

}  // namespace netpol

#endif  // NETPOL_TESTS_DATAPLANE_LEGACY_RULE_CORPUS_H_
