#include "netpol/state/address_owners.h"

#include <algorithm>
#include <vector>

namespace netpol {
namespace {

uint32_t IndexOf(const Pod& pod, const IpAddress& address) {
  const auto it =
      std::find(pod.addresses.begin(), pod.addresses.end(), address);
  return static_cast<uint32_t>(it - pod.addresses.begin());
}

}  // namespace

void AddressOwners::Add(const Pod& pod) {
  for (uint32_t i = 0; i < pod.addresses.size(); ++i) {
    const IpAddress& address = pod.addresses[i];
    if (auto it = shared_.find(address); it != shared_.end()) {
      it->second.push_back(&pod);
      continue;
    }
    auto [it, inserted] = single_.insert(Claim{&pod, i});
    if (inserted) continue;
    shared_[address] = {it->pod, &pod};
    single_.erase(it);
  }
}

void AddressOwners::Remove(const Pod& pod) {
  for (const IpAddress& address : pod.addresses) {
    if (auto it = single_.find(address); it != single_.end()) {
      single_.erase(it);
    } else {
      RemoveShared(address, pod);
    }
  }
}

void AddressOwners::RemoveShared(const IpAddress& address, const Pod& pod) {
  auto it = shared_.find(address);
  if (it == shared_.end()) return;
  std::vector<const Pod*>& pods = it->second;
  pods.erase(std::find(pods.begin(), pods.end(), &pod));
  if (pods.size() > 1) return;
  const Pod* last = pods.front();
  shared_.erase(it);
  single_.insert(Claim{last, IndexOf(*last, address)});
}

absl::Span<const Pod* const> AddressOwners::Of(const IpAddress& address) const {
  if (auto it = single_.find(address); it != single_.end())
    return absl::MakeConstSpan(&it->pod, 1);
  if (auto it = shared_.find(address); it != shared_.end()) return it->second;
  return {};
}

}  // namespace netpol
