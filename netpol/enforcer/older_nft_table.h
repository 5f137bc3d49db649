// The nf_tables tables that kube-router makes for itself when it is told to use
// nftables, from v2.11 on.
#ifndef NETPOL_ENFORCER_OLDER_NFT_TABLE_H_
#define NETPOL_ENFORCER_OLDER_NFT_TABLE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"

namespace netpol {

// "kube-router-filter-ipv4" or "kube-router-filter-ipv6".
absl::string_view OlderNftTable(Family family);

// Whether the thread's network namespace has it. Also false where the kernel
// has no nf_tables.
absl::StatusOr<bool> HasOlderNftTable(Family family);

// Removes it with all that it holds; false if there was none.
absl::StatusOr<bool> RemoveOlderNftTable(Family family);

}  // namespace netpol

#endif  // NETPOL_ENFORCER_OLDER_NFT_TABLE_H_
