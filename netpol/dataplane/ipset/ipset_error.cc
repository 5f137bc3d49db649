#include "netpol/dataplane/ipset/ipset_error.h"

#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/ipset/ip_set_hash.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

struct Meaning {
  int error;
  absl::StatusCode code;
  absl::string_view text;
};

constexpr Meaning kMeanings[] = {
    {EPERM, absl::StatusCode::kPermissionDenied,
     "needs CAP_NET_ADMIN (run as root)"},
    {EACCES, absl::StatusCode::kPermissionDenied,
     "needs CAP_NET_ADMIN (run as root)"},
    {ENOENT, absl::StatusCode::kNotFound, "there is no such set"},
    {IPSET_ERR_EXIST_SETNAME2, absl::StatusCode::kNotFound,
     "there is no such set"},
    {EEXIST, absl::StatusCode::kAlreadyExists,
     "a set of this name exists already"},
    {EBUSY, absl::StatusCode::kUnavailable, "the set is in use; try again"},
    {IPSET_ERR_BUSY, absl::StatusCode::kUnavailable,
     "the set is in use (by a rule, another set or a reader); try again when "
     "it is not"},
    {IPSET_ERR_REFERENCED, absl::StatusCode::kUnavailable,
     "the set is in use; try again"},
    {EAGAIN, absl::StatusCode::kUnavailable, "try again"},
    {EINTR, absl::StatusCode::kUnavailable, "interrupted; try again"},
    {IPSET_ERR_MAX_SETS, absl::StatusCode::kResourceExhausted,
     "the kernel has no room for another set; remove sets that nobody uses"},
    {IPSET_ERR_HASH_FULL, absl::StatusCode::kResourceExhausted,
     "the set is full; it must be replaced by a larger one"},
    {ENOMEM, absl::StatusCode::kResourceExhausted,
     "the kernel has no memory for it"},
    {ENOBUFS, absl::StatusCode::kResourceExhausted,
     "the kernel has no memory for it"},
    {IPSET_ERR_TYPE_MISMATCH, absl::StatusCode::kFailedPrecondition,
     "the two sets are of different types or families, which the kernel does "
     "not swap; destroy the old set first"},
    {IPSET_ERR_FIND_TYPE, absl::StatusCode::kUnimplemented,
     "the kernel does not have this set type"},
    {IPSET_ERR_INVALID_FAMILY, absl::StatusCode::kInvalidArgument,
     "the set type does not know this address family"},
    {IPSET_ERR_INVALID_CIDR, absl::StatusCode::kInvalidArgument,
     "the kernel takes no prefix of this length"},
    {IPSET_ERR_IPADDR_IPV4, absl::StatusCode::kInvalidArgument,
     "not an IPv4 address"},
    {IPSET_ERR_IPADDR_IPV6, absl::StatusCode::kInvalidArgument,
     "not an IPv6 address"},
    {IPSET_ERR_HASH_ELEM, absl::StatusCode::kInvalidArgument,
     "the kernel takes no null element"},
    {IPSET_ERR_INVALID_PROTO, absl::StatusCode::kInvalidArgument,
     "the kernel does not take this protocol"},
    {IPSET_ERR_MISSING_PROTO, absl::StatusCode::kInvalidArgument,
     "the protocol is missing"},
};

}  // namespace

absl::Status IpsetError(int error, absl::string_view step) {
  for (const Meaning& meaning : kMeanings) {
    if (meaning.error == error) {
      return absl::Status(meaning.code,
                          absl::StrCat("ipset: ", step, ": ", meaning.text));
    }
  }
  return absl::InternalError(
      absl::StrCat("ipset: ", step, ": kernel error ", error,
                   error < IPSET_ERR_PRIVATE
                       ? absl::StrCat(" (", std::strerror(error), ")")
                       : " (IPSET_ERR_*, linux/netfilter/ipset/ip_set.h)"));
}

std::string SetStep(absl::string_view step, const SetSpec& spec) {
  return absl::StrCat(step, " set \"", spec.name.value(), "\" (",
                      SetTypeName(spec.type), ", at most ", spec.max_elements,
                      " members)");
}

std::string SetTypeModule(SetType type) {
  switch (type) {
    case SetType::kHashIp:
      return "ip_set_hash_ip";
    case SetType::kHashNet:
      return "ip_set_hash_net";
    case SetType::kHashIpPort:
      return "ip_set_hash_ipport";
  }
  return "";
}

}  // namespace netpol
