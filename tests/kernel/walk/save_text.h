// What the kernel's own tools say of a node's rules.
#ifndef NETPOL_TESTS_KERNEL_WALK_SAVE_TEXT_H_
#define NETPOL_TESTS_KERNEL_WALK_SAVE_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "netpol/sync/snapshot.h"
#include "tests/kernel/lab/packet_lab.h"

namespace netpol {

// Compares iptables-save, ip6tables-save and ipset save on the lab's node with
// `right`: empty if our chains, rules and members are the same, else a line for
// each that only the tools (+) or only `right` (-) have.
absl::StatusOr<std::string> SaveTextDifference(const PacketLab& lab,
                                               const Snapshot& right);

}  // namespace netpol

#endif  // NETPOL_TESTS_KERNEL_WALK_SAVE_TEXT_H_
