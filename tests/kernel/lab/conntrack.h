// The connections that a network namespace remembers.
#ifndef NETPOL_TESTS_KERNEL_LAB_CONNTRACK_H_
#define NETPOL_TESTS_KERNEL_LAB_CONNTRACK_H_

#include "absl/status/status.h"

namespace netpol {

// Forgets every connection of the calling thread's network namespace, so that
// the next packet of each is a first one.
absl::Status FlushConntrack();

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_LAB_CONNTRACK_H_
