// FilterLabTest with the commands of the nf_tables flavour.
#ifndef NETPOL_TESTS_DATAPLANE_NFT_NFT_LAB_H_
#define NETPOL_TESTS_DATAPLANE_NFT_NFT_LAB_H_

#include <string>
#include <vector>

#include "netpol/base/ip.h"
#include "tests/dataplane/legacy/filter_lab.h"

namespace netpol {

class NftLabTest : public FilterLabTest {
 protected:
  // `iptables-nft` or `ip6tables-nft` with `arguments`.
  static std::string Iptables(const std::string& arguments);
  // `input` through iptables-nft-restore --noflush.
  static void Restore(const std::string& input);
  // `nft` with `arguments`, in which FAMILY stands for ip or ip6.
  static std::string Nft(const std::string& arguments);
  // The lines "-A chain …" of iptables-nft -S without "-A chain ".
  static std::vector<std::string> SavedRules(const std::string& chain);
  // All lines of `nft -a list ruleset`, with counters, that do not name a chain
  // of ours and stand in none.
  static std::vector<std::string> RulesetOfOthers();
  // Packets counted by rule `position` (from 1) of `chain`.
  static int PacketsOf(const std::string& chain, int position);
};

}  // namespace netpol

#endif  // NETPOL_TESTS_DATAPLANE_NFT_NFT_LAB_H_
