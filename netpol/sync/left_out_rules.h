// Rules that are left out because a set that they use cannot be made: as a rule
// they allow by it, and less is then allowed.
#ifndef NETPOL_SYNC_LEFT_OUT_RULES_H_
#define NETPOL_SYNC_LEFT_OUT_RULES_H_

#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"
#include "netpol/sync/ruleset_ledger.h"

namespace netpol {

// Takes those that use one of `sets` out of `rules`.
void LeaveOut(const absl::btree_set<SetName>& sets, std::vector<Rule>& rules);

// The comments of the wanted rules that use each of `sets`: they lead back to
// who asked for the set. Looks only at chains that are not in the kernel as
// they should be, since a rule without its set cannot be there.
absl::btree_map<SetName, std::vector<std::string>> UsersOf(
    const absl::btree_set<SetName>& sets, const RulesetLedger& ledger);

// `; left out: "A", "B"`: the first five of `comments`, and how many there are
// more; nothing for none.
std::string LeftOutText(const std::vector<std::string>& comments);

}  // namespace netpol

#endif  // NETPOL_SYNC_LEFT_OUT_RULES_H_
