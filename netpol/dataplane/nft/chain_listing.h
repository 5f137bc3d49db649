// Reads rule bodies through iptables-nft-restore.
#ifndef NETPOL_DATAPLANE_NFT_CHAIN_LISTING_H_
#define NETPOL_DATAPLANE_NFT_CHAIN_LISTING_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/nft/nft_channel.h"
#include "netpol/dataplane/nft/restore_program.h"
#include "netpol/rules/rule.h"

namespace netpol {

struct ChainListing {
  // As listed; ParseRuleLine reads them.
  absl::flat_hash_map<std::string, std::vector<std::string>> lines;
  // Chains that the program cannot list: they are gone, or hold rules that only
  // the `nft` command understands.
  std::vector<std::string> unlisted;
};

// The lines "-A …" of `chains`, by one run of the program and one more for each
// chain that it cannot list. The errors are those of RestoreProgram.
absl::StatusOr<ChainListing> ListChains(const RestoreProgram& program,
                                        const std::vector<std::string>& chains);

// Makes chains unlisted of whose rules something is missing in the listing.
absl::Status SetIncompleteAside(NftChannel& channel, Family family,
                                ChainListing& listing);

// The rules of a listed chain; one that is no rule's line becomes a foreign
// rule.
std::vector<Rule> ReadRules(const std::vector<std::string>& lines,
                            Family family);

// In the place of the rules of a chain that cannot be listed.
std::vector<Rule> UnlistedRules();

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_NFT_CHAIN_LISTING_H_
