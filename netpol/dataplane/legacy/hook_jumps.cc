#include "netpol/dataplane/legacy/hook_jumps.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/hook_layout.h"
#include "netpol/dataplane/legacy/entry_codec.h"
#include "netpol/dataplane/legacy/entry_parts.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"

namespace netpol {
namespace {

absl::StatusOr<EntryParts> HookEntry(const HookPlace& hook, Family family) {
  SetIndex no_sets;
  return EncodeRule(HookRule(hook), family, no_sets);
}

absl::StatusOr<bool> IsOlderAccept(const IptcHandle& handle,
                                   const EntryView& view) {
  if (view.target != "ACCEPT") return false;
  ASSIGN_OR_RETURN(EntryParts parts,
                   Dissect(handle.family(), view.entry, view.target));
  // Spares looking up the sets of others.
  if (parts.matches.size() != 2 || parts.matches[1].name != "mark") {
    return false;
  }
  std::swap(parts.matches[0], parts.matches[1]);
  SetIndex no_sets;
  const Rule rule = DecodeRule(parts, handle.family(), no_sets);
  return rule == OlderAcceptRule(rule.comment) &&
         IsOlderAcceptComment(rule.comment);
}

// The positions of all that RemoveHooks() takes out of `builtin`.
absl::StatusOr<std::vector<unsigned int>> RemovableRules(
    const IptcHandle& handle, const char* builtin) {
  std::vector<unsigned int> removable;
  unsigned int position = 0;
  for (const EntryView& view : handle.Rules(builtin)) {
    ASSIGN_OR_RETURN(const bool older, IsOlderAccept(handle, view));
    if (older || ChainName::IsOurs(view.target)) removable.push_back(position);
    ++position;
  }
  return removable;
}

// One built-in chain, compared with what it should have.
struct HookPlan {
  // Whether the first rule is the jump as it should be.
  bool first_is_ours = false;
  // Where the right jump stands first, or -1.
  int right_at = -1;
  // Where rules lead to one of our three chains; the right first one excepted.
  std::vector<unsigned int> strays;
  // Of the first stray that is the right jump in the wrong place.
  PacketCounters counters;
};

absl::StatusOr<HookPlan> PlanHook(const IptcHandle& handle,
                                  const HookPlace& hook,
                                  const EntryParts& wanted) {
  HookPlan plan;
  bool counters_known = false;
  unsigned int position = 0;
  for (const EntryView& view : handle.Rules(hook.builtin)) {
    const unsigned int here = position++;
    if (!IsHookChain(view.target)) continue;
    ASSIGN_OR_RETURN(EntryParts parts,
                     Dissect(handle.family(), view.entry, view.target));
    const bool right = parts == wanted;
    if (right && plan.right_at < 0) plan.right_at = static_cast<int>(here);
    if (right && here == 0) {
      plan.first_is_ours = true;
      continue;
    }
    plan.strays.push_back(here);
    if (right && !counters_known) {
      plan.counters = CountersOf(handle.family(), view.entry);
      counters_known = true;
    }
  }
  return plan;
}

// From the last to the first, so that the positions stay true.
absl::Status DeleteRules(IptcHandle& handle, const std::string& chain,
                         const std::vector<unsigned int>& positions) {
  for (auto it = positions.rbegin(); it != positions.rend(); ++it) {
    RETURN_IF_ERROR(handle.DeleteAt(chain, *it));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> EnsureHook(IptcHandle& handle, const HookPlace& hook) {
  const Family family = handle.family();
  if (!handle.HasChain(std::string(hook.chain))) {
    return absl::FailedPreconditionError(
        absl::StrCat("chain ", hook.chain, " of the ", FamilyName(family),
                     " table filter does not exist, so ", hook.builtin,
                     " cannot jump to it; write it in the same change"));
  }
  ASSIGN_OR_RETURN(const EntryParts wanted, HookEntry(hook, family));
  ASSIGN_OR_RETURN(const HookPlan plan, PlanHook(handle, hook, wanted));
  RETURN_IF_ERROR(DeleteRules(handle, hook.builtin, plan.strays));
  if (!plan.first_is_ours) {
    RETURN_IF_ERROR(handle.InsertAt(hook.builtin, 0,
                                    Assemble(family, wanted, plan.counters)));
  }
  return !plan.first_is_ours || !plan.strays.empty();
}

}  // namespace

absl::StatusOr<HookState> ReadHooks(const IptcHandle& handle) {
  HookState state;
  state.in_place = true;
  size_t index = 0;
  for (const HookPlace& hook : kHookPlaces) {
    ASSIGN_OR_RETURN(const EntryParts wanted, HookEntry(hook, handle.family()));
    ASSIGN_OR_RETURN(const HookPlan plan, PlanHook(handle, hook, wanted));
    ASSIGN_OR_RETURN(const std::vector<unsigned int> removable,
                     RemovableRules(handle, hook.builtin));
    state.found += static_cast<int>(removable.size());
    state.rules_before[index++] = plan.right_at;
    if (!plan.first_is_ours || !plan.strays.empty()) state.in_place = false;
  }
  return state;
}

absl::StatusOr<bool> EnsureHooks(IptcHandle& handle) {
  bool changed = false;
  for (const HookPlace& hook : kHookPlaces) {
    ASSIGN_OR_RETURN(const bool changed_here, EnsureHook(handle, hook));
    changed = changed || changed_here;
  }
  return changed;
}

absl::StatusOr<bool> RemoveHooks(IptcHandle& handle) {
  bool changed = false;
  for (const HookPlace& hook : kHookPlaces) {
    ASSIGN_OR_RETURN(const std::vector<unsigned int> ours,
                     RemovableRules(handle, hook.builtin));
    RETURN_IF_ERROR(DeleteRules(handle, hook.builtin, ours));
    changed = changed || !ours.empty();
  }
  return changed;
}

}  // namespace netpol
