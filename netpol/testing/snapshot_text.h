// What a Snapshot holds, as lines for people and for comparison.
#ifndef NETPOL_TESTING_SNAPSHOT_TEXT_H_
#define NETPOL_TESTING_SNAPSHOT_TEXT_H_

#include <string>
#include <vector>

#include "netpol/base/ip.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"
#include "netpol/sync/snapshot.h"

namespace netpol {

// "set KUBE-SRC-A hash:ip IPv4", then "set KUBE-SRC-A member 10.0.0.1" for each
// member, sorted. Foreign content is marked. The room in a set depends on its
// past and is left out.
std::vector<std::string> LinesOf(const SetName& name, const ObservedSet& set);

// "IPv4 chain KUBE-NWPLCY-A", then "IPv4 chain KUBE-NWPLCY-A 0: -j DROP" for
// each rule, in order. Foreign rules are marked.
std::vector<std::string> LinesOf(Family family, const ChainName& name,
                                 const std::vector<Rule>& rules);

// The lines of every set and every chain, one under the other; equal texts are
// equal rulesets. The hooks are left out.
std::string ContentsOf(const Snapshot& snapshot);

}  // namespace netpol

#endif  // NETPOL_TESTING_SNAPSHOT_TEXT_H_
