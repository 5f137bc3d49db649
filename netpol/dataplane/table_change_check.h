// What is wrong with a change whatever the kernel has.
#ifndef NETPOL_DATAPLANE_TABLE_CHANGE_CHECK_H_
#define NETPOL_DATAPLANE_TABLE_CHANGE_CHECK_H_

#include "absl/status/status.h"
#include "netpol/base/ip.h"
#include "netpol/sync/dataplane.h"

namespace netpol {

// InvalidArgument for a change of another family, a chain that is not ours, and
// one that is named twice.
absl::Status CheckTableChange(const TableChange& change, Family family);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_TABLE_CHANGE_CHECK_H_
