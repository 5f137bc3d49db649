#include "netpol/dataplane/legacy/hook_jumps.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/legacy/entry_codec.h"
#include "netpol/dataplane/legacy/entry_parts.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"

namespace netpol {
namespace {

struct Hook {
  const char* builtin;
  absl::string_view chain;
  // kube-router finds its jumps by these words.
  const char* comment;
};

constexpr Hook kHooks[] = {
    {"INPUT", kInputChain, "kube-router netpol - 4IA2OSFRMVNDXBVV"},
    {"FORWARD", kForwardChain, "kube-router netpol - TEMCG2JMHZYE7H7T"},
    {"OUTPUT", kOutputChain, "kube-router netpol - VEAAIY32XVBHCSCY"},
};

bool IsHookChain(absl::string_view chain) {
  return std::any_of(std::begin(kHooks), std::end(kHooks),
                     [&](const Hook& hook) { return hook.chain == chain; });
}

absl::StatusOr<EntryParts> HookEntry(const Hook& hook, Family family) {
  Rule rule;
  rule.comment = hook.comment;
  rule.action = JumpAction{ChainName(hook.chain)};
  SetIndex no_sets;
  return EncodeRule(rule, family, no_sets);
}

// Releases of kube-router before the chains had an end of their own put this
// into the built-in chains: accept what carries the mark of judged packets. One
// condition, no other, and a comment that begins with one of kube-router's own
// ways to say it; a rule that merely holds these words is somebody else's.
absl::StatusOr<bool> IsOlderAccept(const IptcHandle& handle,
                                   const EntryView& view) {
  constexpr uint32_t kPassed = 0x20000;
  if (view.target != "ACCEPT") return false;
  ASSIGN_OR_RETURN(EntryParts parts,
                   Dissect(handle.family(), view.entry, view.target));
  // Spares looking up the sets of others.
  if (parts.matches.size() != 2 || parts.matches[1].name != "mark") {
    return false;
  }
  // They had the comment first, where ours is last.
  std::swap(parts.matches[0], parts.matches[1]);
  SetIndex no_sets;
  const Rule rule = DecodeRule(parts, handle.family(), no_sets);
  Rule wanted;
  wanted.comment = rule.comment;
  wanted.matches = {MarkMatch{kPassed, kPassed}};
  wanted.action = AcceptAction{};
  if (rule != wanted) return false;
  return absl::StartsWith(rule.comment, "KUBE-ROUTER ") ||
         absl::StartsWith(
             rule.comment,
             "rule to explicitly ACCEPT traffic that comply to network ");
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

absl::StatusOr<HookPlan> PlanHook(const IptcHandle& handle, const Hook& hook,
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

absl::StatusOr<bool> EnsureHook(IptcHandle& handle, const Hook& hook) {
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
  for (const Hook& hook : kHooks) {
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
  for (const Hook& hook : kHooks) {
    ASSIGN_OR_RETURN(const bool changed_here, EnsureHook(handle, hook));
    changed = changed || changed_here;
  }
  return changed;
}

absl::StatusOr<bool> RemoveHooks(IptcHandle& handle) {
  bool changed = false;
  for (const Hook& hook : kHooks) {
    ASSIGN_OR_RETURN(const std::vector<unsigned int> ours,
                     RemovableRules(handle, hook.builtin));
    RETURN_IF_ERROR(DeleteRules(handle, hook.builtin, ours));
    changed = changed || !ours.empty();
  }
  return changed;
}

}  // namespace netpol
