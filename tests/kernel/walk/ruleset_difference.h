// Two readings of a kernel, compared.
#ifndef NETPOL_TESTS_KERNEL_WALK_RULESET_DIFFERENCE_H_
#define NETPOL_TESTS_KERNEL_WALK_RULESET_DIFFERENCE_H_

#include <string>

#include "netpol/sync/snapshot.h"

namespace netpol {

// Names, types and members of sets, names and rules of chains, and the hooks:
// empty if they are the same, else a line for each thing that only `actual` (+)
// or only `right` (-) has. The room in a set depends on its past and is not
// looked at.
std::string RulesetDifference(const Snapshot& actual, const Snapshot& right);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_WALK_RULESET_DIFFERENCE_H_
