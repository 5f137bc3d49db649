// Requests to the kernel's ipset subsystem, encoded.
//
// The format is that of linux/netfilter/ipset/ip_set.h, protocol 6, which every
// kernel since 2.6.39 takes. Sequence numbers and the wish for an
// acknowledgement are the channel's affair.
#ifndef NETPOL_DATAPLANE_IPSET_IPSET_MESSAGES_H_
#define NETPOL_DATAPLANE_IPSET_IPSET_MESSAGES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "netpol/base/ip.h"
#include "netpol/rules/names.h"
#include "netpol/rules/set.h"

struct nl_msg;

namespace netpol {

struct NetlinkMessageDeleter {
  void operator()(nl_msg* message) const;
};
using NetlinkMessage = std::unique_ptr<nl_msg, NetlinkMessageDeleter>;

// The attribute that holds the members has a 16 bit length; 1000 of the longest
// (IPv6 address, protocol, port) take 52,000 bytes.
inline constexpr size_t kMaxMembersPerMessage = 1000;

enum class MemberCommand : uint8_t { kAdd, kRemove };

// Messages that add to, or remove from, the set `spec.name`, at most
// kMaxMembersPerMessage members in each, in order; none for no members. Adding
// what is there and removing what is not is no error to the kernel. Member i of
// a message carries line number i + 1, which the kernel sends back with an
// error. `members` fit `spec` (family, no network outside hash:net).
std::vector<NetlinkMessage> EncodeMembers(MemberCommand command,
                                          const SetSpec& spec,
                                          absl::Span<const SetMember> members);

// Which protocol versions does the kernel speak?
NetlinkMessage EncodeProtocolQuery();

// Which revisions of a set type does the kernel have? May load its module.
NetlinkMessage EncodeTypeQuery(SetType type, Family family);

enum class ListScope : uint8_t {
  kMembers,  // everything
  kHeads,    // what kind of set it is, and how many members it has
};

// A dump of all sets.
NetlinkMessage EncodeListQuery(ListScope scope);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_IPSET_IPSET_MESSAGES_H_
