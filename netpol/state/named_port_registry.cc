#include "netpol/state/named_port_registry.h"

#include <algorithm>
#include <string>
#include <vector>

namespace netpol {

NamedPortId NamedPortRegistry::Acquire(const NamedPortKey& key) {
  auto [it, inserted] = entries_.try_emplace(key);
  if (inserted) {
    it->second.id = next_id_++;
    keys_[it->second.id] = key;
    by_name_[{key.name, key.protocol}].push_back(it->second.id);
  }
  ++it->second.users;
  return it->second.id;
}

void NamedPortRegistry::Release(NamedPortId id) {
  auto key = keys_.find(id);
  auto entry = entries_.find(key->second);
  if (--entry->second.users > 0) return;
  auto named = by_name_.find({key->second.name, key->second.protocol});
  std::vector<NamedPortId>& ids = named->second;
  ids.erase(std::find(ids.begin(), ids.end(), id));
  if (ids.empty()) by_name_.erase(named);
  entries_.erase(entry);
  keys_.erase(key);
}

const std::vector<NamedPortId>& NamedPortRegistry::Listeners(
    const std::string& name, uint8_t protocol) const {
  static const auto* const kNobody = new std::vector<NamedPortId>();
  auto it = by_name_.find({name, protocol});
  return it == by_name_.end() ? *kNobody : it->second;
}

}  // namespace netpol
