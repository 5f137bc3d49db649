// The ipset subsystem of a kernel in memory.
#ifndef NETPOL_TESTING_FAKE_SETS_H_
#define NETPOL_TESTING_FAKE_SETS_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "netpol/rules/names.h"
#include "netpol/rules/set.h"
#include "netpol/sync/snapshot.h"

namespace netpol {

// Sets by name, and how many rules use each. The first five calls mean what
// they mean in Dataplane and refuse what Linux refuses; the rest is what other
// programs may do behind our back. Thread-compatible.
class FakeSets {
 public:
  // Where creation fails with IPSET_ERR_MAX_SETS: 256 + 64 x 1019, of all
  // owners.
  static constexpr size_t kMaxSets = 65472;
  // What messages() takes to fit into one.
  static constexpr size_t kMembersPerMessage = 1000;

  // AlreadyExists; ResourceExhausted for a set too many or members beyond
  // max_elements; InvalidArgument for a name that is not ours and for members
  // that the type does not take: the other family, a prefix where an address
  // belongs, the unspecified address in hash:ip, length 0 in hash:net, a port
  // where none belongs. On failure nothing is left.
  absl::Status Create(const SetSpec& spec, absl::Span<const SetMember> members);

  // As the kernel, one after the other: those before the one that is refused
  // stay. NotFound without the set, FailedPrecondition if it is of another type
  // or family; its own capacity counts, not that of `spec`.
  absl::Status Add(const SetSpec& spec, absl::Span<const SetMember> members);
  absl::Status Remove(const SetSpec& spec, absl::Span<const SetMember> members);

  // Whether used or not. FailedPrecondition if type or family differ, as for
  // swap; needs room for one more set meanwhile.
  absl::Status Replace(const SetSpec& spec,
                       absl::Span<const SetMember> members);

  // Unavailable while anything refers to it.
  absl::Status Destroy(const SetName& name);

  // Valid until the next change.
  const ObservedSet* FindOrNull(const SetName& name) const;
  const absl::btree_map<SetName, ObservedSet>& all() const { return sets_; }

  // Counts the rules that use a set, of whatever owner; negative when they go.
  void Refer(const SetName& name, int delta);
  int references(const SetName& name) const;

  // Messages sent so far by calls that were not refused.
  uint64_t messages() const { return messages_; }

  // Somebody wrote the set by hand, whatever its content; no checks, no count.
  void Put(ObservedSet set);
  // `ipset flush`; nothing if it is not there.
  void Flush(const SetName& name);
  // So many sets of others share the room.
  void set_foreign_count(size_t count) { foreign_count_ = count; }
  size_t foreign_count() const { return foreign_count_; }

  // How often the hash of a set had to be doubled for want of buckets.
  int doublings() const { return doublings_; }

 private:
  absl::Status CheckRoom(const SetName& name) const;
  absl::StatusOr<ObservedSet*> FindLike(const SetSpec& spec,
                                        absl::string_view step);

  absl::btree_map<SetName, ObservedSet> sets_;
  absl::flat_hash_map<SetName, int> references_;
  size_t foreign_count_ = 0;
  uint64_t messages_ = 0;
  int doublings_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_TESTING_FAKE_SETS_H_
