// The least that changing chains of an nft table can cost with iptables' own
// program: the program alone, fed the text of these chains and nothing else.
#ifndef NETPOL_BENCH_FLOOR_RESTORE_FLOOR_H_
#define NETPOL_BENCH_FLOOR_RESTORE_FLOOR_H_

#include <vector>

#include "absl/status/statusor.h"
#include "bench/floor/cost.h"
#include "netpol/base/ip.h"
#include "netpol/rules/rule.h"

namespace netpol {

// One `iptables-nft-restore --noflush` (or ip6tables-…) in the calling thread's
// network namespace, which makes `chains` what they are here. The cost of the
// program is in `wall` alone.
absl::StatusOr<Cost> MeasureBareRestore(const std::vector<Chain>& chains,
                                        Family family);

}  // namespace netpol

#endif  // NETPOL_BENCH_FLOOR_RESTORE_FLOOR_H_
