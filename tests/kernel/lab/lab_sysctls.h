// Kernel settings that leave a packet's fate to the rules alone.
#ifndef NETPOL_TESTS_KERNEL_LAB_LAB_SYSCTLS_H_
#define NETPOL_TESTS_KERNEL_LAB_LAB_SYSCTLS_H_

#include "absl/status/status.h"

namespace netpol {

// Applies them to the namespace that the calling thread is in, before it has
// any links of its own: no reverse path filter, no duplicate address detection
// or autoconfiguration, no ICMP rate limit, short memory of unanswered flows;
// `router`: forwarding in both families. What this kernel does not know is
// skipped.
absl::Status ApplyLabSysctls(bool router);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_LAB_SYSCTLS_H_
