#include "bench/floor/restore_floor.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "netpol/base/program.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

std::string TextOf(const std::vector<Chain>& chains, Family family) {
  std::string text = "*filter\n";
  for (const Chain& chain : chains)
    absl::StrAppend(&text, ":", chain.name.value(), " - [0:0]\n");
  for (const Chain& chain : chains) {
    for (const Rule& rule : chain.rules) {
      absl::StrAppend(&text, "-A ", chain.name.value(), " ",
                      rule.ToString(family), "\n");
    }
  }
  return text + "COMMIT\n";
}

}  // namespace

absl::StatusOr<Cost> MeasureBareRestore(const std::vector<Chain>& chains,
                                        Family family) {
  ASSIGN_OR_RETURN(
      const std::string program,
      FindProgram(family == Family::kIPv4 ? "iptables-nft-restore"
                                          : "ip6tables-nft-restore"));
  const std::string text = TextOf(chains, family);
  const CostWatch watch;
  RETURN_IF_ERROR(OutputOf({program, "--noflush"}, text).status());
  return watch.Elapsed();
}

}  // namespace netpol
