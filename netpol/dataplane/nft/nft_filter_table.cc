#include "netpol/dataplane/nft/nft_filter_table.h"

#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/legacy/set_index.h"
#include "netpol/dataplane/nft/chain_listing.h"
#include "netpol/dataplane/nft/change_check.h"
#include "netpol/dataplane/nft/nft_commit.h"
#include "netpol/dataplane/nft/nft_hooks.h"
#include "netpol/dataplane/nft/nft_session.h"
#include "netpol/dataplane/nft/restore_text.h"
#include "netpol/dataplane/table_change_check.h"

namespace netpol {
namespace {

constexpr int kAttempts = 5;

// Names that ChainName cannot hold are none of ours.
bool IsOurChain(const NftChain& chain) {
  return !chain.is_base && ChainName::IsOurs(chain.name) &&
         chain.name.size() <= ChainName::kMaxLength;
}

// Reads our chains into `table`. Aborted if one vanished on the way.
absl::Status ReadChains(NftSession& session, ObservedTable& table) {
  session.known().Clear();
  ASSIGN_OR_RETURN(
      const std::vector<NftChain> chains,
      session.channel().Chains(session.family(), NftSession::kTable));
  session.known().Fill(chains);
  std::vector<std::string> names;
  for (const NftChain& chain : chains) {
    if (IsOurChain(chain)) names.push_back(chain.name);
  }
  ASSIGN_OR_RETURN(ChainListing listing, ListChains(session.program(), names));
  RETURN_IF_ERROR(
      SetIncompleteAside(session.channel(), session.family(), listing));
  table.chains.clear();
  for (const auto& [name, lines] : listing.lines) {
    std::vector<Rule> rules = ReadRules(lines, session.family());
    session.known().SetContent(name, ContentNumber(rules, session.family()));
    table.chains[ChainName(name)] = std::move(rules);
  }
  if (listing.unlisted.empty()) return absl::OkStatus();
  KnownChains after;
  ASSIGN_OR_RETURN(
      const std::vector<NftChain> chains_after,
      session.channel().Chains(session.family(), NftSession::kTable));
  after.Fill(chains_after);
  for (const std::string& name : listing.unlisted) {
    if (after.Find(name) == nullptr) {
      return absl::AbortedError(
          absl::StrCat("chain ", name, " vanished while it was listed"));
    }
    table.chains[ChainName(name)] = UnlistedRules();
    session.known().SetContent(name, 0);
  }
  return absl::OkStatus();
}

absl::Status GivenUp(const absl::Status& last) {
  return absl::UnavailableError(
      absl::StrCat("tried ", kAttempts, " times: ", last.message()));
}

}  // namespace

struct NftFilterTable::Impl {
  Impl(Family family, const NftFilterTableOptions& options)
      : session(family, options.program_timeout) {}

  absl::StatusOr<ObservedTable> Read();

  NftSession session;
  SetIndex sets;
  // Whether there was a state to compare with.
  bool seen = false;
};

absl::StatusOr<ObservedTable> NftFilterTable::Impl::Read() {
  seen = false;
  RETURN_IF_ERROR(session.Open());
  RETURN_IF_ERROR(session.TakeNews());
  session.MarkRead();
  ObservedTable table;
  absl::Status status;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    status = ReadChains(session, table);
    if (!absl::IsAborted(status)) break;
  }
  if (absl::IsAborted(status)) return GivenUp(status);
  RETURN_IF_ERROR(status);
  ASSIGN_OR_RETURN(
      const NftHooks hooks,
      NftHooks::Read(session.channel(), session.family(), session.program()));
  const HookState state = hooks.State();
  table.hooks_in_place = state.in_place;
  table.hooks_found = state.found;
  table.rules_before_hook = state.rules_before;
  // What came meanwhile may be missing in what was read.
  RETURN_IF_ERROR(session.TakeNews());
  seen = true;
  return table;
}

NftFilterTable::NftFilterTable(Family family, NftFilterTableOptions options)
    : family_(family), impl_(std::make_unique<Impl>(family, options)) {}
NftFilterTable::~NftFilterTable() = default;

absl::StatusOr<ObservedTable> NftFilterTable::Read() { return impl_->Read(); }

absl::Status NftFilterTable::Commit(const TableChange& change) {
  RETURN_IF_ERROR(CheckTableChange(change, family_));
  kept_.clear();
  if (change.empty()) return absl::OkStatus();
  const auto forget = absl::MakeCleanup([this] { impl_->sets.Forget(); });
  RETURN_IF_ERROR(CheckRules(change, impl_->sets));
  NftSession& session = impl_->session;
  RETURN_IF_ERROR(session.Open());
  NftCommit commit(session, change);
  const auto count = absl::MakeCleanup(
      [&] { commits_ += static_cast<uint64_t>(commit.transactions()); });
  absl::Status status;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    RETURN_IF_ERROR(session.TakeNews());
    status = commit.Try();
    if (status.ok()) {
      kept_ = commit.kept();
      impl_->seen = true;
      return status;
    }
    // Whatever was wrong: it may be that less is known than was thought.
    session.known().Clear();
    if (!absl::IsAborted(status)) return status;
  }
  return GivenUp(status);
}

absl::StatusOr<bool> NftFilterTable::MayHaveChanged() {
  RETURN_IF_ERROR(impl_->session.Open());
  RETURN_IF_ERROR(impl_->session.TakeNews());
  return !impl_->seen || impl_->session.changed();
}

}  // namespace netpol
