#include "netpol/explain/member_index.h"

namespace netpol {

MemberIndex::MemberIndex(const ObservedSet& set) : spec_(set.spec) {
  for (const SetMember& member : set.members) {
    const IpPrefix& prefix = member.prefix;
    if (spec_.type == SetType::kHashNet) {
      BlocksOf(prefix.length).insert(prefix.address.bits());
    } else {
      endpoints_.insert({prefix.address.bits(), member.protocol, member.port});
    }
  }
}

absl::flat_hash_set<absl::uint128>& MemberIndex::BlocksOf(int length) {
  const absl::uint128 mask = PrefixMask(spec_.family, length);
  for (Blocks& blocks : blocks_)
    if (blocks.mask == mask) return blocks.starts;
  blocks_.push_back({mask, {}});
  return blocks_.back().starts;
}

bool MemberIndex::Holds(const IpAddress& address) const {
  if (address.family != spec_.family) return false;
  switch (spec_.type) {
    case SetType::kHashIp:
      return endpoints_.contains({address.bits(), 0, 0});
    case SetType::kHashNet:
      for (const Blocks& blocks : blocks_)
        if (blocks.starts.contains(address.bits() & blocks.mask)) return true;
      return false;
    case SetType::kHashIpPort:
      return false;
  }
  return false;
}

bool MemberIndex::Holds(const IpAddress& address, uint8_t protocol,
                        uint16_t port) const {
  if (spec_.type != SetType::kHashIpPort) return Holds(address);
  return address.family == spec_.family &&
         endpoints_.contains({address.bits(), protocol, port});
}

}  // namespace netpol
