// Applies a plan to a kernel.
#ifndef NETPOL_SYNC_BATCH_H_
#define NETPOL_SYNC_BATCH_H_

#include <vector>

#include "absl/container/btree_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "netpol/base/ip.h"
#include "netpol/rules/names.h"
#include "netpol/rules/set.h"
#include "netpol/sync/dataplane.h"
#include "netpol/sync/plan.h"
#include "netpol/sync/ruleset_ledger.h"
#include "netpol/sync/sync_report.h"

namespace netpol {

// One plan, in its order, with a receipt in the ledger for each step that
// worked. A step that failed costs what depends on it; the rest is done.
// Thread-compatible; used once.
class Batch {
 public:
  // Both must outlive the batch.
  Batch(Dataplane* dataplane, RulesetLedger* ledger)
      : dataplane_(*dataplane), ledger_(*ledger) {}

  // An error is the first that keeps a family's table as it was, or that
  // concerns every set; nothing was begun in the latter case.
  absl::Status Apply(const Plan& plan);

  // What was done, without the counts of writes, the readings and the repairs.
  const SyncReport& report() const { return report_; }

 private:
  using SetStep = absl::Status (Dataplane::*)(const SetSpec&,
                                              absl::Span<const SetMember>);

  // Takes one step, and its time.
  absl::Status Write(const PlannedMembers& planned, SetStep step);
  absl::Status MakeSets(const Plan& plan);
  absl::Status Replace(const PlannedMembers& planned);
  // A set that is to judge, and does not hold what it should, is not to get
  // rules that judge by it: the family is left as it is.
  void FailIfJudging(const PlannedMembers& planned, const absl::Status& status);
  void ReplaceSets(const Plan& plan);
  void AddMembers(const std::vector<PlannedMembers>& changes);
  void RemoveMembers(const std::vector<PlannedMembers>& changes);
  void CommitTable(const PlannedTable& planned);
  void NoteKept(Family family);
  void DestroySets(const Plan& plan);

  void SetFailed(const SetName& name, absl::string_view problem);
  // Its table stays as it is, and with it the members that its rules need.
  void FamilyFailed(Family family, const absl::Status& status);
  bool failed(Family family) const { return failed_[static_cast<int>(family)]; }

  Dataplane& dataplane_;
  RulesetLedger& ledger_;
  SyncReport report_;
  absl::btree_set<SetName> failed_sets_;
  absl::Status table_status_;  // the first failure
  bool failed_[2] = {false, false};
};

}  // namespace netpol

#endif  // NETPOL_SYNC_BATCH_H_
