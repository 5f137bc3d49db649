// Tables of a given number of rules that look like the compiler's.
#ifndef NETPOL_BENCH_ROOMS_MODEL_TABLE_H_
#define NETPOL_BENCH_ROOMS_MODEL_TABLE_H_

#include <vector>

#include "netpol/rules/rule.h"
#include "netpol/rules/set.h"
#include "netpol/sync/dataplane.h"

namespace netpol {

// Rules of a chain.
inline constexpr int kModelChainRules = 10;

// The sets that the rules refer to.
std::vector<SetSpec> ModelSets();

// Chain `number`: rules with a comment, a set, ports and a goto.
Chain ModelChain(int number);

// Hooks and `rules` rules in chains of kModelChainRules, reached by one jump
// each, which are not counted.
TableChange ModelTable(int rules);

}  // namespace netpol

#endif  // NETPOL_BENCH_ROOMS_MODEL_TABLE_H_
