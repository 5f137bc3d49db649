// The input of iptables-nft-restore that changes a table.
#ifndef NETPOL_DATAPLANE_NFT_RESTORE_TEXT_H_
#define NETPOL_DATAPLANE_NFT_RESTORE_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"
#include "netpol/rules/rule.h"

namespace netpol {

// All of it is one transaction.
struct RestoreDelta {
  std::vector<const Chain*> written;  // created or emptied, and filled
  std::vector<std::string> emptied;
  std::vector<std::string> removed;
  // Whole lines about the built-in chains.
  std::vector<std::string> hook_lines;
};

std::string RestoreText(const RestoreDelta& delta, Family family);

// `rules` as they are written, one a line.
std::string RuleLines(absl::string_view chain, const std::vector<Rule>& rules,
                      Family family);

// A number that stands for `rules` within this process; 0 if one of them is
// foreign.
uint64_t ContentNumber(const std::vector<Rule>& rules, Family family);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_NFT_RESTORE_TEXT_H_
