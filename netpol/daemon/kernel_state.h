// A snapshot with the owner of each thing in it, as `netpolctl show` prints it.
#ifndef NETPOL_DAEMON_KERNEL_STATE_H_
#define NETPOL_DAEMON_KERNEL_STATE_H_

#include <vector>

#include "netpol/base/ip.h"
#include "netpol/sync/snapshot.h"
#include "proto/netpol/status.pb.h"

namespace netpol {

// Everything of `families` in `snapshot`: chains and sets by name, members in
// order.
v1::KernelState KernelStateOf(const Snapshot& snapshot,
                              const std::vector<Family>& families);

}  // namespace netpol

#endif  // NETPOL_DAEMON_KERNEL_STATE_H_
