#include "netpol/dataplane/ipset/ipset_messages.h"

#include <netinet/in.h>

// After the C library, which it then leaves alone.
#include <linux/netfilter.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <string>

#include "absl/numeric/int128.h"
#include "absl/strings/string_view.h"

namespace netpol {
namespace {

// Upper bounds, with nested headers and padding.
constexpr size_t kHeadBytes = 128;
constexpr size_t kMemberBytes = 56;
static_assert(kMaxMembersPerMessage * kMemberBytes < 65535,
              "nla_len has 16 bits");

// Messages are allocated for what goes in, so a refusal is our own mistake.
void Require(int error) {
  if (error < 0) std::abort();
}

nlattr* Nest(nl_msg* message, int type) {
  nlattr* nest = nla_nest_start(message, type | NLA_F_NESTED);
  if (nest == nullptr) std::abort();
  return nest;
}

NetlinkMessage NewRequest(ipset_cmd command, int flags, size_t size) {
  NetlinkMessage message(nlmsg_alloc_size(size));
  if (message == nullptr) throw std::bad_alloc();
  nlmsghdr* header = nlmsg_put(message.get(), NL_AUTO_PORT, 0,
                               NFNL_SUBSYS_IPSET << 8 | command,
                               sizeof(nfgenmsg), NLM_F_REQUEST | flags);
  if (header == nullptr) std::abort();
  auto* generic = static_cast<nfgenmsg*>(nlmsg_data(header));
  generic->nfgen_family = AF_INET;
  generic->version = NFNETLINK_V0;
  generic->res_id = 0;
  Require(nla_put_u8(message.get(), IPSET_ATTR_PROTOCOL, IPSET_PROTOCOL_MIN));
  return message;
}

void PutAddress(nl_msg* message, const IpAddress& address) {
  nlattr* nest = Nest(message, IPSET_ATTR_IP);
  if (address.family == Family::kIPv4) {
    Require(nla_put_u32(
        message, IPSET_ATTR_IPADDR_IPV4 | NLA_F_NET_BYTEORDER,
        htonl(static_cast<uint32_t>(absl::Uint128Low64(address.bits())))));
  } else {
    uint8_t bytes[16];
    for (int i = 0; i < 16; ++i) {
      bytes[i] = static_cast<uint8_t>(
          absl::Uint128Low64(address.bits() >> (8 * (15 - i))));
    }
    Require(nla_put(message, IPSET_ATTR_IPADDR_IPV6 | NLA_F_NET_BYTEORDER,
                    sizeof(bytes), bytes));
  }
  nla_nest_end(message, nest);
}

void PutMember(nl_msg* message, SetType type, const SetMember& member,
               uint32_t line) {
  nlattr* nest = Nest(message, IPSET_ATTR_DATA);
  PutAddress(message, member.prefix.address);
  if (type == SetType::kHashNet) {
    Require(nla_put_u8(message, IPSET_ATTR_CIDR, member.prefix.length));
  }
  if (type == SetType::kHashIpPort) {
    Require(nla_put_u16(message, IPSET_ATTR_PORT | NLA_F_NET_BYTEORDER,
                        htons(member.port)));
    Require(nla_put_u8(message, IPSET_ATTR_PROTO, member.protocol));
  }
  Require(nla_put_u32(message, IPSET_ATTR_LINENO, line));
  nla_nest_end(message, nest);
}

NetlinkMessage EncodeOne(MemberCommand command, const SetSpec& spec,
                         absl::Span<const SetMember> members) {
  // Without NLM_F_EXCL the kernel passes over what is already as wanted.
  NetlinkMessage message =
      NewRequest(command == MemberCommand::kAdd ? IPSET_CMD_ADD : IPSET_CMD_DEL,
                 0, kHeadBytes + kMemberBytes * members.size());
  Require(nla_put_string(message.get(), IPSET_ATTR_SETNAME,
                         spec.name.value().c_str()));
  // Must be there with IPSET_ATTR_ADT; the kernel writes the line of a refused
  // member into its copy.
  Require(nla_put_u32(message.get(), IPSET_ATTR_LINENO, 0));
  nlattr* list = Nest(message.get(), IPSET_ATTR_ADT);
  uint32_t line = 0;
  for (const SetMember& member : members) {
    PutMember(message.get(), spec.type, member, ++line);
  }
  nla_nest_end(message.get(), list);
  return message;
}

}  // namespace

void NetlinkMessageDeleter::operator()(nl_msg* message) const {
  nlmsg_free(message);
}

std::vector<NetlinkMessage> EncodeMembers(MemberCommand command,
                                          const SetSpec& spec,
                                          absl::Span<const SetMember> members) {
  std::vector<NetlinkMessage> messages;
  for (; !members.empty();
       members.remove_prefix(std::min(members.size(), kMaxMembersPerMessage))) {
    messages.push_back(
        EncodeOne(command, spec, members.subspan(0, kMaxMembersPerMessage)));
  }
  return messages;
}

NetlinkMessage EncodeProtocolQuery() {
  return NewRequest(IPSET_CMD_PROTOCOL, 0, kHeadBytes);
}

NetlinkMessage EncodeTypeQuery(SetType type, Family family) {
  NetlinkMessage message = NewRequest(IPSET_CMD_TYPE, 0, kHeadBytes);
  Require(nla_put_string(message.get(), IPSET_ATTR_TYPENAME,
                         std::string(SetTypeName(type)).c_str()));
  Require(nla_put_u8(message.get(), IPSET_ATTR_FAMILY,
                     family == Family::kIPv4 ? NFPROTO_IPV4 : NFPROTO_IPV6));
  return message;
}

NetlinkMessage EncodeListQuery(ListScope scope) {
  NetlinkMessage message = NewRequest(IPSET_CMD_LIST, NLM_F_DUMP, kHeadBytes);
  if (scope == ListScope::kHeads) {
    Require(nla_put_u32(message.get(), IPSET_ATTR_FLAGS | NLA_F_NET_BYTEORDER,
                        htonl(IPSET_FLAG_LIST_HEADER)));
  }
  return message;
}

}  // namespace netpol
