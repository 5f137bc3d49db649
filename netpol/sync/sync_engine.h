// Brings a kernel to the sets and chains that should exist, by the difference
// alone.
#ifndef NETPOL_SYNC_SYNC_ENGINE_H_
#define NETPOL_SYNC_SYNC_ENGINE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netpol/base/ip.h"
#include "netpol/rules/ruleset_change.h"
#include "netpol/sync/dataplane.h"
#include "netpol/sync/plan.h"
#include "netpol/sync/ruleset_ledger.h"
#include "netpol/sync/sync_report.h"

namespace netpol {

struct SyncEngineOptions {
  // Sets in the kernel, those of others included, beyond which no set is
  // created that rules allow by. The kernel has room for 65,472 in a network
  // namespace, for everybody in it, and needs one more while it replaces one.
  size_t max_sets = 60000;
};

// Order of a batch: new sets, members that widen, one commit for each family,
// members that narrow, members that refuse what is not judged, sets that are
// gone; so packets meet the old rules or the new, and never less than both
// allow. A failed step leaves its part pending;
// the next Sync() reads the kernel anew. Thread-compatible; never sleeps.
//
// The kernel is read when it is not known, and not otherwise: at the first
// call, after a failure, when QueueResync() says so, and while sets of others
// take the room of ours.
class SyncEngine {
 public:
  // `dataplane` must outlive the engine. Only `families` are read and changed.
  SyncEngine(Dataplane* dataplane, std::vector<Family> families,
             SyncEngineOptions options = {})
      : dataplane_(*dataplane),
        options_(options),
        ledger_(std::move(families)) {}

  // Memory only.
  void Stage(RulesetChange change) { ledger_.Stage(std::move(change)); }

  // What Sync() would do now. Reads the kernel if it is not known.
  absl::StatusOr<Plan> Preview();

  // An error means that a table could not be read or committed, or lacks the
  // set that says which packets are judged; the other family is done all the
  // same. What was staged stays.
  absl::StatusOr<SyncReport> Sync();

  // What is believed about the kernel is to be read again before the next step.
  void QueueResync() { known_ = false; }

  // A cheap look whether somebody else changed anything since the last step
  // (Dataplane::Look()). If so, or if that cannot be said, what is believed is
  // read again before the next step. False while that is to happen anyway.
  bool LookForChanges();

  // Nothing is wanted any more: the next Sync() removes the hooks, the chains
  // and the sets that are ours.
  void WantNothing() { ledger_.WantNothing(); }

  // How much should exist; costs nothing to ask.
  int64_t wanted_sets() const { return ledger_.wanted_sets(); }
  int64_t wanted_chains() const { return ledger_.wanted_chains(); }
  int64_t wanted_rules() const { return ledger_.wanted_rules(); }

 private:
  // Adds what it takes to `times`.
  absl::Status Learn(SyncTimes& times);
  absl::StatusOr<SyncReport> SyncOnce();
  // Whether all sets would have room if it were not for those of others.
  bool OthersTakeTheRoom(const Plan& plan) const;

  Dataplane& dataplane_;
  SyncEngineOptions options_;
  RulesetLedger ledger_;
  bool known_ = false;
  std::vector<std::string> mended_;  // and not yet reported
};

}  // namespace netpol

#endif  // NETPOL_SYNC_SYNC_ENGINE_H_
