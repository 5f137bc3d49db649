// From the text of a saved table to the text that replaces it.
#ifndef NETPOL_BENCH_YARDSTICK_TABLE_TEXT_H_
#define NETPOL_BENCH_YARDSTICK_TABLE_TEXT_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"

namespace netpol {

// The chains in `listing` (`iptables -S`) that an earlier sync made and that
// `active` does not hold.
absl::flat_hash_set<std::string> StaleChainsIn(
    absl::string_view listing, const absl::flat_hash_set<std::string>& active);

// The table as it was saved, with `added` (declarations and rules) behind it,
// every line left out that names a stale chain, and the rules that end the
// top-level chains moved to their ends.
std::string RebuiltTable(absl::string_view saved, absl::string_view added,
                         const absl::flat_hash_set<std::string>& stale);

}  // namespace netpol

#endif  // NETPOL_BENCH_YARDSTICK_TABLE_TEXT_H_
