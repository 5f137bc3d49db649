// From what differs to what is to be done.
#ifndef NETPOL_SYNC_PLAN_MAKER_H_
#define NETPOL_SYNC_PLAN_MAKER_H_

#include <cstddef>

#include "netpol/sync/plan.h"
#include "netpol/sync/ruleset_ledger.h"

namespace netpol {

// What brings the kernel to what `ledger` says is wanted, in order.
//
// The kernel finds a set by walking all of them, the oldest first, whenever its
// members change; so new sets are created in the order of how often that will
// be: those of fixed purpose, then the larger before the smaller, since more
// members change more often, and prefixes, which stay as they are, last.
//
// No set that rules allow by is created beyond `max_sets`, sets of others
// included; what exists stays, and of the new ones those asked for first come
// first. The others are in Plan::refused_sets, without their rules.
Plan MakePlan(const RulesetLedger& ledger, size_t max_sets);

}  // namespace netpol

#endif  // NETPOL_SYNC_PLAN_MAKER_H_
