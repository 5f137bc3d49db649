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

using Addresses = absl::InlinedVector<IpAddress, 2>;

Addresses UnionOf(const Pod& a, const Pod& b) {
  Addresses all(a.addresses.begin(), a.addresses.end());
  for (const IpAddress& address : b.addresses) {
    if (std::find(all.begin(), all.end(), address) == all.end())
      all.push_back(address);
  }
  return all;
}

// A pod that is not there.
Pod NoPod(const ObjectKey& key) {
  Pod pod;
  pod.key = key;
  return pod;
}

bool IsYounger(const Pod& a, const Pod& b) {
  return std::tie(a.created_seconds, a.key) >
         std::tie(b.created_seconds, b.key);
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
  if (node.name != node_name_) return;
  own_node_in_listing_ = true;
  if (own_node_ == node) return;
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
  auto [it, inserted] = namespaces_.try_emplace(name);
  if (inserted) it->second.labels = DefaultNamespaceLabels(name);
  return it->second;
}

void ClusterState::ForgetIfUnused(absl::string_view name) {
  auto it = namespaces_.find(name);
  if (it != namespaces_.end() && !it->second.told && !groups_.HasPods(name) &&
      it->second.policies == 0) {
    namespaces_.erase(it);
  }
}

void ClusterState::SetNamespaceLabels(absl::string_view name,
                                      NamespaceRecord& record, Labels labels) {
  if (record.labels == labels) return;
  const std::vector<ExpressionId> affected =
      expressions_.ToldApartBy(record.labels, labels);
  record.labels = std::move(labels);
  groups_.VisitNamespace(name, [&](const PodGroups::Group& group) {
    std::vector<ExpressionId> told;
    for (ExpressionId id : affected) {
      if (SelectorIndex::MayMatch(expressions_.Get(id), **group.pods.begin()))
        told.push_back(id);
    }
    for (const Pod* pod : group.pods) {
      for (const IpAddress& address : pod->addresses) {
        for (ExpressionId id : told) {
          dirty_.memberships.push_back(
              {id, address, HasMember(expressions_.Get(id), address)});
        }
        TellNamedPorts(*pod, address);
      }
    }
  });
}

void ClusterState::UpsertNamespace(const Namespace& ns) {
  NamespaceRecord& record = NamespaceOf(ns.name);
  if (!record.told) ++told_namespaces_;
  record.told = true;
  record.in_listing = true;
  SetNamespaceLabels(ns.name, record, ns.labels);
}

void ClusterState::DeleteNamespace(absl::string_view name) {
  auto it = namespaces_.find(name);
  if (it == namespaces_.end()) return;
  if (it->second.told) --told_namespaces_;
  it->second.told = false;
  SetNamespaceLabels(name, it->second, DefaultNamespaceLabels(name));
  ForgetIfUnused(name);
}

const Labels& ClusterState::NamespaceLabels(const Pod& pod) const {
  return namespaces_.at(pod.key.namespace_name).labels;
}

// ---- pods

void ClusterState::Link(const Pod& pod) {
  owners_.Add(pod);
  groups_.Add(pod);
  NamespaceRecord& ns = NamespaceOf(pod.key.namespace_name);
  if (IsLocal(pod)) {
    ns.local_pods.insert(&pod);
    ++local_pods_;
  }
}

void ClusterState::Unlink(const Pod& pod) {
  owners_.Remove(pod);
  groups_.Remove(pod);
  NamespaceRecord& ns = NamespaceOf(pod.key.namespace_name);
  local_pods_ -= ns.local_pods.erase(&pod);
}

void ClusterState::UpsertPod(Pod pod) {
  auto it = pods_.find(pod.key);
  if (it == pods_.end()) {
    parts_.Share(pod);
    const auto stored =
        pods_.insert(std::make_unique<PodRecord>(std::move(pod))).first;
    Link(**stored);
    Tell(NoPod((*stored)->key), **stored);
    return;
  }
  (*it)->in_listing = true;
  Pod& stored = **it;
  if (stored == pod) return;
  Unlink(stored);
  parts_.Share(pod);
  const Pod before = std::exchange(stored, std::move(pod));
  Link(stored);
  Tell(before, stored);
}

void ClusterState::DeletePod(const ObjectKey& key) {
  auto it = pods_.find(key);
  if (it == pods_.end()) return;
  Unlink(**it);
  Tell(**it, NoPod(key));
  pods_.erase(it);
  ForgetIfUnused(key.namespace_name);
}

void ClusterState::Tell(const Pod& before, const Pod& after) {
  const bool moved = before.addresses != after.addresses ||
                     before.node_name != after.node_name;
  if (moved || before.labels != after.labels) TellMemberships(before, after);
  for (const IpAddress& address : UnionOf(before, after)) {
    // Who owns a shared address may have changed with anything.
    TellNamedPorts(before, address);
    for (const Pod* owner : owners_.Of(address))
      TellNamedPorts(*owner, address);
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
  const Addresses addresses = UnionOf(before, after);
  for (ExpressionId id : ids) {
    for (const IpAddress& address : addresses) {
      dirty_.memberships.push_back(
          {id, address, HasMember(expressions_.Get(id), address)});
    }
  }
}

bool ClusterState::MayDeclare(const Pod& pod, const NamedPortKey& key) const {
  return (!key.local_only || IsLocal(pod)) &&
         (!key.among || SelectorIndex::MayMatch(*key.among, pod));
}

void ClusterState::TellNamedPorts(const Pod& pod, const IpAddress& address) {
  for (const NamedPort& port : *pod.ports) {
    for (NamedPortId id : named_ports_.Listeners(port.name, port.protocol)) {
      const NamedPortKey& key = named_ports_.Get(id);
      if (!MayDeclare(pod, key)) continue;
      dirty_.named_ports.push_back(
          {id, address, port.number, HasNamedPort(key, address, port.number)});
    }
  }
}

void ClusterState::TellLocal(const Pod& pod) {
  if (!IsLocal(pod)) return;
  dirty_.local_pods.insert(pod.key);
  for (const IpAddress& address : pod.addresses) {
    dirty_.local_addresses.insert(address);
    for (const Pod* other : owners_.Of(address)) {
      if (IsLocal(*other)) dirty_.local_pods.insert(other->key);
    }
  }
}

const Pod* ClusterState::FindPod(const ObjectKey& key) const {
  auto it = pods_.find(key);
  return it == pods_.end() ? nullptr : it->get();
}

const Pod* ClusterState::LocalOwner(const IpAddress& address) const {
  const Pod* owner = nullptr;
  for (const Pod* pod : owners_.Of(address)) {
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

bool ClusterState::Chooses(const PodTerm& term, const Pod& pod) const {
  return term.MatchesNamespace(pod.key.namespace_name, NamespaceLabels(pod)) &&
         term.pods.Matches(pod.labels);
}

std::vector<std::string> ClusterState::PodNames(
    absl::string_view namespace_name) const {
  std::vector<std::string> names;
  groups_.VisitNamespace(namespace_name, [&](const PodGroups::Group& group) {
    for (const Pod* pod : group.pods) names.push_back(pod->key.name);
  });
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
  parts_.Share(policy);
  auto it = policies_.find(policy.key);
  if (it != policies_.end()) {
    (*it)->in_listing = true;
    NetworkPolicy& stored = **it;
    if (stored == policy) return;
    subjects_.Remove(SubjectTerm(stored), (*it)->id);
    MarkSubjects(stored);
    stored = std::move(policy);
  } else {
    auto record = std::make_unique<PolicyRecord>();
    static_cast<NetworkPolicy&>(*record) = std::move(policy);
    record->id = next_policy_id_++;
    policies_by_id_[record->id] = record.get();
    ++NamespaceOf(record->key.namespace_name).policies;
    it = policies_.insert(std::move(record)).first;
  }
  const PolicyRecord& record = **it;
  subjects_.Add(SubjectTerm(record), record.id);
  MarkSubjects(record);
  dirty_.policies.insert(record.key);
}

void ClusterState::DeletePolicy(const ObjectKey& key) {
  auto it = policies_.find(key);
  if (it == policies_.end()) return;
  subjects_.Remove(SubjectTerm(**it), (*it)->id);
  MarkSubjects(**it);
  policies_by_id_.erase((*it)->id);
  policies_.erase(it);
  dirty_.policies.insert(key);
  --NamespaceOf(key.namespace_name).policies;
  ForgetIfUnused(key.namespace_name);
}

const NetworkPolicy* ClusterState::FindPolicy(const ObjectKey& key) const {
  auto it = policies_.find(key);
  return it == policies_.end() ? nullptr : it->get();
}

std::vector<const NetworkPolicy*> ClusterState::PoliciesSelecting(
    const Pod& pod) const {
  std::vector<const NetworkPolicy*> policies;
  for (TermIndex::Id id :
       subjects_.Candidates(pod.key.namespace_name, Labels(), pod.labels)) {
    const NetworkPolicy& policy = *policies_by_id_.at(id);
    if (policy.key.namespace_name == pod.key.namespace_name &&
        policy.subject.Matches(pod.labels))
      policies.push_back(&policy);
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
void ClusterState::VisitGroups(const PodTerm& term, Visitor visit) const {
  const auto look = [&](const PodGroups::Group& group) {
    if (term.pods.Matches(group.labels)) visit(group);
  };
  if (!term.namespace_name.empty()) {
    groups_.VisitNamespace(term.namespace_name, look);
  } else if (PodGroups::IsAnchored(term.pods)) {
    groups_.Visit(term.pods, [&](const PodGroups::Group& group) {
      const NamespaceRecord& ns = namespaces_.at(group.namespace_name());
      if (term.namespaces.Matches(ns.labels)) visit(group);
    });
  } else {
    for (const auto& [name, ns] : namespaces_) {
      if (term.namespaces.Matches(ns.labels))
        groups_.VisitNamespace(name, look);
    }
  }
}

template <typename Visitor>
void ClusterState::VisitPods(const PodSetExpression& expression,
                             Visitor visit) const {
  for (const PodTerm& term : expression.terms()) {
    VisitGroups(term, [&](const PodGroups::Group& group) {
      for (const Pod* pod : group.pods) {
        if (!pod->addresses.empty()) visit(*pod);
      }
    });
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
  const absl::Span<const Pod* const> owners = owners_.Of(address);
  return std::any_of(owners.begin(), owners.end(), [&](const Pod* pod) {
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
    for (const NamedPort& port : *pod.ports) {
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
    if (key.local_only) {
      for (const Pod* pod : ns.local_pods) take(*pod);
      continue;
    }
    groups_.VisitNamespace(name, [&](const PodGroups::Group& group) {
      for (const Pod* pod : group.pods) take(*pod);
    });
  }
  return members;
}

bool ClusterState::HasNamedPort(const NamedPortKey& key,
                                const IpAddress& address,
                                uint16_t number) const {
  const NamedPort port{key.name, key.protocol, number};
  const auto declares = [&](const Pod* pod) {
    return std::find(pod->ports->begin(), pod->ports->end(), port) !=
               pod->ports->end() &&
           (!key.among ||
            SelectorIndex::Matches(*key.among, *pod, NamespaceLabels(*pod)));
  };
  if (key.local_only) {
    // The pod whose policies ask is the one that has the address.
    const Pod* owner = LocalOwner(address);
    return owner != nullptr && declares(owner);
  }
  const absl::Span<const Pod* const> owners = owners_.Of(address);
  return std::any_of(owners.begin(), owners.end(), declares);
}

}  // namespace netpol
