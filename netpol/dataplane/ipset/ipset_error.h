// The kernel's error numbers about sets as statuses.
#ifndef NETPOL_DATAPLANE_IPSET_IPSET_ERROR_H_
#define NETPOL_DATAPLANE_IPSET_IPSET_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "netpol/rules/set.h"

namespace netpol {

// `error` is an errno value or an IPSET_ERR_* (linux/netfilter/ipset/ip_set.h,
// ip_set_hash.h), not 0. `step` says what was tried on which set.
//
// PermissionDenied: no CAP_NET_ADMIN. NotFound, AlreadyExists: the set.
// Unavailable: in use, or try again. ResourceExhausted: the set is full, no
// room for another set, no memory. FailedPrecondition: two sets of different
// types. Unimplemented: the kernel lacks the type. InvalidArgument: a member or
// parameter that it refuses. Internal: all else.
absl::Status IpsetError(int error, absl::string_view step);

// `add to set "NAME" (hash:ip, at most 65536 members)`.
std::string SetStep(absl::string_view step, const SetSpec& spec);

// "ip_set_hash_ip": the kernel module that has the type.
std::string SetTypeModule(SetType type);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_IPSET_IPSET_ERROR_H_
