#include "netpol/state/named_port_registry.h"

namespace netpol {

NamedPortId NamedPortRegistry::Acquire(const NamedPortKey& key) {
  auto [it, inserted] = entries_.try_emplace(key);
  if (inserted) {
    it->second.id = next_id_++;
    keys_[it->second.id] = key;
  }
  ++it->second.users;
  return it->second.id;
}

void NamedPortRegistry::Release(NamedPortId id) {
  auto it = entries_.find(keys_.at(id));
  if (--it->second.users > 0) return;
  entries_.erase(it);
  keys_.erase(id);
}

const NamedPortId* NamedPortRegistry::Find(const NamedPortKey& key) const {
  auto it = entries_.find(key);
  return it == entries_.end() ? nullptr : &it->second.id;
}

}  // namespace netpol
