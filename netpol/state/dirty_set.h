// What changed in the cluster since the last look, in terms of what somebody
// asked to be told about.
#ifndef NETPOL_STATE_DIRTY_SET_H_
#define NETPOL_STATE_DIRTY_SET_H_

#include <cstdint>
#include <vector>

#include "absl/container/btree_set.h"
#include "netpol/base/ip.h"
#include "netpol/policy/object_key.h"

namespace netpol {

// A registered PodSetExpression.
using ExpressionId = uint32_t;
// A registered (port name, protocol, scope).
using NamedPortId = uint32_t;

// Whether `address` now belongs to a pod of the expression. Told whenever it
// may have changed; telling the same twice is harmless.
struct MembershipChange {
  ExpressionId expression = 0;
  IpAddress address;
  bool member = false;
};

// The same for (address, number) under a named port; the protocol is the
// port's.
struct NamedPortChange {
  NamedPortId port = 0;
  IpAddress address;
  uint16_t number = 0;
  bool member = false;
};

struct DirtySet {
  // In order: of two changes of one address the later counts.
  std::vector<MembershipChange> memberships;
  std::vector<NamedPortChange> named_ports;
  // Addresses whose owner on this node may have changed.
  absl::btree_set<IpAddress> local_addresses;
  // Pods of this node whose addresses, or the policies that select them, may
  // have changed.
  absl::btree_set<ObjectKey> local_pods;
  // Policies that were created, changed or deleted.
  absl::btree_set<ObjectKey> policies;
  // The Node object of this node came, changed or went.
  bool own_node = false;

  bool empty() const {
    return memberships.empty() && named_ports.empty() &&
           local_addresses.empty() && local_pods.empty() && policies.empty() &&
           !own_node;
  }
};

}  // namespace netpol

#endif  // NETPOL_STATE_DIRTY_SET_H_
