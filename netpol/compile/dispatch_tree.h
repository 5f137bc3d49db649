// The way from a pod's address to its chain, as chains.
#ifndef NETPOL_COMPILE_DISPATCH_TREE_H_
#define NETPOL_COMPILE_DISPATCH_TREE_H_

#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "netpol/base/ip.h"
#include "netpol/compile/layout.h"
#include "netpol/rules/names.h"
#include "netpol/rules/rule.h"

namespace netpol {

struct DispatchTarget {
  ChainName chain;
  std::string comment;
};

using DispatchTargets = absl::btree_map<IpAddress, DispatchTarget>;

// Chains that send a packet with one of the addresses (as source for egress, as
// destination for ingress) to that address's target, and let others return. The
// first is the root chain, which begins with `head`; the others hang below it.
// Addresses are of one family. No packet meets more than some sixteen rules on
// each of a few levels, however many addresses there are; a list costs every
// packet of every pod 20 ns per address.
std::vector<Chain> BuildDispatchTree(Direction direction,
                                     std::vector<Rule> head,
                                     const DispatchTargets& targets);

}  // namespace netpol

#endif  // NETPOL_COMPILE_DISPATCH_TREE_H_
