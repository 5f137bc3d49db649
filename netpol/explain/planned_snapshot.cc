#include "netpol/explain/planned_snapshot.h"

namespace netpol {

Snapshot PlannedSnapshot(const Plan& plan) {
  Snapshot snapshot;
  for (const PlannedMembers& planned : plan.create_sets) {
    ObservedSet& set = snapshot.sets[planned.set.name];
    set.spec = planned.set;
    set.members = {planned.members.begin(), planned.members.end()};
  }
  // What refuses comes after the rules, into a set that is new as well.
  for (const auto* added : {&plan.add_before, &plan.add_after}) {
    for (const PlannedMembers& planned : *added) {
      snapshot.sets[planned.set.name].members.insert(planned.members.begin(),
                                                     planned.members.end());
    }
  }
  for (const PlannedTable& planned : plan.tables) {
    ObservedTable& table = snapshot.table(planned.family);
    table.hooks_in_place = planned.hooks == HookChange::kEnsure;
    table.hooks_found = table.hooks_in_place ? 3 : 0;
    for (const PlannedChain& chain : planned.chains) {
      if (chain.stays) table.chains[chain.name] = chain.after;
    }
  }
  return snapshot;
}

}  // namespace netpol
