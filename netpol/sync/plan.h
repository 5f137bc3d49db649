// The difference between what should be in the kernel and what is, as a value
// that can be shown before it is applied.
#ifndef NETPOL_SYNC_PLAN_H_
#define NETPOL_SYNC_PLAN_H_

#include <string>
#include <vector>

#include "netpol/base/ip.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"
#include "netpol/rules/set.h"
#include "netpol/sync/dataplane.h"

namespace netpol {

// Members of one set to add or to remove, in order.
struct PlannedMembers {
  SetSpec set;
  std::vector<SetMember> members;
};

// One chain before and after; either may be missing.
struct PlannedChain {
  ChainName name;
  bool existed = false;
  bool stays = false;
  std::vector<Rule> before;
  std::vector<Rule> after;
};

// A rule that comes or goes.
struct RuleChange {
  bool added = false;
  const Rule* rule = nullptr;  // in the PlannedChain
};

// What differs between the two lists of rules of `chain`, in order; rules that
// stay are left out. `chain` must outlive the result.
std::vector<RuleChange> RuleChanges(const PlannedChain& chain, Family family);

struct PlannedTable {
  Family family = Family::kIPv4;
  std::vector<PlannedChain> chains;  // in order of their names
  HookChange hooks = HookChange::kNone;

  bool empty() const { return chains.empty() && hooks == HookChange::kNone; }
  TableChange ToChange() const;
};

// A set that is wanted but not made, and why; rules that use it are left out.
struct RefusedSet {
  SetName name;
  std::string reason;  // a sentence, which says what to do
};

// Fields stand in the order in which they are applied.
struct Plan {
  std::vector<PlannedMembers> create_sets;  // with all their members
  std::vector<PlannedMembers>
      replace_sets;  // likewise; for more room, or other content
  std::vector<PlannedMembers>
      add_before;  // members that allow more, or judge less
  std::vector<PlannedMembers> remove_before;
  std::vector<PlannedTable> tables;  // only those that change
  std::vector<PlannedMembers> add_after;
  std::vector<PlannedMembers> remove_after;
  std::vector<SetName> destroy_sets;
  // What is not done.
  std::vector<RefusedSet> refused_sets;

  // Nothing is to be done.
  bool empty() const;

  // A readable diff, a line for each set, member, chain and rule that comes or
  // goes, and for each set that is refused.
  std::string ToString() const;
};

}  // namespace netpol

#endif  // NETPOL_SYNC_PLAN_H_
