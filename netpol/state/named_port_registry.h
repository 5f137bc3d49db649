// The port names that somebody listens to.
#ifndef NETPOL_STATE_NAMED_PORT_REGISTRY_H_
#define NETPOL_STATE_NAMED_PORT_REGISTRY_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "netpol/base/ip.h"
#include "netpol/state/dirty_set.h"

namespace netpol {

// A port name and protocol, on the pods of this node or on every pod.
struct NamedPortKey {
  std::string name;
  uint8_t protocol = 0;  // IPPROTO_*
  bool local_only = false;

  friend bool operator==(const NamedPortKey& a,
                         const NamedPortKey& b) = default;
  template <typename H>
  friend H AbslHashValue(H h, const NamedPortKey& k) {
    return H::combine(std::move(h), k.name, k.protocol, k.local_only);
  }
};

struct NamedPortMember {
  IpAddress address;
  uint16_t number = 0;
};

// Equal keys share an id for as long as anybody holds it. Thread-compatible.
class NamedPortRegistry {
 public:
  // Every Acquire() is to be paired with a Release().
  NamedPortId Acquire(const NamedPortKey& key);
  void Release(NamedPortId id);

  const NamedPortKey& Get(NamedPortId id) const { return keys_.at(id); }
  // nullptr if nobody listens.
  const NamedPortId* Find(const NamedPortKey& key) const;

 private:
  struct Entry {
    NamedPortId id = 0;
    int users = 0;
  };

  absl::flat_hash_map<NamedPortKey, Entry> entries_;
  absl::flat_hash_map<NamedPortId, NamedPortKey> keys_;
  NamedPortId next_id_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_STATE_NAMED_PORT_REGISTRY_H_
