// Whether a legacy table is there already.
#ifndef NETPOL_DATAPLANE_LEGACY_TABLE_PRESENCE_H_
#define NETPOL_DATAPLANE_LEGACY_TABLE_PRESENCE_H_

#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"

namespace netpol {

// Whether the network namespace of the calling thread has the legacy table
// `table` ("filter") of `family`, as /proc/net/ip_tables_names says. To open a
// table that is not there makes the kernel create it, which costs every packet
// and alarms iptables-nft; nothing can be in it. True where the file cannot be
// read though it exists.
bool HasLegacyTable(Family family, absl::string_view table);

}  // namespace netpol

#endif  // NETPOL_DATAPLANE_LEGACY_TABLE_PRESENCE_H_
