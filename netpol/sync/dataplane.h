// What the sync engine needs from a kernel. Implementations are in
// netpol/dataplane; netpol/testing has one in memory.
#ifndef NETPOL_SYNC_DATAPLANE_H_
#define NETPOL_SYNC_DATAPLANE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "netpol/base/ip.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"
#include "netpol/rules/set.h"
#include "netpol/sync/snapshot.h"

namespace netpol {

// What is to become of the jumps from INPUT, FORWARD and OUTPUT into our
// chains.
enum class HookChange : uint8_t {
  kNone,
  // Exactly one in each, at position 1.
  kEnsure,
  // None left, and no accept rule of an older layout beside them.
  kRemove,
};

// All that one commit changes in one family's table `filter`.
struct TableChange {
  Family family = Family::kIPv4;
  // To be created, or brought to exactly these rules. May refer to one another
  // in any order.
  std::vector<Chain> write;
  // To be emptied and deleted; nothing of ours that stays may refer to them.
  // One that does not exist is not an error; for one that a rule of somebody
  // else leads to, see Dataplane::kept_chains().
  std::vector<ChainName> remove;
  HookChange hooks = HookChange::kNone;

  bool empty() const {
    return write.empty() && remove.empty() && hooks == HookChange::kNone;
  }
};

// A chain that was to be removed, and is there still, empty: a rule of somebody
// else leads to it, and is not ours to remove.
struct KeptChain {
  ChainName chain;
  std::string referrer;  // the chain with that rule
};

// What a cheap look at the kernel shows.
struct Glance {
  // The kernel does not say; it is not compared then.
  static constexpr size_t kUnknownSize = ~size_t{0};

  // Somebody else may have changed our part of a table since it was last read.
  bool tables_may_differ = false;
  // How many members each of our sets has.
  absl::flat_hash_map<SetName, size_t> set_sizes;
};

// How often the kernel was written to, since the object was made.
struct WriteCounts {
  uint64_t set_messages = 0;   // create, add, del, swap, destroy: messages sent
  uint64_t table_commits = 0;  // of any family

  uint64_t total() const { return set_messages + table_commits; }
};

// One kernel's sets and `filter` tables, as far as they are ours
// (SetName::IsOurs, ChainName::IsOurs, the three jumps). Nothing of anybody
// else is written, reordered or has its counters reset. Thread-compatible.
// Every error names the object and the step.
//
// Codes: PermissionDenied without CAP_NET_ADMIN; Unimplemented where the kernel
// lacks a feature (named); Unavailable for what a later try may cure (the lock
// is held, a set is still in use); ResourceExhausted for a full set or no room
// for another set.
class Dataplane {
 public:
  virtual ~Dataplane() = default;

  // Everything of ours, of the given families. Writes nothing.
  virtual absl::StatusOr<Snapshot> Read(absl::Span<const Family> families) = 0;

  // Makes a set that does not exist yet, with a hash for `members`
  // (HashSizeFor), and fills it; on failure no set is left.
  virtual absl::Status CreateSet(const SetSpec& spec,
                                 absl::Span<const SetMember> members) = 0;

  // A member that is there already is not an error.
  virtual absl::Status AddMembers(const SetSpec& spec,
                                  absl::Span<const SetMember> members) = 0;

  // A member that is not there is not an error.
  virtual absl::Status RemoveMembers(const SetSpec& spec,
                                     absl::Span<const SetMember> members) = 0;

  // Puts a new set of `spec` with `members` in the place of the one of that
  // name, in one step; rules that use it see the old content or the new. For
  // another capacity, or a larger hash (again for `members`).
  virtual absl::Status ReplaceSet(const SetSpec& spec,
                                  absl::Span<const SetMember> members) = 0;

  // Unavailable while a rule refers to it; a set that is not there is not an
  // error.
  virtual absl::Status DestroySet(const SetName& name) = 0;

  // All of `change` or nothing, in one step that packets cannot see half of.
  // Rules of others keep their counters; whether ours do, in the chains that
  // are written, depends on the kind of table.
  virtual absl::Status CommitTable(const TableChange& change) = 0;

  // Chains that the last CommitTable() of `family` emptied but could not
  // delete.
  virtual std::vector<KeptChain> kept_chains(Family family) const = 0;

  // Cheap enough to be called every few seconds; writes nothing. What it
  // overlooks, the next Read() finds.
  virtual absl::StatusOr<Glance> Look(absl::Span<const Family> families) = 0;

  virtual WriteCounts writes() const = 0;
};

}  // namespace netpol

#endif  // NETPOL_SYNC_DATAPLANE_H_
