// Questions to the kernel's ip_tables and ip6_tables about what they can do.
// They change nothing, but may make the kernel load a module.
#ifndef NETPOL_DATAPLANE_HOST_XTABLES_PROBE_H_
#define NETPOL_DATAPLANE_HOST_XTABLES_PROBE_H_

#include "absl/status/status.h"
#include "netpol/base/ip.h"
#include "netpol/dataplane/host/kernel_extension.h"

namespace netpol {

// OK where rules of `family` can use `extension` at that revision, else
// Unimplemented: the kernel lacks it, or knows other revisions only.
// PermissionDenied without CAP_NET_RAW and CAP_NET_ADMIN, when nothing is
// known.
absl::Status CheckExtension(Family family, const KernelExtension& extension);

// OK where the legacy table `filter` of `family` can be read. Unimplemented
// where the kernel has none, PermissionDenied as above.
absl::Status CheckFilterTable(Family family);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_HOST_XTABLES_PROBE_H_
