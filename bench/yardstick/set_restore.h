// All sets of one sync and one family, and the text that restores them.
#ifndef NETPOL_BENCH_YARDSTICK_SET_RESTORE_H_
#define NETPOL_BENCH_YARDSTICK_SET_RESTORE_H_

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "bench/yardstick/policy_model.h"
#include "netpol/base/ip.h"

namespace netpol {

// Thread-compatible. Borrows addresses from the cache.
class SetRestore {
 public:
  explicit SetRestore(Family family) : family_(family) {}

  // Every address of the family that the pods have.
  void AddTargets(const std::string& name, const PolicyModel& policy);
  void AddNamedPort(const std::string& name,
                    const std::vector<const CachedPod*>& pods);
  // The first address of the family of each pod.
  void AddPeers(const std::string& name,
                const std::vector<const CachedPod*>& pods);
  // The blocks of the family, exceptions as such; false and no set if there are
  // none.
  bool AddBlocks(const std::string& name,
                 const std::vector<const k8s::IPBlock*>& blocks);

  // The input of `ipset restore -exist`: each set is filled as a temporary one
  // and swapped in. `saved` is what `ipset save` wrote: a set that is there
  // keeps its type and options.
  std::string Text(absl::string_view saved) const;

  bool Contains(absl::string_view name) const { return sets_.contains(name); }
  int64_t set_count() const { return static_cast<int64_t>(sets_.size()); }
  int64_t entry_count() const;

 private:
  struct PlannedEntries {
    absl::string_view type;
    std::vector<absl::string_view> entries;
  };

  void AppendEveryIp(const CachedPod& pod,
                     std::vector<absl::string_view>& entries) const;
  void AppendBlock(absl::string_view cidr, absl::string_view flag,
                   std::vector<absl::string_view>& entries);

  Family family_;
  absl::btree_map<std::string, PlannedEntries> sets_;
  std::deque<std::string> texts_;  // of blocks
};

// Names of this family's policy sets in what `ipset save` wrote.
std::vector<std::string> PolicySetsIn(absl::string_view saved, Family family);

}  // namespace netpol

#endif  // NETPOL_BENCH_YARDSTICK_SET_RESTORE_H_
