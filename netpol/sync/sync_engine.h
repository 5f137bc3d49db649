// Brings a kernel to the sets and chains that should exist, by the difference
// alone.
#ifndef NETPOL_SYNC_SYNC_ENGINE_H_
#define NETPOL_SYNC_SYNC_ENGINE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpol/base/ip.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"
#include "netpol/rules/ruleset_change.h"
#include "netpol/rules/set.h"
#include "netpol/sync/dataplane.h"
#include "netpol/sync/delta_tracker.h"
#include "netpol/sync/member_tracker.h"
#include "netpol/sync/plan.h"

namespace netpol {

// What one Sync() did.
struct SyncReport {
  int sets_created = 0;
  int sets_replaced = 0;
  int sets_destroyed = 0;
  int members_added = 0;  // to sets that existed
  int members_removed = 0;
  int chains_written = 0;
  int chains_removed = 0;
  WriteCounts writes;
  // What could not be done though the rest was; a sentence each, naming the
  // object. Where a set is missing, the rules that allow by it are left out.
  std::vector<std::string> problems;
  // Something is left to do: a set that was still in use, or what `problems`
  // names.
  bool retry = false;
};

// Order of a batch: new sets, members that widen, one commit for each family,
// members that narrow, members that refuse what is not judged, sets that are
// gone; so packets meet the old rules or the new, and never less than both
// allow. A failed step leaves its part pending;
// the next Sync() reads the kernel anew. Thread-compatible; never sleeps.
class SyncEngine {
 public:
  // `dataplane` must outlive the engine. Only `families` are read and changed.
  SyncEngine(Dataplane* dataplane, std::vector<Family> families);

  // Memory only.
  void Stage(RulesetChange change);

  // What Sync() would do now. Reads the kernel if it is not known.
  absl::StatusOr<Plan> Preview();

  // An error means that a table could not be read or committed, or lacks the
  // set that says which packets are judged; the other family is done all the
  // same. What was staged stays.
  absl::StatusOr<SyncReport> Sync();

  // What is believed about the kernel is to be read again before the next step.
  void QueueResync() { known_ = false; }

  // Nothing is wanted any more: the next Sync() removes the hooks, the chains
  // and the sets that are ours.
  void WantNothing();

  // How much should exist; costs nothing to ask.
  int64_t wanted_sets() const { return wanted_sets_; }
  int64_t wanted_chains() const { return wanted_chains_; }
  int64_t wanted_rules() const { return wanted_rules_; }

 private:
  struct TrackedSet {
    SetType type = SetType::kHashIp;
    Family family = Family::kIPv4;
    SetEffect effect = SetEffect::kAllows;
    bool wanted = false;
    bool exists = false;
    bool foreign = false;  // holds what we would not write
    uint32_t max_elements = 65536;
    MemberTracker members;
  };
  struct TrackedTable {
    DeltaTracker<ChainName, std::vector<Rule>> chains;
    bool hooks_in_place = false;
    bool hooks_found = false;
  };
  // One Apply() in progress.
  struct Batch {
    SyncReport report;
    absl::btree_set<SetName> failed_sets;
    absl::Status table_status;  // the first failure
    bool failed[2] = {false, false};
  };

  void StageChain(Family family, Chain chain);
  // Adds a wanted chain to the counts, or takes it out.
  void CountChain(Family family, const ChainName& name, int sign);

  absl::Status Learn();
  Plan MakePlan() const;
  void PlanSet(const SetName& name, const TrackedSet& set, Plan& plan) const;
  void PlanTable(Family family, Plan& plan) const;
  SetSpec SpecOf(const SetName& name, const TrackedSet& set) const;
  void TouchSet(const SetName& name, const TrackedSet& set);

  absl::Status Apply(const Plan& plan, Batch& batch);
  absl::Status MakeSets(const Plan& plan, Batch& batch);
  // Sets that could not be made, with the rules that this leaves out.
  void TellRefused(const absl::btree_map<SetName, absl::Status>& refused,
                   Batch& batch);
  void ReplaceSets(const Plan& plan, Batch& batch);
  void AddMembers(const std::vector<PlannedMembers>& changes, Batch& batch);
  void RemoveMembers(const std::vector<PlannedMembers>& changes, Batch& batch);
  void CommitTable(const PlannedTable& table, Batch& batch);
  void DestroySets(const Plan& plan, Batch& batch);
  void SetFailed(const SetName& name, const absl::Status& status, Batch& batch);
  // Its table stays as it is, and with it the members that its rules need.
  void FamilyFailed(Family family, const absl::Status& status, Batch& batch);

  TrackedTable& table(Family family) {
    return tables_[static_cast<int>(family)];
  }
  const TrackedTable& table(Family family) const {
    return tables_[static_cast<int>(family)];
  }

  Dataplane& dataplane_;
  std::vector<Family> families_;
  absl::btree_map<SetName, TrackedSet> sets_;
  absl::btree_set<SetName> dirty_sets_;
  TrackedTable tables_[2];
  HookChange hooks_wanted_ = HookChange::kEnsure;
  bool known_ = false;
  int64_t wanted_sets_ = 0;
  int64_t wanted_chains_ = 0;
  int64_t wanted_rules_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_SYNC_SYNC_ENGINE_H_
