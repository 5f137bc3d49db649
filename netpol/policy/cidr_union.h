// Exact arithmetic on ipBlocks.
#ifndef NETPOL_POLICY_CIDR_UNION_H_
#define NETPOL_POLICY_CIDR_UNION_H_

#include <vector>

#include "absl/types/span.h"
#include "netpol/base/ip.h"

namespace netpol {

// NetworkPolicyPeer.ipBlock: the addresses of `cidr` that no `except` holds. An
// except narrows its own block only.
struct IpBlock {
  IpPrefix cidr;
  std::vector<IpPrefix> except;

  friend bool operator==(const IpBlock& a, const IpBlock& b) {
    return a.cidr == b.cidr && a.except == b.except;
  }
};

// The fewest prefixes that hold exactly the addresses of `family` that at least
// one block holds, in ascending order. Blocks of the other family add nothing.
std::vector<IpPrefix> UnionOfBlocks(absl::Span<const IpBlock> blocks,
                                    Family family);

}  // namespace netpol

#endif  // NETPOL_POLICY_CIDR_UNION_H_
