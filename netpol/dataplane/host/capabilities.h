// What a process must be allowed to do to read and write sets and tables.
#ifndef NETPOL_DATAPLANE_HOST_CAPABILITIES_H_
#define NETPOL_DATAPLANE_HOST_CAPABILITIES_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace netpol {

// One that is needed, and whether the calling thread has it in effect
// (capabilities(7)).
struct CapabilityState {
  absl::string_view name;  // "CAP_NET_ADMIN"; a literal
  absl::string_view use;   // what it is needed for; a literal
  bool effective = false;
};

// CAP_NET_ADMIN, then CAP_NET_RAW. Internal if the kernel does not tell.
//
// In effect in the thread's user namespace: where a network belongs to another
// one, the kernel still refuses.
absl::StatusOr<std::vector<CapabilityState>> NeededCapabilities();

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_HOST_CAPABILITIES_H_
