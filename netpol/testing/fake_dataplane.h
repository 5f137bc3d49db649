// A kernel in memory behind the Dataplane interface, for tests of whoever
// drives one.
#ifndef NETPOL_TESTING_FAKE_DATAPLANE_H_
#define NETPOL_TESTING_FAKE_DATAPLANE_H_

#include <cstdint>
#include <functional>
#include <list>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "netpol/base/ip.h"
#include "netpol/rules/names.h"
#include "netpol/rules/set.h"
#include "netpol/sync/dataplane.h"
#include "netpol/sync/snapshot.h"
#include "netpol/testing/fake_filter_table.h"
#include "netpol/testing/fake_sets.h"

namespace netpol {

enum class OperationKind : uint8_t {
  kRead,
  kCreateSet,
  kAddMembers,
  kRemoveMembers,
  kReplaceSet,
  kDestroySet,
  kCommitTable,
};

// "CreateSet".
absl::string_view OperationName(OperationKind kind);

// One call to the fake. Fields that the kind does not have stay empty.
struct Operation {
  OperationKind kind = OperationKind::kRead;
  SetName set;
  std::vector<SetMember> members;
  TableChange change;
  absl::Status result;  // OK until it is done

  // "AddMembers KUBE-SRC-X (2 members)", "CommitTable IPv4 (3 written, 1
  // removed)"; with the result if it failed.
  std::string ToString() const;
};

std::ostream& operator<<(std::ostream& os, const Operation& operation);

// Executes changes, refuses what Linux refuses (FakeSets, FakeFilterTable say
// what), keeps a log, fails on demand. Thread-compatible.
class FakeDataplane : public Dataplane {
 public:
  // Where an injected failure strikes: instead of the operation, or once it is
  // done and only the answer is bad.
  enum class FailurePoint : uint8_t { kBefore, kAfter };

  FakeDataplane();
  FakeDataplane(const FakeDataplane&) = delete;
  FakeDataplane& operator=(const FakeDataplane&) = delete;

  absl::StatusOr<Snapshot> Read(absl::Span<const Family> families) override;
  absl::Status CreateSet(const SetSpec& spec,
                         absl::Span<const SetMember> members) override;
  absl::Status AddMembers(const SetSpec& spec,
                          absl::Span<const SetMember> members) override;
  absl::Status RemoveMembers(const SetSpec& spec,
                             absl::Span<const SetMember> members) override;
  absl::Status ReplaceSet(const SetSpec& spec,
                          absl::Span<const SetMember> members) override;
  absl::Status DestroySet(const SetName& name) override;
  absl::Status CommitTable(const TableChange& change) override;
  std::vector<KeptChain> kept_chains(Family family) const override {
    return table(family).kept_chains();
  }
  // Not logged.
  absl::StatusOr<Glance> Look(absl::Span<const Family> families) override;
  // What was refused, by the fake or by injection before it, does not count.
  WriteCounts writes() const override;

  // Everything of both families, without a trace in the log.
  Snapshot state() const;
  // Brings an empty fake to `state`, whatever its rules say: what another
  // program left behind. The hooks are placed if hooks_in_place says so. Not
  // logged, and not counted. The errors of FakeFilterTable::Put().
  absl::Status Load(const Snapshot& state);

  // For looking, and for doing what other programs do behind our back.
  FakeSets& sets() { return sets_; }
  const FakeSets& sets() const { return sets_; }
  FakeFilterTable& table(Family family) {
    return tables_[static_cast<int>(family)];
  }
  const FakeFilterTable& table(Family family) const {
    return tables_[static_cast<int>(family)];
  }

  // All calls in order, also those that failed.
  const std::vector<Operation>& log() const { return log_; }
  void ClearLog() { log_.clear(); }

  // The next operation of that kind fails so; several wait in order.
  void FailNext(OperationKind kind, absl::Status status,
                FailurePoint point = FailurePoint::kBefore);
  // Every one does, until StopFailing().
  void FailAlways(OperationKind kind, absl::Status status,
                  FailurePoint point = FailurePoint::kBefore);
  void StopFailing() { failures_.clear(); }

  // Called before each operation, and may tamper; a bad status refuses it.
  using Gate = std::function<absl::Status(const Operation&)>;
  void set_gate(Gate gate) { gate_ = std::move(gate); }
  // Called after each operation, with its result, to look at the state between
  // two steps. Must not call the fake's operations.
  using Observer = std::function<void(const Operation&)>;
  void set_observer(Observer observer) { observer_ = std::move(observer); }

 private:
  struct Failure {
    OperationKind kind;
    absl::Status status;
    FailurePoint point;
    bool once;
  };

  absl::Status Run(Operation operation,
                   const std::function<absl::Status()>& execute);
  absl::optional<Failure> TakeFailure(OperationKind kind);

  FakeSets sets_;
  FakeFilterTable tables_[2];  // by Family
  std::vector<Operation> log_;
  std::list<Failure> failures_;
  Gate gate_;
  Observer observer_;
  // Commits that Load() made.
  uint64_t uncounted_commits_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_TESTING_FAKE_DATAPLANE_H_
