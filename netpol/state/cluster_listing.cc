// The part of ClusterState that a new listing of everything needs.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "netpol/state/cluster_state.h"

namespace netpol {

void ClusterState::SetListing(ListedKind kind, bool on) {
  const auto bit = static_cast<uint8_t>(1u << static_cast<unsigned>(kind));
  listing_ = static_cast<uint8_t>(on ? listing_ | bit : listing_ & ~bit);
}

void ClusterState::BeginListing(ListedKind kind) {
  SetListing(kind, true);
  switch (kind) {
    case ListedKind::kNamespaces:
      for (auto& [name, record] : namespaces_) record.in_listing = false;
      return;
    case ListedKind::kPods:
      for (const auto& pod : pods_) pod->in_listing = false;
      return;
    case ListedKind::kNodes:
      own_node_in_listing_ = false;
      return;
    case ListedKind::kPolicies:
      for (const auto& policy : policies_) policy->in_listing = false;
      return;
  }
}

std::vector<ObjectKey> ClusterState::NotInListing(ListedKind kind) const {
  std::vector<ObjectKey> keys;
  switch (kind) {
    case ListedKind::kNamespaces:
      for (const auto& [name, record] : namespaces_) {
        if (record.told && !record.in_listing)
          keys.push_back(ObjectKey{"", name});
      }
      break;
    case ListedKind::kPods:
      for (const auto& pod : pods_) {
        if (!pod->in_listing) keys.push_back(pod->key);
      }
      break;
    case ListedKind::kNodes:
      if (own_node_.has_value() && !own_node_in_listing_)
        keys.push_back(ObjectKey{"", node_name_});
      break;
    case ListedKind::kPolicies:
      for (const auto& policy : policies_) {
        if (!policy->in_listing) keys.push_back(policy->key);
      }
      break;
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

void ClusterState::Delete(ListedKind kind, const ObjectKey& key) {
  switch (kind) {
    case ListedKind::kNamespaces:
      return DeleteNamespace(key.name);
    case ListedKind::kPods:
      return DeletePod(key);
    case ListedKind::kNodes:
      return DeleteNode(key.name);
    case ListedKind::kPolicies:
      return DeletePolicy(key);
  }
}

std::vector<ObjectKey> ClusterState::EndListing(ListedKind kind) {
  if (!Listing(kind)) return {};
  SetListing(kind, false);
  std::vector<ObjectKey> gone = NotInListing(kind);
  for (const ObjectKey& key : gone) Delete(kind, key);
  return gone;
}

}  // namespace netpol
