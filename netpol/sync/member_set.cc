#include "netpol/sync/member_set.h"

#include <vector>

#include "absl/numeric/int128.h"

namespace netpol {
namespace {

bool IsPacked(const SetMember& member) {
  return member.prefix.family() == Family::kIPv4;
}

// Address, prefix length, protocol and port, from the highest bit down.
uint64_t Pack(const SetMember& member) {
  const auto address =
      static_cast<uint64_t>(absl::Uint128Low64(member.prefix.address.bits()));
  return address << 32 | uint64_t{member.prefix.length} << 24 |
         uint64_t{member.protocol} << 16 | member.port;
}

SetMember Unpack(uint64_t packed) {
  SetMember member;
  member.prefix.address = IpAddress(Family::kIPv4, packed >> 32);
  member.prefix.length = static_cast<uint8_t>(packed >> 24);
  member.protocol = static_cast<uint8_t>(packed >> 16);
  member.port = static_cast<uint16_t>(packed);
  return member;
}

}  // namespace

bool MemberSet::Insert(const SetMember& member) {
  return IsPacked(member) ? packed_.insert(Pack(member)).second
                          : others_.insert(member).second;
}

bool MemberSet::Erase(const SetMember& member) {
  const bool erased = IsPacked(member) ? packed_.erase(Pack(member)) > 0
                                       : others_.erase(member) > 0;
  if (erased) ReleaseIfEmpty();
  return erased;
}

bool MemberSet::Contains(const SetMember& member) const {
  return IsPacked(member) ? packed_.contains(Pack(member))
                          : others_.contains(member);
}

void MemberSet::AppendTo(std::vector<SetMember>& members) const {
  members.reserve(members.size() + size());
  for (uint64_t packed : packed_) members.push_back(Unpack(packed));
  members.insert(members.end(), others_.begin(), others_.end());
}

void MemberSet::ReleaseIfEmpty() {
  // Small ones keep their room: they come and go all the time.
  constexpr size_t kSmall = 64;
  if (!empty()) return;
  if (packed_.capacity() > kSmall) packed_ = {};
  if (others_.capacity() > kSmall) others_ = {};
}

}  // namespace netpol
