// The members that one set should have, those it has, and the difference.
#ifndef NETPOL_SYNC_MEMBER_TRACKER_H_
#define NETPOL_SYNC_MEMBER_TRACKER_H_

#include <cstddef>
#include <initializer_list>
#include <vector>

#include "absl/types/span.h"
#include "netpol/rules/set.h"
#include "netpol/sync/member_set.h"

namespace netpol {

// DeltaTracker without values, small enough for sets of a hundred thousand
// members: each stands in one place. Thread-compatible.
class MemberTracker {
 public:
  void SetWanted(const SetMember& member, bool wanted);
  void SetObserved(const SetMember& member, bool observed);

  // Exactly `members` are wanted.
  void WantOnly(absl::Span<const SetMember> members);
  // Nothing is wanted; nothing is observed.
  void WantNothing();
  void ForgetObserved();

  bool Observes(const SetMember& member) const {
    return agreed_.Contains(member) || surplus_.Contains(member);
  }
  bool in_step() const { return missing_.empty() && surplus_.empty(); }
  size_t wanted_count() const { return agreed_.size() + missing_.size(); }
  size_t observed_count() const { return agreed_.size() + surplus_.size(); }

  // Sorted.
  std::vector<SetMember> Wanted() const {
    return Sorted({&agreed_, &missing_});
  }
  std::vector<SetMember> Observed() const {
    return Sorted({&agreed_, &surplus_});
  }
  std::vector<SetMember> Missing() const { return Sorted({&missing_}); }
  std::vector<SetMember> Surplus() const { return Sorted({&surplus_}); }

 private:
  static std::vector<SetMember> Sorted(
      std::initializer_list<const MemberSet*> sets);

  // A member stands in one of them, or in none.
  MemberSet agreed_;   // wanted and observed
  MemberSet missing_;  // wanted only
  MemberSet surplus_;  // observed only
};

}  // namespace netpol

#endif  // NETPOL_SYNC_MEMBER_TRACKER_H_
