#include "netpol/dataplane/ipset/ipset_features.h"

#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/ipset/ipset_error.h"
#include "netpol/dataplane/ipset/ipset_messages.h"

namespace netpol {
namespace {

// The oldest protocol version that the kernel of `reply` still speaks.
int OldestProtocol(const nlmsghdr& reply) {
  auto* header = const_cast<nlmsghdr*>(&reply);
  for (int type : {IPSET_ATTR_PROTOCOL_MIN, IPSET_ATTR_PROTOCOL}) {
    const nlattr* attribute = nlmsg_find_attr(header, sizeof(nfgenmsg), type);
    if (attribute != nullptr && nla_len(attribute) >= 1)
      return nla_get_u8(attribute);
  }
  return 0;
}

}  // namespace

absl::Status CheckIpsetSubsystem(IpsetChannel& channel) {
  int oldest = 0;
  const NetlinkMessage query = EncodeProtocolQuery();
  ASSIGN_OR_RETURN(const IpsetAnswer answer,
                   channel.Transact(absl::MakeConstSpan(&query, 1),
                                    [&](const nlmsghdr& reply) {
                                      oldest = OldestProtocol(reply);
                                    }));
  constexpr absl::string_view kStep = "ask for the protocol version";
  // What nfnetlink says for a subsystem that nobody has registered.
  if (answer.error == EINVAL || answer.error == ENOENT ||
      answer.error == EOPNOTSUPP) {
    return absl::UnimplementedError(
        absl::StrCat("ipset: ", kStep,
                     ": this kernel has no ipset subsystem; load kernel "
                     "module ip_set (CONFIG_IP_SET)"));
  }
  if (answer.error != 0) return IpsetError(answer.error, kStep);
  if (oldest > IPSET_PROTOCOL_MIN) {
    return absl::UnimplementedError(
        absl::StrCat("ipset: kernel module ip_set speaks protocol ", oldest,
                     " at least, but we speak ", IPSET_PROTOCOL_MIN));
  }
  return absl::OkStatus();
}

absl::Status CheckSetType(IpsetChannel& channel, SetType type, Family family) {
  const NetlinkMessage query = EncodeTypeQuery(type, family);
  ASSIGN_OR_RETURN(const IpsetAnswer answer,
                   channel.Transact(absl::MakeConstSpan(&query, 1)));
  if (answer.error == 0) return absl::OkStatus();
  const std::string step = absl::StrCat("ask for set type ", SetTypeName(type),
                                        " of ", FamilyName(family));
  if (answer.error == IPSET_ERR_FIND_TYPE || answer.error == ENOENT ||
      answer.error == EEXIST || answer.error == EINVAL) {
    return absl::UnimplementedError(
        absl::StrCat("ipset: ", step,
                     ": the kernel lacks it; load kernel "
                     "module ",
                     SetTypeModule(type)));
  }
  return IpsetError(answer.error, step);
}

}  // namespace netpol
