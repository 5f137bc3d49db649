#include "netpol/dataplane/nft/nft_session.h"

#include <utility>
#include <vector>

#include "netpol/base/status_macros.h"

namespace netpol {

absl::Status NftSession::Open() {
  if (channel_ != nullptr && monitor_ != nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(channel_, NftChannel::Open());
  ASSIGN_OR_RETURN(monitor_, NftMonitor::Open(family_));
  return absl::OkStatus();
}

void NftSession::NoteChange() {
  changed_ = true;
  known_.Clear();
}

absl::Status NftSession::TakeNews() {
  const absl::StatusOr<bool> news = monitor_->TakeChanges();
  if (!news.ok() || *news) NoteChange();
  return news.status();
}

absl::Status NftSession::BeforeOwn() {
  ASSIGN_OR_RETURN(generation_, channel_->Generation());
  return TakeNews();
}

absl::Status NftSession::AfterOwn(uint32_t port) {
  ASSIGN_OR_RETURN(const uint32_t generation, channel_->Generation());
  const absl::StatusOr<bool> others = monitor_->TakeChangesNotBy(port);
  if (!others.ok()) {
    NoteChange();
    return others.status();
  }
  // If one transaction has come since, it was ours, even where it was so large
  // that messages about it were lost.
  if (*others && generation != generation_ + 1) NoteChange();
  return absl::OkStatus();
}

absl::Status NftSession::LearnNames() {
  if (known_.complete()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<NftChain> chains,
                   channel_->Chains(family_, kTable));
  known_.Fill(chains);
  return absl::OkStatus();
}

}  // namespace netpol
