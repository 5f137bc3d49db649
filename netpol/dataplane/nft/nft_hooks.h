// The jumps from the built-in chains into ours, as nf_tables has them, and what
// older layouts left beside them.
#ifndef NETPOL_DATAPLANE_NFT_NFT_HOOKS_H_
#define NETPOL_DATAPLANE_NFT_NFT_HOOKS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/hook_layout.h"
#include "netpol/dataplane/nft/nft_channel.h"
#include "netpol/dataplane/nft/restore_program.h"

namespace netpol {

// One reading of the three built-in chains.
class NftHooks {
 public:
  // Runs `program` only if a rule has the comment of an older layout's accept
  // rule; where there is none, such a rule is taken for somebody else's. Errors
  // are those of both.
  static absl::StatusOr<NftHooks> Read(NftChannel& channel, Family family,
                                       const RestoreProgram& program);

  HookState State() const;

  // Of the kernel, before the reading.
  uint32_t generation() const { return generation_; }

  // Input of iptables-nft-restore after which the right jump is the first rule
  // of each built-in chain. Where it is so already, none; else right jumps that
  // stand elsewhere are deleted, unless `keep_others`.
  std::vector<std::string> EnsureLines(bool keep_others) const;

  // Rules that lead to one of our three chains and are not the right jump in
  // the first place.
  std::vector<NftRemoval::RuleAt> Strays() const;
  // As far as they will be there after EnsureLines(false).
  bool HasStraysBesideEnsured() const;

  // All that leads to a chain of ours, and the accept rules of older layouts.
  std::vector<NftRemoval::RuleAt> Removable() const;

 private:
  struct Place {
    std::vector<NftRule> rules;
    std::vector<bool> older_accept;  // for each of `rules`

    bool IsRight(const HookPlace& hook, size_t at) const;
    bool FirstIsRight(const HookPlace& hook) const {
      return !rules.empty() && IsRight(hook, 0);
    }
    bool IsRemovable(size_t at) const;
  };

  static absl::Status FindOlderAccepts(const HookPlace& hook, Family family,
                                       const RestoreProgram& program,
                                       Place& place);

  Family family_ = Family::kIPv4;
  uint32_t generation_ = 0;
  std::array<Place, 3> places_;  // as kHookPlaces
};

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_NFT_NFT_HOOKS_H_
