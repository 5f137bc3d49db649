#include "netpol/enforcer/older_nft_table.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "netpol/base/status_macros.h"
#include "netpol/dataplane/nft/nft_channel.h"

namespace netpol {
namespace {

absl::StatusOr<bool> Holds(NftChannel& channel, Family family) {
  ASSIGN_OR_RETURN(const std::vector<std::string> tables,
                   channel.Tables(family));
  return std::find(tables.begin(), tables.end(), OlderNftTable(family)) !=
         tables.end();
}

// Nothing where the kernel has no nf_tables.
absl::StatusOr<std::unique_ptr<NftChannel>> OpenChannel() {
  absl::StatusOr<std::unique_ptr<NftChannel>> channel = NftChannel::Open();
  if (absl::IsUnimplemented(channel.status()))
    return std::unique_ptr<NftChannel>();
  return channel;
}

}  // namespace

absl::string_view OlderNftTable(Family family) {
  return family == Family::kIPv4 ? "kube-router-filter-ipv4"
                                 : "kube-router-filter-ipv6";
}

absl::StatusOr<bool> HasOlderNftTable(Family family) {
  ASSIGN_OR_RETURN(const std::unique_ptr<NftChannel> channel, OpenChannel());
  if (channel == nullptr) return false;
  return Holds(*channel, family);
}

absl::StatusOr<bool> RemoveOlderNftTable(Family family) {
  ASSIGN_OR_RETURN(const std::unique_ptr<NftChannel> channel, OpenChannel());
  if (channel == nullptr) return false;
  ASSIGN_OR_RETURN(const bool there, Holds(*channel, family));
  if (!there) return false;
  RETURN_IF_ERROR(channel->RemoveTable(family, OlderNftTable(family)));
  return true;
}

}  // namespace netpol
