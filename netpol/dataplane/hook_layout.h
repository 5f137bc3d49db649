// Where the three jumps stand that lead into our chains, and what older layouts
// left beside them.
#ifndef NETPOL_DATAPLANE_HOOK_LAYOUT_H_
#define NETPOL_DATAPLANE_HOOK_LAYOUT_H_

#include <algorithm>
#include <array>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"

namespace netpol {

struct HookPlace {
  const char* builtin;
  absl::string_view chain;
  // kube-router finds its jumps by these words.
  const char* comment;
};

// In the order of ObservedTable::rules_before_hook.
inline constexpr HookPlace kHookPlaces[] = {
    {"INPUT", kInputChain, "kube-router netpol - 4IA2OSFRMVNDXBVV"},
    {"FORWARD", kForwardChain, "kube-router netpol - TEMCG2JMHZYE7H7T"},
    {"OUTPUT", kOutputChain, "kube-router netpol - VEAAIY32XVBHCSCY"},
};

// What the built-in chains have of our jumps.
struct HookState {
  // As ObservedTable says it.
  bool in_place = false;
  int found = 0;
  std::array<int, 3> rules_before = {-1, -1, -1};
};

inline bool IsHookChain(absl::string_view chain) {
  return std::any_of(
      std::begin(kHookPlaces), std::end(kHookPlaces),
      [&](const HookPlace& hook) { return hook.chain == chain; });
}

// The jump as it should be.
inline Rule HookRule(const HookPlace& hook) {
  Rule rule;
  rule.comment = hook.comment;
  rule.action = JumpAction{ChainName(hook.chain)};
  return rule;
}

// Releases of kube-router before the chains had an end of their own put this
// into the built-in chains: accept what carries the mark of judged packets. One
// condition, no other, and a comment, before it, that begins with one of
// kube-router's own ways to say it; a rule that merely holds these words is
// somebody else's.
inline bool IsOlderAcceptComment(absl::string_view comment) {
  return absl::StartsWith(comment, "KUBE-ROUTER ") ||
         absl::StartsWith(
             comment,
             "rule to explicitly ACCEPT traffic that comply to network ");
}

// Such a rule but for the place of its comment, which ours has at the end.
inline Rule OlderAcceptRule(absl::string_view comment) {
  constexpr uint32_t kPassed = 0x20000;
  Rule rule;
  rule.comment = std::string(comment);
  rule.matches = {MarkMatch{kPassed, kPassed}};
  rule.action = AcceptAction{};
  return rule;
}

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_HOOK_LAYOUT_H_
