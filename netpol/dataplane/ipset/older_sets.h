// Sets that kube-router only needs while it loads others, and leaves behind
// when that is cut short.
#ifndef NETPOL_DATAPLANE_IPSET_OLDER_SETS_H_
#define NETPOL_DATAPLANE_IPSET_OLDER_SETS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpol/rules/names.h"

namespace netpol {

// "TMP-" and 16 characters of base32, of a type that hashes. Such a set is not
// ours while we enforce (SetName::IsOurs), since a kube-router that still runs
// may be in the middle of its load: only clean-up asks.
bool IsOlderTemporarySet(absl::string_view name, absl::string_view type);

// Those of both families that the kernel of the thread's network namespace has.
// Writes nothing. Unimplemented without an ipset subsystem.
absl::StatusOr<std::vector<SetName>> FindOlderTemporarySets();

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_IPSET_OLDER_SETS_H_
