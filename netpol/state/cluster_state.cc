#include "netpol/state/cluster_state.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "netpol/policy/objects.h"

namespace netpol {
namespace {

Labels DefaultNamespaceLabels(absl::string_view name) {
  return Labels({{"kubernetes.io/metadata.name", std::string(name)}});
}

std::vector<IpAddress> UnionOf(const std::vector<IpAddress>& a,
                               const std::vector<IpAddress>& b) {
  std::vector<IpAddress> all = a;
  for (const IpAddress& address : b) {
    if (std::find(a.begin(), a.end(), address) == a.end())
      all.push_back(address);
  }
  return all;
}

bool IsYounger(const Pod& a, const Pod& b) {
  return std::tie(a.created_seconds, a.uid, a.key) >
         std::tie(b.created_seconds, b.uid, b.key);
}

// A policy's subject as a term of the index.
PodTerm SubjectTerm(const NetworkPolicy& policy) {
  return PodTerm{policy.key.namespace_name, {}, policy.subject};
}

}  // namespace

ClusterState::ClusterState(std::string node_name)
    : node_name_(std::move(node_name)) {}

// ---- this node

void ClusterState::UpsertNode(const Node& node) {
  if (node.name != node_name_ || own_node_ == node) return;
  own_node_ = node;
  dirty_.own_node = true;
}

void ClusterState::DeleteNode(absl::string_view name) {
  if (name != node_name_ || !own_node_.has_value()) return;
  own_node_.reset();
  dirty_.own_node = true;
}

// ---- namespaces

ClusterState::NamespaceRecord& ClusterState::NamespaceOf(
    absl::string_view name) {
  auto [it, inserted] = namespaces_.try_emplace(std::string(name));
  if (inserted) it->second.labels = DefaultNamespaceLabels(name);
  return it->second;
}

void ClusterState::ForgetIfUnused(absl::string_view name) {
  auto it = namespaces_.find(std::string(name));
  if (it != namespaces_.end() && !it->second.told && it->second.pods.empty() &&
      it->second.policies == 0) {
    namespaces_.erase(it);
  }
}

void ClusterState::SetNamespaceLabels(NamespaceRecord& record, Labels labels) {
  if (record.labels == labels) return;
  const std::vector<ExpressionId> affected =
      expressions_.ToldApartBy(record.labels, labels);
  record.labels = std::move(labels);
  for (const Pod* pod : record.pods) {
    for (const IpAddress& address : pod->addresses) {
      for (ExpressionId id : affected) {
        dirty_.memberships.push_back(
            {id, address, HasMember(expressions_.Get(id), address)});
      }
      TellNamedPorts(*pod, address);
    }
  }
}

void ClusterState::UpsertNamespace(const Namespace& ns) {
  NamespaceRecord& record = NamespaceOf(ns.name);
  if (!record.told) ++told_namespaces_;
  record.told = true;
  SetNamespaceLabels(record, ns.labels);
}

void ClusterState::DeleteNamespace(absl::string_view name) {
  auto it = namespaces_.find(std::string(name));
  if (it == namespaces_.end()) return;
  if (it->second.told) --told_namespaces_;
  it->second.told = false;
  SetNamespaceLabels(it->second, DefaultNamespaceLabels(name));
  ForgetIfUnused(name);
}

const Labels& ClusterState::NamespaceLabels(const Pod& pod) const {
  return namespaces_.at(pod.key.namespace_name).labels;
}

// ---- pods

void ClusterState::Link(const Pod& pod) {
  for (const IpAddress& address : pod.addresses)
    owners_[address].push_back(&pod);
  NamespaceRecord& ns = NamespaceOf(pod.key.namespace_name);
  ns.pods.insert(&pod);
  if (IsLocal(pod)) {
    ns.local_pods.insert(&pod);
    ++local_pods_;
  }
}

// Takes out what is known about `pod`, which looked like `as` when it was
// linked.
void ClusterState::Unlink(const Pod& pod, const Pod& as) {
  for (const IpAddress& address : as.addresses) {
    auto it = owners_.find(address);
    Owners& owners = it->second;
    owners.erase(std::find(owners.begin(), owners.end(), &pod));
    if (owners.empty()) owners_.erase(it);
  }
  NamespaceRecord& ns = NamespaceOf(as.key.namespace_name);
  ns.pods.erase(&pod);
  local_pods_ -= ns.local_pods.erase(&pod);
}

void ClusterState::UpsertPod(Pod pod) {
  auto it = pods_.find(pod.key);
  if (it == pods_.end()) {
    const ObjectKey key = pod.key;
    const Pod& stored = pods_.try_emplace(key, std::move(pod)).first->second;
    Link(stored);
    Tell(Pod{key, {}, {}, {}, {}, 0, ""}, stored);
    return;
  }
  if (it->second == pod) return;
  const Pod before = std::exchange(it->second, std::move(pod));
  Unlink(it->second, before);
  Link(it->second);
  Tell(before, it->second);
}

void ClusterState::DeletePod(const ObjectKey& key) {
  auto it = pods_.find(key);
  if (it == pods_.end()) return;
  Unlink(it->second, it->second);
  Tell(it->second, Pod{key, {}, {}, {}, {}, 0, ""});
  pods_.erase(it);
  ForgetIfUnused(key.namespace_name);
}

void ClusterState::Tell(const Pod& before, const Pod& after) {
  const bool moved = before.addresses != after.addresses ||
                     before.node_name != after.node_name;
  if (moved || before.labels != after.labels) TellMemberships(before, after);
  for (const IpAddress& address : UnionOf(before.addresses, after.addresses)) {
    // Who owns a shared address may have changed with anything.
    TellNamedPorts(before, address);
    auto it = owners_.find(address);
    if (it == owners_.end()) continue;
    for (const Pod* owner : it->second) TellNamedPorts(*owner, address);
  }
  TellLocal(before);
  TellLocal(after);
}

void ClusterState::TellMemberships(const Pod& before, const Pod& after) {
  const Labels& namespace_labels = NamespaceLabels(after);
  std::vector<ExpressionId> ids =
      expressions_.Matching(before, namespace_labels);
  for (ExpressionId id : expressions_.Matching(after, namespace_labels))
    ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  const std::vector<IpAddress> addresses =
      UnionOf(before.addresses, after.addresses);
  for (ExpressionId id : ids) {
    for (const IpAddress& address : addresses) {
      dirty_.memberships.push_back(
          {id, address, HasMember(expressions_.Get(id), address)});
    }
  }
}

void ClusterState::TellNamedPorts(const Pod& pod, const IpAddress& address) {
  for (const NamedPort& port : pod.ports) {
    for (NamedPortId id : named_ports_.Listeners(port.name, port.protocol)) {
      dirty_.named_ports.push_back(
          {id, address, port.number,
           HasNamedPort(named_ports_.Get(id), address, port.number)});
    }
  }
}

void ClusterState::TellLocal(const Pod& pod) {
  if (!IsLocal(pod)) return;
  dirty_.local_pods.insert(pod.key);
  for (const IpAddress& address : pod.addresses) {
    dirty_.local_addresses.insert(address);
    auto it = owners_.find(address);
    if (it == owners_.end()) continue;
    for (const Pod* other : it->second) {
      if (IsLocal(*other)) dirty_.local_pods.insert(other->key);
    }
  }
}

const Pod* ClusterState::FindPod(const ObjectKey& key) const {
  auto it = pods_.find(key);
  return it == pods_.end() ? nullptr : &it->second;
}

const Pod* ClusterState::LocalOwner(const IpAddress& address) const {
  auto it = owners_.find(address);
  if (it == owners_.end()) return nullptr;
  const Pod* owner = nullptr;
  for (const Pod* pod : it->second) {
    if (IsLocal(*pod) && (owner == nullptr || IsYounger(*pod, *owner)))
      owner = pod;
  }
  return owner;
}

const Pod* ClusterState::OwnerOf(const IpAddress& address) const {
  const Pod* owner = LocalOwner(address);
  if (owner != nullptr) return owner;
  for (const Pod* pod : OwnersOf(address)) {
    if (owner == nullptr || IsYounger(*pod, *owner)) owner = pod;
  }
  return owner;
}

absl::Span<const Pod* const> ClusterState::OwnersOf(
    const IpAddress& address) const {
  auto it = owners_.find(address);
  if (it == owners_.end()) return {};
  return absl::MakeConstSpan(it->second.data(), it->second.size());
}

bool ClusterState::Chooses(const PodTerm& term, const Pod& pod) const {
  return term.MatchesNamespace(pod.key.namespace_name, NamespaceLabels(pod)) &&
         term.pods.Matches(pod.labels);
}

std::vector<std::string> ClusterState::PodNames(
    absl::string_view namespace_name) const {
  std::vector<std::string> names;
  auto it = namespaces_.find(std::string(namespace_name));
  if (it == namespaces_.end()) return names;
  for (const Pod* pod : it->second.pods) names.push_back(pod->key.name);
  std::sort(names.begin(), names.end());
  return names;
}

// ---- policies

void ClusterState::MarkSubjects(const NetworkPolicy& policy) {
  for (const Pod* pod : NamespaceOf(policy.key.namespace_name).local_pods) {
    if (policy.subject.Matches(pod->labels)) dirty_.local_pods.insert(pod->key);
  }
}

void ClusterState::UpsertPolicy(NetworkPolicy policy) {
  auto [it, inserted] = policies_.try_emplace(policy.key);
  PolicyRecord& record = it->second;
  if (!inserted && record.policy == policy) return;
  if (inserted) {
    record.id = next_policy_id_++;
    policies_by_id_[record.id] = &record;
    ++NamespaceOf(policy.key.namespace_name).policies;
  } else {
    subjects_.Remove(SubjectTerm(record.policy), record.id);
    MarkSubjects(record.policy);
  }
  record.policy = std::move(policy);
  subjects_.Add(SubjectTerm(record.policy), record.id);
  MarkSubjects(record.policy);
  dirty_.policies.insert(record.policy.key);
}

void ClusterState::DeletePolicy(const ObjectKey& key) {
  auto it = policies_.find(key);
  if (it == policies_.end()) return;
  subjects_.Remove(SubjectTerm(it->second.policy), it->second.id);
  MarkSubjects(it->second.policy);
  policies_by_id_.erase(it->second.id);
  policies_.erase(it);
  dirty_.policies.insert(key);
  --NamespaceOf(key.namespace_name).policies;
  ForgetIfUnused(key.namespace_name);
}

const NetworkPolicy* ClusterState::FindPolicy(const ObjectKey& key) const {
  auto it = policies_.find(key);
  return it == policies_.end() ? nullptr : &it->second.policy;
}

std::vector<const NetworkPolicy*> ClusterState::PoliciesSelecting(
    const Pod& pod) const {
  std::vector<const NetworkPolicy*> policies;
  for (TermIndex::Id id :
       subjects_.Candidates(pod.key.namespace_name, Labels(), pod.labels)) {
    const NetworkPolicy& policy = policies_by_id_.at(id)->policy;
    if (policy.subject.Matches(pod.labels)) policies.push_back(&policy);
  }
  std::sort(policies.begin(), policies.end(),
            [](const NetworkPolicy* a, const NetworkPolicy* b) {
              return a->key < b->key;
            });
  return policies;
}

// ---- listeners

DirtySet ClusterState::TakeDirty() { return std::exchange(dirty_, DirtySet()); }

ExpressionId ClusterState::Watch(const PodSetExpression& expression) {
  return expressions_.Acquire(expression);
}

void ClusterState::Unwatch(ExpressionId id) { expressions_.Release(id); }

template <typename Visitor>
void ClusterState::VisitPods(const PodSetExpression& expression,
                             Visitor visit) const {
  for (const PodTerm& term : expression.terms()) {
    const auto look = [&](const std::string& name, const NamespaceRecord& ns) {
      if (!term.MatchesNamespace(name, ns.labels)) return;
      for (const Pod* pod : ns.pods) {
        if (!pod->addresses.empty() && term.pods.Matches(pod->labels)) {
          visit(*pod);
        }
      }
    };
    if (term.namespace_name.empty()) {
      for (const auto& [name, ns] : namespaces_) look(name, ns);
    } else if (auto it = namespaces_.find(term.namespace_name);
               it != namespaces_.end()) {
      look(it->first, it->second);
    }
  }
}

std::vector<IpAddress> ClusterState::Members(ExpressionId id) const {
  std::vector<IpAddress> members;
  VisitPods(expressions_.Get(id), [&](const Pod& pod) {
    members.insert(members.end(), pod.addresses.begin(), pod.addresses.end());
  });
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  return members;
}

bool ClusterState::HasMember(const PodSetExpression& expression,
                             const IpAddress& address) const {
  auto it = owners_.find(address);
  if (it == owners_.end()) return false;
  return std::any_of(it->second.begin(), it->second.end(), [&](const Pod* pod) {
    return SelectorIndex::Matches(expression, *pod, NamespaceLabels(*pod));
  });
}

NamedPortId ClusterState::WatchNamedPort(const NamedPortKey& key) {
  return named_ports_.Acquire(key);
}

void ClusterState::UnwatchNamedPort(NamedPortId id) {
  named_ports_.Release(id);
}

std::vector<NamedPortMember> ClusterState::NamedPortMembers(
    NamedPortId id) const {
  const NamedPortKey& key = named_ports_.Get(id);
  std::vector<NamedPortMember> members;
  const auto take = [&](const Pod& pod) {
    for (const NamedPort& port : pod.ports) {
      if (port.name != key.name || port.protocol != key.protocol) continue;
      for (const IpAddress& address : pod.addresses) {
        if (!key.local_only || LocalOwner(address) == &pod) {
          members.push_back({address, port.number});
        }
      }
    }
  };
  if (key.among) {
    VisitPods(*key.among, take);
    return members;
  }
  for (const auto& [name, ns] : namespaces_) {
    for (const Pod* pod : key.local_only ? ns.local_pods : ns.pods) take(*pod);
  }
  return members;
}

bool ClusterState::HasNamedPort(const NamedPortKey& key,
                                const IpAddress& address,
                                uint16_t number) const {
  const NamedPort port{key.name, key.protocol, number};
  const auto declares = [&](const Pod* pod) {
    return std::find(pod->ports.begin(), pod->ports.end(), port) !=
               pod->ports.end() &&
           (!key.among ||
            SelectorIndex::Matches(*key.among, *pod, NamespaceLabels(*pod)));
  };
  if (key.local_only) {
    // The pod whose policies ask is the one that has the address.
    const Pod* owner = LocalOwner(address);
    return owner != nullptr && declares(owner);
  }
  auto it = owners_.find(address);
  return it != owners_.end() &&
         std::any_of(it->second.begin(), it->second.end(), declares);
}

}  // namespace netpol
