#include "netpol/sync/member_tracker.h"

#include <algorithm>
#include <vector>

namespace netpol {

void MemberTracker::Set(const SetMember& member, uint8_t bit, bool on) {
  auto it = members_.find(member);
  const uint8_t before = it == members_.end() ? 0 : it->second;
  const uint8_t after = on ? before | bit : before & ~bit;
  if (before == after) return;
  if (bit == kWanted) wanted_count_ += on ? 1 : -1;
  if (after == 0) {
    members_.erase(it);
  } else if (it == members_.end()) {
    members_.emplace(member, after);
  } else {
    it->second = after;
  }
  if (after == kWanted || after == kObserved) {
    dirty_.insert(member);
  } else {
    dirty_.erase(member);
  }
}

void MemberTracker::WantOnly(absl::Span<const SetMember> members) {
  WantNothing();
  for (const SetMember& member : members) SetWanted(member, true);
}

void MemberTracker::Clear(uint8_t bit) {
  for (const SetMember& member : With(bit)) Set(member, bit, false);
}

std::vector<SetMember> MemberTracker::With(uint8_t bit) const {
  std::vector<SetMember> members;
  for (const auto& [member, bits] : members_) {
    if (bits & bit) members.push_back(member);
  }
  std::sort(members.begin(), members.end());
  return members;
}

std::vector<SetMember> MemberTracker::DirtyWith(uint8_t bit) const {
  std::vector<SetMember> members;
  for (const SetMember& member : dirty_) {
    if (members_.at(member) == bit) members.push_back(member);
  }
  std::sort(members.begin(), members.end());
  return members;
}

}  // namespace netpol
