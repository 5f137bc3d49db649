// Which pods have an address.
#ifndef NETPOL_STATE_ADDRESS_OWNERS_H_
#define NETPOL_STATE_ADDRESS_OWNERS_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/types/span.h"
#include "netpol/base/ip.h"
#include "netpol/policy/objects.h"

namespace netpol {

// Nearly every address has one pod, which is kept beside nothing else: the
// address is read from the pod. Thread-compatible.
class AddressOwners {
 public:
  // `pod` must outlive its place here, and Remove() it before its addresses
  // change.
  void Add(const Pod& pod);
  void Remove(const Pod& pod);

  // In no order. Until the next change.
  absl::Span<const Pod* const> Of(const IpAddress& address) const;

 private:
  // One of the addresses of a pod.
  struct Claim {
    const Pod* pod;
    uint32_t index;

    const IpAddress& address() const { return pod->addresses[index]; }
  };
  struct AddressHash {
    using is_transparent = void;
    size_t operator()(const IpAddress& a) const {
      return absl::Hash<IpAddress>()(a);
    }
    size_t operator()(const Claim& c) const { return (*this)(c.address()); }
  };
  struct AddressEqual {
    using is_transparent = void;
    bool operator()(const Claim& a, const Claim& b) const {
      return a.address() == b.address();
    }
    bool operator()(const Claim& a, const IpAddress& b) const {
      return a.address() == b;
    }
    bool operator()(const IpAddress& a, const Claim& b) const {
      return a == b.address();
    }
  };

  void RemoveShared(const IpAddress& address, const Pod& pod);

  // By address; addresses that several pods claim stand in `shared_` alone.
  absl::flat_hash_set<Claim, AddressHash, AddressEqual> single_;
  absl::flat_hash_map<IpAddress, std::vector<const Pod*>> shared_;
};

}  // namespace netpol

#endif  // NETPOL_STATE_ADDRESS_OWNERS_H_
