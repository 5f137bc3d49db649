// What somebody else changed in the kernel.
#ifndef NETPOL_SYNC_TAMPER_RECORD_H_
#define NETPOL_SYNC_TAMPER_RECORD_H_

#include <iterator>

#include "absl/container/btree_set.h"
#include "netpol/base/ip.h"
#include "netpol/rules/names.h"
#include "netpol/sync/dataplane.h"

namespace netpol {

// Names of what a reading showed otherwise than it was believed to be. Where a
// step of ours failed, nobody can say who made the difference, so what it
// touched is not recorded at the next reading. Thread-compatible.
class TamperRecord {
 public:
  // ---- A step failed that concerned these.

  void Distrust(const SetName& name) {
    doubted_sets_.insert(name);
    // The content that was to replace it may be left over, under another name.
    doubt_new_sets_ = true;
  }
  void Distrust(const TableChange& change);

  // ---- A reading found that these are not as believed.

  void FoundSet(const SetName& name, bool believed_to_exist) {
    const bool doubted = doubted_sets_.count(name) > 0 ||
                         (!believed_to_exist && doubt_new_sets_);
    if (!doubted) sets_.insert(name);
  }
  void FoundChain(Family family, const ChainName& name) {
    if (of(family).doubted_chains.count(name) == 0)
      of(family).chains.insert(name);
  }
  void FoundHooks(Family family) { of(family).hooks = true; }
  // What was read is what is believed from now on.
  void EndReading();

  // ---- Forgets all of these for which the argument says so; how many.

  template <typename Condition>
  int TakeSets(Condition condition) {
    return Take(sets_, condition);
  }
  template <typename Condition>
  int TakeChains(Family family, Condition condition) {
    return Take(of(family).chains, condition);
  }
  int TakeHooks(Family family, bool condition) {
    if (!of(family).hooks || !condition) return 0;
    of(family).hooks = false;
    return 1;
  }

 private:
  struct Table {
    absl::btree_set<ChainName> chains;
    bool hooks = false;
    absl::btree_set<ChainName> doubted_chains;
  };

  template <typename Names, typename Condition>
  static int Take(Names& names, Condition condition) {
    int taken = 0;
    for (auto it = names.begin(); it != names.end();) {
      const bool take = condition(*it);
      taken += take ? 1 : 0;
      it = take ? names.erase(it) : std::next(it);
    }
    return taken;
  }

  Table& of(Family family) { return tables_[static_cast<int>(family)]; }

  absl::btree_set<SetName> sets_;
  absl::btree_set<SetName> doubted_sets_;
  bool doubt_new_sets_ = false;
  Table tables_[2];  // by Family
};

}  // namespace netpol

#endif  // NETPOL_SYNC_TAMPER_RECORD_H_
