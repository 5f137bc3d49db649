#include "netpol/dataplane/nft/nft_commit.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/nft/chain_listing.h"
#include "netpol/dataplane/nft/change_check.h"

namespace netpol {
namespace {

bool IsHookedChain(absl::string_view chain) {
  return std::any_of(
      std::begin(kHookPlaces), std::end(kHookPlaces),
      [&](const HookPlace& hook) { return hook.builtin == chain; });
}

bool Writes(const TableChange& change, absl::string_view chain) {
  return std::any_of(
      change.write.begin(), change.write.end(),
      [&](const Chain& written) { return written.name.value() == chain; });
}

bool Removes(const TableChange& change, absl::string_view chain) {
  return std::any_of(
      change.remove.begin(), change.remove.end(),
      [&](const ChainName& removed) { return removed.value() == chain; });
}

}  // namespace

absl::Status NftCommit::Try() {
  ++attempts_;
  RETURN_IF_ERROR(session_.LearnNames());
  RETURN_IF_ERROR(CheckJumps(change_, session_.known()));
  RETURN_IF_ERROR(PlanHooks());
  RestoreDelta delta;
  ASSIGN_OR_RETURN(delta.written, DifferentChains());
  RETURN_IF_ERROR(PlanRemoval());
  delta.hook_lines = hook_lines_;
  const bool writes = !delta.written.empty() || !delta.hook_lines.empty();
  if (writes) {
    if (change_.hooks != HookChange::kRemove) {
      delta.removed = removed_;
      delta.emptied = emptied_;
    }
    RETURN_IF_ERROR(Write(delta));
  }
  return RemoveRest(writes);
}

absl::Status NftCommit::PlanHooks() {
  hooks_.reset();
  hook_lines_.clear();
  if (change_.hooks == HookChange::kNone) return absl::OkStatus();
  if (change_.hooks == HookChange::kEnsure) {
    for (const HookPlace& hook : kHookPlaces) {
      const bool there = Writes(change_, hook.chain) ||
                         (session_.known().Find(hook.chain) != nullptr &&
                          !Removes(change_, hook.chain));
      if (there) continue;
      return absl::FailedPreconditionError(absl::StrCat(
          "chain ", hook.chain, " of the ", FamilyName(change_.family),
          " table filter does not exist, so ", hook.builtin,
          " cannot jump to it; write it in the same change"));
    }
  }
  ASSIGN_OR_RETURN(hooks_, NftHooks::Read(session_.channel(), change_.family,
                                          session_.program()));
  if (change_.hooks == HookChange::kEnsure) {
    // One that cannot be deleted by its text goes by its handle.
    const bool lost_before = attempts_ > 1;
    hook_lines_ = hooks_->EnsureLines(/*keep_others=*/lost_before);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<const Chain*>> NftCommit::DifferentChains() {
  KnownChains& known = session_.known();
  std::vector<std::string> unknown;
  for (const Chain& chain : change_.write) {
    const KnownChain* found = known.Find(chain.name.value());
    if (found != nullptr && !found->listed)
      unknown.push_back(chain.name.value());
  }
  RETURN_IF_ERROR(LearnContent(unknown));
  std::vector<const Chain*> different;
  for (const Chain& chain : change_.write) {
    const KnownChain* found = known.Find(chain.name.value());
    if (found == nullptr ||
        found->content != ContentNumber(chain.rules, change_.family)) {
      different.push_back(&chain);
    }
  }
  return different;
}

absl::Status NftCommit::LearnContent(const std::vector<std::string>& chains) {
  if (chains.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(ChainListing listing,
                   ListChains(session_.program(), chains));
  RETURN_IF_ERROR(
      SetIncompleteAside(session_.channel(), change_.family, listing));
  for (const auto& [chain, lines] : listing.lines) {
    session_.known().SetContent(
        chain, ContentNumber(ReadRules(lines, change_.family), change_.family));
  }
  // Whatever they have, or if they are gone: they are written.
  for (const std::string& chain : listing.unlisted) {
    session_.known().SetContent(chain, 0);
  }
  return absl::OkStatus();
}

absl::Status NftCommit::PlanRemoval() {
  removed_.clear();
  emptied_.clear();
  absl::flat_hash_set<std::string> kept;
  for (const KeptChain& chain : kept_) kept.insert(chain.chain.value());
  for (const ChainName& chain : change_.remove) {
    if (session_.known().Find(chain.value()) == nullptr) continue;
    if (!kept.contains(chain.value())) {
      removed_.push_back(chain.value());
      continue;
    }
    ASSIGN_OR_RETURN(const std::vector<NftRule> rules,
                     session_.channel().Rules(
                         change_.family, NftSession::kTable, chain.value()));
    if (!rules.empty()) emptied_.push_back(chain.value());
  }
  return absl::OkStatus();
}

absl::Status NftCommit::Write(const RestoreDelta& delta) {
  const std::string text = RestoreText(delta, change_.family);
  RETURN_IF_ERROR(session_.BeforeOwn());
  ASSIGN_OR_RETURN(const RestoreRun run, session_.program().Run(text));
  if (!run.succeeded) {
    return ExplainFailure(
        session_.program().ErrorOf(run, text, StepText(delta.written)));
  }
  ++transactions_;
  NoteWritten(delta);
  return session_.AfterOwn(run.port);
}

absl::Status NftCommit::RemoveRest(bool has_written) {
  NftRemoval removal;
  if (change_.hooks == HookChange::kRemove || !has_written) {
    removal.flushed = emptied_;
    removal.flushed.insert(removal.flushed.end(), removed_.begin(),
                           removed_.end());
    removal.chains = removed_;
  }
  if (hooks_.has_value()) {
    const bool removes = change_.hooks == HookChange::kRemove;
    if (has_written &&
        (removes || attempts_ > 1 || hooks_->HasStraysBesideEnsured())) {
      ASSIGN_OR_RETURN(hooks_,
                       NftHooks::Read(session_.channel(), change_.family,
                                      session_.program()));
      removal.rules = removes ? hooks_->Removable() : hooks_->Strays();
    } else if (!has_written) {
      removal.rules = removes ? hooks_->Removable() : hooks_->Strays();
    }
    // Handles are good for what was read.
    if (!removal.rules.empty()) removal.generation = hooks_->generation();
  }
  if (removal.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(session_.BeforeOwn());
  if (absl::Status status = session_.channel().Remove(
          change_.family, NftSession::kTable, removal);
      !status.ok()) {
    return ExplainFailure(std::move(status));
  }
  ++transactions_;
  NoteRemoved();
  return session_.AfterOwn(session_.channel().port());
}

void NftCommit::NoteWritten(const RestoreDelta& delta) {
  KnownChains& known = session_.known();
  for (const Chain* chain : delta.written) {
    known.SetContent(chain->name.value(),
                     ContentNumber(chain->rules, change_.family));
  }
  for (const std::string& chain : delta.emptied) {
    known.SetContent(chain, ContentNumber({}, change_.family));
  }
  for (const std::string& chain : delta.removed) known.Erase(chain);
}

void NftCommit::NoteRemoved() {
  RestoreDelta done;
  done.removed = removed_;
  done.emptied = emptied_;
  NoteWritten(done);
}

absl::Status NftCommit::ExplainFailure(absl::Status status) {
  if (absl::IsUnimplemented(status)) {
    // What the program could not find may be a chain that somebody deleted.
    session_.known().Clear();
    RETURN_IF_ERROR(session_.LearnNames());
    RETURN_IF_ERROR(CheckJumps(change_, session_.known()));
    return status;
  }
  if (!absl::IsFailedPrecondition(status) || removed_.empty()) return status;
  ASSIGN_OR_RETURN(std::vector<KeptChain> kept, FindKept());
  if (kept.size() <= kept_.size()) {
    // Held by something that is no plain jump: which chain, nobody says.
    if (keeps_all_) return status;
    keeps_all_ = true;
    kept.clear();
    for (const std::string& chain : removed_)
      kept.push_back({ChainName(chain), "(a verdict map or the like)"});
    kept.insert(kept.end(), kept_.begin(), kept_.end());
  }
  kept_ = std::move(kept);
  return absl::AbortedError(status.message());
}

// Chain by chain: the kernel lists all rules at once in quadratic time.
absl::StatusOr<std::vector<NftRule>> NftCommit::RulesThatStay() {
  ASSIGN_OR_RETURN(
      const std::vector<NftChain> chains,
      session_.channel().Chains(change_.family, NftSession::kTable));
  absl::flat_hash_set<absl::string_view> rewritten;
  for (const ChainName& chain : change_.remove) rewritten.insert(chain.value());
  for (const Chain& chain : change_.write) rewritten.insert(chain.name.value());
  std::vector<NftRule> all;
  for (const NftChain& chain : chains) {
    if (rewritten.contains(chain.name)) continue;
    // There all that leads to us goes.
    if (change_.hooks == HookChange::kRemove && IsHookedChain(chain.name)) {
      continue;
    }
    ASSIGN_OR_RETURN(std::vector<NftRule> rules,
                     session_.channel().Rules(change_.family,
                                              NftSession::kTable, chain.name));
    std::move(rules.begin(), rules.end(), std::back_inserter(all));
  }
  return all;
}

absl::StatusOr<std::vector<KeptChain>> NftCommit::FindKept() {
  ASSIGN_OR_RETURN(const std::vector<NftRule> rules, RulesThatStay());
  absl::flat_hash_map<std::string, std::string> referrers;  // by removed chain
  for (const ChainName& chain : change_.remove) referrers[chain.value()];
  for (const NftRule& rule : rules) {
    const auto found = referrers.find(rule.target);
    if (found == referrers.end()) continue;
    if (ChainName::IsOurs(rule.chain)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "chain ", rule.target, " of the ", FamilyName(change_.family),
          " table filter cannot be deleted: a rule of chain ", rule.chain,
          " leads to it; remove that rule first"));
    }
    found->second = rule.chain;
  }
  std::vector<KeptChain> kept;
  for (const ChainName& chain : change_.remove) {
    const std::string& referrer = referrers[chain.value()];
    if (!referrer.empty()) kept.push_back({chain, referrer});
  }
  return kept;
}

// "writing A, B and 7 more".
std::string NftCommit::StepText(
    const std::vector<const Chain*>& written) const {
  constexpr size_t kShown = 5;
  if (written.empty()) return "putting our jumps first";
  std::string text = "writing ";
  for (size_t i = 0; i < std::min(written.size(), kShown); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ", ", written[i]->name.value());
  }
  if (written.size() > kShown) {
    absl::StrAppend(&text, " and ", written.size() - kShown, " more");
  }
  return text;
}

}  // namespace netpol
