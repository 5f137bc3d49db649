#include "netpol/dataplane/nft/nft_hooks.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/nft/chain_listing.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"

namespace netpol {
namespace {

constexpr absl::string_view kTable = "filter";

bool MayBeOlderAccept(const NftRule& rule) {
  return rule.target.empty() && IsOlderAcceptComment(rule.comment);
}

// How iptables lists it: with the comment first.
std::string OlderAcceptLine(const HookPlace& hook, const std::string& comment,
                            Family family) {
  Rule rule = OlderAcceptRule(comment);
  rule.comment.clear();
  const std::string condition_and_end = rule.ToString(family);
  rule.comment = comment;
  rule.matches.clear();
  const std::string words = rule.ToString(family);
  return absl::StrCat("-A ", hook.builtin, " ",
                      absl::StripSuffix(words, "-j ACCEPT"), condition_and_end);
}

}  // namespace

bool NftHooks::Place::IsRight(const HookPlace& hook, size_t at) const {
  const NftRule& rule = rules[at];
  return rule.unconditional && !rule.go && rule.target == hook.chain &&
         rule.comment == hook.comment;
}

bool NftHooks::Place::IsRemovable(size_t at) const {
  return ChainName::IsOurs(rules[at].target) || older_accept[at];
}

absl::Status NftHooks::FindOlderAccepts(const HookPlace& hook, Family family,
                                        const RestoreProgram& program,
                                        Place& place) {
  place.older_accept.assign(place.rules.size(), false);
  if (std::none_of(place.rules.begin(), place.rules.end(), MayBeOlderAccept)) {
    return absl::OkStatus();
  }
  absl::StatusOr<ChainListing> listing = ListChains(program, {hook.builtin});
  // Without the program nobody can say whose they are: they stay.
  if (absl::IsUnimplemented(listing.status())) return absl::OkStatus();
  RETURN_IF_ERROR(listing.status());
  const std::vector<std::string>& lines = listing->lines[hook.builtin];
  // Not all of the chain can be listed, or it is another one by now.
  if (lines.size() != place.rules.size()) return absl::OkStatus();
  for (size_t i = 0; i < lines.size(); ++i) {
    place.older_accept[i] =
        MayBeOlderAccept(place.rules[i]) &&
        lines[i] == OlderAcceptLine(hook, place.rules[i].comment, family);
  }
  return absl::OkStatus();
}

absl::StatusOr<NftHooks> NftHooks::Read(NftChannel& channel, Family family,
                                        const RestoreProgram& program) {
  NftHooks hooks;
  hooks.family_ = family;
  ASSIGN_OR_RETURN(hooks.generation_, channel.Generation());
  for (size_t i = 0; i < hooks.places_.size(); ++i) {
    const HookPlace& hook = kHookPlaces[i];
    Place& place = hooks.places_[i];
    ASSIGN_OR_RETURN(place.rules, channel.Rules(family, kTable, hook.builtin));
    RETURN_IF_ERROR(FindOlderAccepts(hook, family, program, place));
  }
  return hooks;
}

HookState NftHooks::State() const {
  HookState state;
  state.in_place = Strays().empty();
  for (size_t i = 0; i < places_.size(); ++i) {
    const Place& place = places_[i];
    if (!place.FirstIsRight(kHookPlaces[i])) state.in_place = false;
    for (size_t at = 0; at < place.rules.size(); ++at) {
      if (place.IsRemovable(at)) ++state.found;
      if (state.rules_before[i] < 0 && place.IsRight(kHookPlaces[i], at)) {
        state.rules_before[i] = static_cast<int>(at);
      }
    }
  }
  return state;
}

std::vector<std::string> NftHooks::EnsureLines(bool keep_others) const {
  std::vector<std::string> lines;
  for (size_t i = 0; i < places_.size(); ++i) {
    const HookPlace& hook = kHookPlaces[i];
    const Place& place = places_[i];
    if (place.FirstIsRight(hook)) continue;
    const std::string jump = HookRule(hook).ToString(family_);
    for (size_t at = 0; at < place.rules.size() && !keep_others; ++at) {
      if (!place.IsRight(hook, at)) continue;
      lines.push_back(absl::StrCat("-D ", hook.builtin, " ", jump));
    }
    lines.push_back(absl::StrCat("-I ", hook.builtin, " 1 ", jump));
  }
  return lines;
}

std::vector<NftRemoval::RuleAt> NftHooks::Strays() const {
  std::vector<NftRemoval::RuleAt> strays;
  for (size_t i = 0; i < places_.size(); ++i) {
    const Place& place = places_[i];
    for (size_t at = 0; at < place.rules.size(); ++at) {
      if (!IsHookChain(place.rules[at].target)) continue;
      if (at == 0 && place.FirstIsRight(kHookPlaces[i])) continue;
      strays.push_back({kHookPlaces[i].builtin, place.rules[at].handle});
    }
  }
  return strays;
}

bool NftHooks::HasStraysBesideEnsured() const {
  for (size_t i = 0; i < places_.size(); ++i) {
    const Place& place = places_[i];
    const bool first_is_right = place.FirstIsRight(kHookPlaces[i]);
    for (size_t at = 0; at < place.rules.size(); ++at) {
      if (!IsHookChain(place.rules[at].target)) continue;
      const bool right = place.IsRight(kHookPlaces[i], at);
      if (first_is_right ? at > 0 : !right) return true;
    }
  }
  return false;
}

std::vector<NftRemoval::RuleAt> NftHooks::Removable() const {
  std::vector<NftRemoval::RuleAt> removable;
  for (size_t i = 0; i < places_.size(); ++i) {
    for (size_t at = 0; at < places_[i].rules.size(); ++at) {
      if (!places_[i].IsRemovable(at)) continue;
      removable.push_back(
          {kHookPlaces[i].builtin, places_[i].rules[at].handle});
    }
  }
  return removable;
}

}  // namespace netpol
