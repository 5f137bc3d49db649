// What somebody else changed in the kernel.
#ifndef NETPOL_SYNC_TAMPER_RECORD_H_
#define NETPOL_SYNC_TAMPER_RECORD_H_

#include <iterator>
#include <string>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
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

  // ---- Forgets all of these for which the argument says so, and adds them to
  // `names`: "set X", "IPv4 chain Y", "IPv6 jumps to our chains".

  template <typename Condition>
  void TakeSets(Condition condition, std::vector<std::string>& names) {
    Take(sets_, condition, "set ", names);
  }
  template <typename Condition>
  void TakeChains(Family family, Condition condition,
                  std::vector<std::string>& names) {
    Take(of(family).chains, condition,
         absl::StrCat(FamilyName(family), " chain "), names);
  }
  void TakeHooks(Family family, bool condition,
                 std::vector<std::string>& names) {
    if (!of(family).hooks || !condition) return;
    of(family).hooks = false;
    names.push_back(absl::StrCat(FamilyName(family), " jumps to our chains"));
  }

 private:
  struct Table {
    absl::btree_set<ChainName> chains;
    bool hooks = false;
    absl::btree_set<ChainName> doubted_chains;
  };

  template <typename Found, typename Condition>
  static void Take(Found& found, Condition condition, absl::string_view kind,
                   std::vector<std::string>& names) {
    for (auto it = found.begin(); it != found.end();) {
      const bool take = condition(*it);
      if (take) names.push_back(absl::StrCat(kind, it->value()));
      it = take ? found.erase(it) : std::next(it);
    }
  }

  Table& of(Family family) { return tables_[static_cast<int>(family)]; }

  absl::btree_set<SetName> sets_;
  absl::btree_set<SetName> doubted_sets_;
  bool doubt_new_sets_ = false;
  Table tables_[2];  // by Family
};

}  // namespace netpol

#endif  // NETPOL_SYNC_TAMPER_RECORD_H_
