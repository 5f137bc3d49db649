#include "netpol/dataplane/ipset/older_sets.h"

#include <netinet/in.h>

// After the C library, which it then leaves alone.
#include <linux/netfilter.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "netpol/base/status_macros.h"
#include "netpol/dataplane/ipset/ipset_channel.h"
#include "netpol/dataplane/ipset/ipset_error.h"
#include "netpol/dataplane/ipset/ipset_features.h"
#include "netpol/dataplane/ipset/ipset_messages.h"

namespace netpol {
namespace {

constexpr absl::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

absl::string_view Text(const nlattr* attribute) {
  const auto* text = static_cast<const char*>(nla_data(attribute));
  return absl::string_view(text, strnlen(text, nla_len(attribute)));
}

// Of one message of a dump; the first about a set names its type.
void AddIfOlder(const nlmsghdr& message, std::vector<SetName>& sets) {
  nlattr* attributes[IPSET_ATTR_CMD_MAX + 1];
  // The library reads only, but its signatures do not say so.
  auto* header = const_cast<nlmsghdr*>(&message);
  if (nlmsg_parse(header, sizeof(nfgenmsg), attributes, IPSET_ATTR_CMD_MAX,
                  nullptr) < 0 ||
      attributes[IPSET_ATTR_SETNAME] == nullptr ||
      attributes[IPSET_ATTR_TYPENAME] == nullptr) {
    return;
  }
  const absl::string_view name = Text(attributes[IPSET_ATTR_SETNAME]);
  if (IsOlderTemporarySet(name, Text(attributes[IPSET_ATTR_TYPENAME]))) {
    sets.emplace_back(name);
  }
}

}  // namespace

bool IsOlderTemporarySet(absl::string_view name, absl::string_view type) {
  return absl::ConsumePrefix(&name, "TMP-") && name.size() == 16 &&
         name.find_first_not_of(kBase32) == absl::string_view::npos &&
         absl::StartsWith(type, "hash:");
}

absl::StatusOr<std::vector<SetName>> FindOlderTemporarySets() {
  ASSIGN_OR_RETURN(const std::unique_ptr<IpsetChannel> channel,
                   IpsetChannel::Open());
  RETURN_IF_ERROR(CheckIpsetSubsystem(*channel));
  std::vector<SetName> sets;
  const NetlinkMessage query = EncodeListQuery(ListScope::kHeads);
  ASSIGN_OR_RETURN(const IpsetAnswer answer,
                   channel->Transact(absl::MakeConstSpan(&query, 1),
                                     [&](const nlmsghdr& message) {
                                       AddIfOlder(message, sets);
                                     }));
  if (answer.error != 0) return IpsetError(answer.error, "list all sets");
  std::sort(sets.begin(), sets.end());
  return sets;
}

}  // namespace netpol
