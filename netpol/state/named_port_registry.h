// The port names that somebody listens to.
#ifndef NETPOL_STATE_NAMED_PORT_REGISTRY_H_
#define NETPOL_STATE_NAMED_PORT_REGISTRY_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/optional.h"
#include "netpol/base/ip.h"
#include "netpol/policy/selector.h"
#include "netpol/state/dirty_set.h"

namespace netpol {

// A port name and protocol on a set of pods, by address. Where pods share an
// address, each counts for itself; on this node only its owner does.
struct NamedPortKey {
  std::string name;
  uint8_t protocol = 0;     // IPPROTO_*
  bool local_only = false;  // pods of this node
  // Pods that this chooses; all if empty. One set for both questions, since two
  // could not change in one step.
  absl::optional<PodSetExpression> among;

  friend bool operator==(const NamedPortKey& a,
                         const NamedPortKey& b) = default;
  template <typename H>
  friend H AbslHashValue(H h, const NamedPortKey& k) {
    return H::combine(std::move(h), k.name, k.protocol, k.local_only, k.among);
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
  // Everybody who listens to a name, whichever pods they mean.
  const std::vector<NamedPortId>& Listeners(const std::string& name,
                                            uint8_t protocol) const;

 private:
  struct Entry {
    NamedPortId id = 0;
    int users = 0;
  };

  absl::flat_hash_map<NamedPortKey, Entry> entries_;
  absl::flat_hash_map<NamedPortId, NamedPortKey> keys_;
  absl::flat_hash_map<std::pair<std::string, uint8_t>, std::vector<NamedPortId>>
      by_name_;
  NamedPortId next_id_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_STATE_NAMED_PORT_REGISTRY_H_
