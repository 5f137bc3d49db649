// The members that one set should have, those it has, and the difference.
#ifndef NETPOL_SYNC_MEMBER_TRACKER_H_
#define NETPOL_SYNC_MEMBER_TRACKER_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/types/span.h"
#include "netpol/rules/set.h"

namespace netpol {

// DeltaTracker without values, small enough for sets of a hundred thousand
// members: one byte beside each. Thread-compatible.
class MemberTracker {
 public:
  void SetWanted(const SetMember& member, bool wanted) {
    Set(member, kWanted, wanted);
  }
  void SetObserved(const SetMember& member, bool observed) {
    Set(member, kObserved, observed);
  }

  // Exactly `members` are wanted.
  void WantOnly(absl::Span<const SetMember> members);
  // Nothing is wanted; nothing is observed.
  void WantNothing() { Clear(kWanted); }
  void ForgetObserved() { Clear(kObserved); }

  bool in_step() const { return dirty_.empty(); }
  size_t wanted_count() const { return wanted_count_; }

  // Sorted.
  std::vector<SetMember> Wanted() const { return With(kWanted); }
  std::vector<SetMember> Observed() const { return With(kObserved); }
  std::vector<SetMember> Missing() const { return DirtyWith(kWanted); }
  std::vector<SetMember> Surplus() const { return DirtyWith(kObserved); }

 private:
  enum : uint8_t { kWanted = 1, kObserved = 2 };

  void Set(const SetMember& member, uint8_t bit, bool on);
  void Clear(uint8_t bit);
  std::vector<SetMember> With(uint8_t bit) const;
  std::vector<SetMember> DirtyWith(uint8_t bit) const;

  absl::flat_hash_map<SetMember, uint8_t> members_;
  absl::flat_hash_set<SetMember> dirty_;  // those with one of the two bits
  size_t wanted_count_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_SYNC_MEMBER_TRACKER_H_
