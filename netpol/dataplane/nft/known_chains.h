// What is known of the chains of a table, so that they need not be listed
// before each change.
#ifndef NETPOL_DATAPLANE_NFT_KNOWN_CHAINS_H_
#define NETPOL_DATAPLANE_NFT_KNOWN_CHAINS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "netpol/dataplane/nft/nft_channel.h"

namespace netpol {

struct KnownChain {
  bool is_base = false;
  // See ContentNumber(), which is 0 for what we would not write.
  uint64_t content = 0;
  bool listed = false;  // whether `content` is known
};

// Thread-compatible.
class KnownChains {
 public:
  // Whether all chains of the table are among them.
  bool complete() const { return complete_; }

  void Clear() {
    complete_ = false;
    chains_.clear();
  }
  // All chains of the table, their content not known.
  void Fill(const std::vector<NftChain>& chains) {
    Clear();
    for (const NftChain& chain : chains)
      chains_[chain.name].is_base = chain.is_base;
    complete_ = true;
  }
  void SetContent(absl::string_view chain, uint64_t content) {
    KnownChain& known = chains_[chain];
    known.content = content;
    known.listed = true;
  }
  void Erase(absl::string_view chain) { chains_.erase(chain); }

  // nullptr: there is no such chain, if complete().
  const KnownChain* Find(absl::string_view chain) const {
    const auto found = chains_.find(chain);
    return found == chains_.end() ? nullptr : &found->second;
  }

 private:
  bool complete_ = false;
  absl::flat_hash_map<std::string, KnownChain> chains_;
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_NFT_KNOWN_CHAINS_H_
