// What was found in a kernel: our sets, our chains, our hooks.
#ifndef NETPOL_SYNC_SNAPSHOT_H_
#define NETPOL_SYNC_SNAPSHOT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "netpol/base/ip.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"
#include "netpol/rules/set.h"

namespace netpol {

struct ObservedSet {
  SetSpec spec;
  absl::flat_hash_set<SetMember> members;
  // The set holds something that SetMember cannot say (nomatch, a timeout that
  // runs, a type that is not ours): it is to be replaced, not edited.
  bool foreign_content = false;
  // Buckets of its hash; 0 where nobody knows.
  uint32_t hash_size = 0;
};

struct ObservedTable {
  absl::btree_map<ChainName, std::vector<Rule>> chains;
  // One jump at position 1 of each of INPUT, FORWARD and OUTPUT, and no other.
  bool hooks_in_place = false;
  // Rules of ours in the built-in chains, wherever they stand: jumps into our
  // chains, and accept rules of an older layout.
  int hooks_found = 0;
  // In INPUT, FORWARD and OUTPUT: how many rules stand before the jump into our
  // chain; -1 if there is no such jump. What stands there may decide first.
  std::array<int, 3> rules_before_hook = {-1, -1, -1};
  // How long it took to read the table; zero where nobody measured.
  absl::Duration read_time;
};

struct Snapshot {
  absl::btree_map<SetName, ObservedSet> sets;
  // Sets that are not among `sets`, and share the room in the kernel with them.
  size_t other_sets = 0;
  ObservedTable tables[2];  // by Family

  ObservedTable& table(Family family) {
    return tables[static_cast<int>(family)];
  }
  const ObservedTable& table(Family family) const {
    return tables[static_cast<int>(family)];
  }
};

}  // namespace netpol

#endif  // NETPOL_SYNC_SNAPSHOT_H_
