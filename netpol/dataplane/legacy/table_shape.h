// How large a legacy table is: what the kernel tells of it without handing it
// over.
#ifndef NETPOL_DATAPLANE_LEGACY_TABLE_SHAPE_H_
#define NETPOL_DATAPLANE_LEGACY_TABLE_SHAPE_H_

#include <array>

#include "absl/status/statusor.h"
#include "netpol/base/ip.h"

namespace netpol {

// struct ipt_getinfo (linux/netfilter_ipv4/ip_tables.h) of the table `filter`;
// that of IPv6 has the same form. Changes with every rule that comes or goes,
// and with every chain.
struct TableShape {
  unsigned int entries = 0;
  unsigned int bytes = 0;
  // Where the built-in chains begin and end, in bytes.
  std::array<unsigned int, 5> hook_entry = {};
  std::array<unsigned int, 5> underflow = {};

  friend bool operator==(const TableShape&, const TableShape&) = default;
};

// Of the thread's network namespace. Unimplemented if the kernel has no such
// table, PermissionDenied without CAP_NET_ADMIN.
absl::StatusOr<TableShape> ReadTableShape(Family family);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_LEGACY_TABLE_SHAPE_H_
