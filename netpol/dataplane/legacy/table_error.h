// What the errno of a table operation means to a person.
#ifndef NETPOL_DATAPLANE_LEGACY_TABLE_ERROR_H_
#define NETPOL_DATAPLANE_LEGACY_TABLE_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"

namespace netpol {

// The kernel's module names: "ip_tables and iptable_filter" for IPv4.
absl::string_view TableModules(Family family);

// `error` met while reading the table `filter` of `family`. Unimplemented if
// the kernel has no such table, PermissionDenied without the capabilities.
absl::Status TableReadError(Family family, int error,
                            absl::string_view explanation);

// `error` met during `step` of a change, "adding chain X" or the like; nothing
// of it was applied.
absl::Status TableWriteError(Family family, absl::string_view step, int error,
                             absl::string_view explanation);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_LEGACY_TABLE_ERROR_H_
