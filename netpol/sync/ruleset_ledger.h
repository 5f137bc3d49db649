// The sets and chains that should be in a kernel, and those that are known to
// be there.
#ifndef NETPOL_SYNC_RULESET_LEDGER_H_
#define NETPOL_SYNC_RULESET_LEDGER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "netpol/base/ip.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"
#include "netpol/rules/ruleset_change.h"
#include "netpol/rules/set.h"
#include "netpol/sync/dataplane.h"
#include "netpol/sync/delta_tracker.h"
#include "netpol/sync/member_tracker.h"
#include "netpol/sync/snapshot.h"
#include "netpol/sync/tamper_record.h"

namespace netpol {

struct TrackedSet {
  SetType type = SetType::kHashIp;
  Family family = Family::kIPv4;
  SetEffect effect = SetEffect::kAllows;
  bool wanted = false;
  bool exists = false;
  bool foreign = false;  // holds what we would not write
  uint32_t max_elements = 65536;
  uint32_t hash_size = 64;
  // A rule that is in the kernel matches what is in it.
  bool in_use = false;
  int busy = 0;  // see RulesetLedger::SetBusy()
  // Which change first asked for it: the larger, the newer.
  uint64_t wanted_since = 0;
  MemberTracker members;

  // What an additional member does as things are: one that is to judge allows
  // and refuses nothing as long as no rule looks at it, and can be filled like
  // one that allows. It may be there before any rule of ours: left by another
  // layout, or by a start that was cut short.
  SetEffect present_effect() const {
    return effect == SetEffect::kJudges && !in_use ? SetEffect::kAllows
                                                   : effect;
  }
};

struct TrackedTable {
  DeltaTracker<ChainName, std::vector<Rule>> chains;
  bool hooks_in_place = false;
  bool hooks_found = false;
  absl::btree_set<ChainName> kept;  // see RulesetLedger::ChainKept()
};

// Memory only: changes and receipts are written in, and whoever makes a plan
// reads what differs. Thread-compatible.
class RulesetLedger {
 public:
  // Of changes and snapshots, the tables of other families are passed over.
  explicit RulesetLedger(std::vector<Family> families)
      : families_(std::move(families)) {}

  // ---- What should be there.

  void Stage(RulesetChange change);
  // No set, no chain, no hooks.
  void WantNothing();

  // ---- What is there.

  // This and nothing else.
  void Learn(Snapshot snapshot);

  // Receipts. The set exists and has exactly these members.
  void SetFilled(const SetSpec& spec, absl::Span<const SetMember> members);
  void MembersAdded(const SetName& name, absl::Span<const SetMember> members);
  void MembersRemoved(const SetName& name, absl::Span<const SetMember> members);
  void SetDestroyed(const SetName& name);
  // It could not be destroyed, since it is in use; how often that was so.
  int SetBusy(const SetName& name) { return ++sets_.at(name).busy; }
  void TableCommitted(TableChange change);
  // One that the change removed exists still, empty, since somebody else holds
  // on to it: nothing is to be done about it before the next Learn().
  void ChainKept(Family family, const ChainName& name);

  // A step that concerned these failed: who can say what it left.
  void Distrust(const SetName& name) { tampered_.Distrust(name); }
  void Distrust(const TableChange& change) { tampered_.Distrust(change); }

  // ---- What differs.

  const std::vector<Family>& families() const { return families_; }
  // A set that is wanted or exists.
  const TrackedSet& set(const SetName& name) const { return sets_.at(name); }
  // Sets that are not as they should be.
  const absl::btree_set<SetName>& dirty_sets() const { return dirty_sets_; }
  const TrackedTable& table(Family family) const {
    return tables_[static_cast<int>(family)];
  }
  HookChange hooks_wanted() const { return hooks_wanted_; }
  bool hooks_right(Family family) const {
    return hooks_wanted_ == HookChange::kEnsure ? table(family).hooks_in_place
                                                : !table(family).hooks_found;
  }

  // Sets, chains and hooks of a family that were not as believed when they
  // were read, not as wanted either, and are as wanted by now; see
  // TamperRecord for their names. Each comes once; Learn() forgets those that
  // were not taken.
  std::vector<std::string> TakeMended();

  // Whether sets exist, and have as many members, as `sizes` says; those that
  // hold what we would not write are passed over.
  bool SetSizesAre(const absl::flat_hash_map<SetName, size_t>& sizes) const;

  // How many there are.
  size_t existing_sets() const { return existing_sets_; }
  size_t other_sets() const {
    return other_sets_;
  }  // of others, when last read
  int64_t wanted_sets() const { return wanted_sets_; }
  int64_t wanted_chains() const { return wanted_chains_; }
  int64_t wanted_rules() const { return wanted_rules_; }

 private:
  void StageSet(const SetContent& content);
  void StageGoneSet(const SetName& name);
  void StageChain(Family family, Chain chain);
  void StageGoneChain(Family family, const ChainName& name);
  // Adds a wanted chain to the counts, or takes it out.
  void CountChain(Family family, const ChainName& name, int sign);
  void LearnSets(const Snapshot& snapshot);
  // Notes the sets by which `rules`, which are in the kernel, match.
  void NoteUse(const std::vector<Rule>& rules);
  // What is not as it is believed to be: before it is believed.
  void CompareSets(const Snapshot& snapshot);
  void CompareTable(Family family, const ObservedTable& observed);
  bool SetDiffers(const SetName& name, const TrackedSet& set,
                  const Snapshot& snapshot) const;
  void SetExists(TrackedSet& set, bool exists);
  // Dirty or not; forgets a set that neither is wanted nor exists.
  void TouchSet(const SetName& name, const TrackedSet& set);

  TrackedTable& table(Family family) {
    return tables_[static_cast<int>(family)];
  }

  std::vector<Family> families_;
  absl::btree_map<SetName, TrackedSet> sets_;
  absl::btree_set<SetName> dirty_sets_;
  TrackedTable tables_[2];  // by Family
  HookChange hooks_wanted_ = HookChange::kEnsure;
  uint64_t changes_ = 0;
  size_t existing_sets_ = 0;
  size_t other_sets_ = 0;
  bool learned_ = false;  // once
  TamperRecord tampered_;
  int64_t wanted_sets_ = 0;
  int64_t wanted_chains_ = 0;
  int64_t wanted_rules_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_SYNC_RULESET_LEDGER_H_
