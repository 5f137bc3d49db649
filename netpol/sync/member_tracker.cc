#include "netpol/sync/member_tracker.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace netpol {
namespace {

void Move(const SetMember& member, MemberSet& from, MemberSet& to) {
  if (from.Erase(member)) to.Insert(member);
}

// Puts `member` in or takes it out of one side. `both` are in either, `mine` in
// this side alone, `others` in the other alone.
void Set(const SetMember& member, bool in, MemberSet& both, MemberSet& mine,
         MemberSet& others) {
  if (!in) {
    if (!mine.Erase(member)) Move(member, both, others);
  } else if (others.Contains(member)) {
    Move(member, others, both);
  } else if (!both.Contains(member)) {
    mine.Insert(member);
  }
}

// Takes all out of one side.
void Clear(MemberSet& both, MemberSet& mine, MemberSet& others) {
  mine = MemberSet();
  if (others.empty()) {
    std::swap(both, others);
    return;
  }
  std::vector<SetMember> rest;
  both.AppendTo(rest);
  both = MemberSet();
  for (const SetMember& member : rest) others.Insert(member);
}

}  // namespace

void MemberTracker::SetWanted(const SetMember& member, bool wanted) {
  Set(member, wanted, agreed_, missing_, surplus_);
}

void MemberTracker::SetObserved(const SetMember& member, bool observed) {
  Set(member, observed, agreed_, surplus_, missing_);
}

void MemberTracker::WantNothing() { Clear(agreed_, missing_, surplus_); }

void MemberTracker::ForgetObserved() { Clear(agreed_, surplus_, missing_); }

void MemberTracker::WantOnly(absl::Span<const SetMember> members) {
  WantNothing();
  for (const SetMember& member : members) SetWanted(member, true);
}

std::vector<SetMember> MemberTracker::Sorted(
    std::initializer_list<const MemberSet*> sets) {
  std::vector<SetMember> members;
  for (const MemberSet* set : sets) set->AppendTo(members);
  std::sort(members.begin(), members.end());
  return members;
}

}  // namespace netpol
