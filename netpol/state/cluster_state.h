// What the cluster is, as told so far, and what of it changed.
#ifndef NETPOL_STATE_CLUSTER_STATE_H_
#define NETPOL_STATE_CLUSTER_STATE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "netpol/base/ip.h"
#include "netpol/policy/object_key.h"
#include "netpol/policy/objects.h"
#include "netpol/policy/selector.h"
#include "netpol/state/address_owners.h"
#include "netpol/state/dirty_set.h"
#include "netpol/state/keyed_set.h"
#include "netpol/state/named_port_registry.h"
#include "netpol/state/pod_groups.h"
#include "netpol/state/selector_index.h"
#include "netpol/state/shared_parts.h"
#include "netpol/state/term_index.h"

namespace netpol {

// What a listing is of.
enum class ListedKind : uint8_t { kNamespaces, kPods, kNodes, kPolicies };

// Pods, namespaces and policies of the whole cluster, seen from one node, and
// that node.
// Updates touch memory only and cost in proportion to what they change. Objects
// may arrive in any order; a pod whose namespace is unknown counts as being in
// one that has no labels but its name. Thread-compatible.
class ClusterState {
 public:
  // Pods with spec.nodeName == `node_name` are local.
  explicit ClusterState(std::string node_name);

  void UpsertNamespace(const Namespace& ns);
  void DeleteNamespace(absl::string_view name);
  // Other nodes than our own are forgotten at once.
  void UpsertNode(const Node& node);
  void DeleteNode(absl::string_view name);
  void UpsertPod(Pod pod);
  void DeletePod(const ObjectKey& key);
  void UpsertPolicy(NetworkPolicy policy);
  void DeletePolicy(const ObjectKey& key);

  // Everything of one kind is about to be told: what is not upserted until
  // EndListing() is forgotten there. Another begin starts anew. These two cost
  // in proportion to all objects of the kind.
  void BeginListing(ListedKind kind);
  // What was forgotten, name alone for kinds without namespaces. Nothing if
  // there was no begin.
  std::vector<ObjectKey> EndListing(ListedKind kind);
  // What is not told stays.
  void CancelListing(ListedKind kind) { SetListing(kind, false); }

  // Everything since the last call.
  DirtySet TakeDirty();

  // What somebody listens to: members of expressions and named ports.
  ExpressionId Watch(const PodSetExpression& expression);
  void Unwatch(ExpressionId id);
  std::vector<IpAddress> Members(ExpressionId id) const;

  NamedPortId WatchNamedPort(const NamedPortKey& key);
  void UnwatchNamedPort(NamedPortId id);
  const NamedPortKey& GetNamedPort(NamedPortId id) const {
    return named_ports_.Get(id);
  }
  // A member may stand there more than once.
  std::vector<NamedPortMember> NamedPortMembers(NamedPortId id) const;

  // nullptr if there is none.
  const NetworkPolicy* FindPolicy(const ObjectKey& key) const;
  const Pod* FindPod(const ObjectKey& key) const;

  // The policies that select the pod, in order of their keys.
  std::vector<const NetworkPolicy*> PoliciesSelecting(const Pod& pod) const;

  // The pod of this node that has `address`: the youngest, if several claim it;
  // nullptr if none does.
  const Pod* LocalOwner(const IpAddress& address) const;
  bool IsLocal(const Pod& pod) const { return *pod.node_name == node_name_; }

  // The Node object of this node; nullptr while there is none.
  const Node* own_node() const {
    return own_node_.has_value() ? &*own_node_ : nullptr;
  }

  // The pod whose policies judge at `address`, on its own node: LocalOwner(),
  // else the youngest of the others; nullptr if there is none.
  const Pod* OwnerOf(const IpAddress& address) const;
  // Every pod that has `address`, on whichever node, in no order. Until the
  // next update.
  absl::Span<const Pod* const> OwnersOf(const IpAddress& address) const {
    return owners_.Of(address);
  }
  // Whether `term` chooses `pod`, which must be one of this cluster's.
  bool Chooses(const PodTerm& term, const Pod& pod) const;
  // Names of the pods of one namespace, sorted. Costs as many.
  std::vector<std::string> PodNames(absl::string_view namespace_name) const;

  size_t pod_count() const { return pods_.size(); }
  size_t namespace_count() const { return told_namespaces_; }
  size_t local_pod_count() const { return local_pods_; }
  size_t policy_count() const { return policies_.size(); }

 private:
  struct NamespaceRecord {
    Labels labels;
    bool told = false;  // false: only pods or policies spoke of it
    bool in_listing = false;
    absl::flat_hash_set<const Pod*> local_pods;
    int policies = 0;
  };
  struct PodRecord : Pod {
    explicit PodRecord(Pod pod) : Pod(std::move(pod)) {}

    bool in_listing = true;  // told since the last BeginListing()
  };
  struct PolicyRecord : NetworkPolicy {
    TermIndex::Id id = 0;
    bool in_listing = true;
  };

  bool Listing(ListedKind kind) const {
    return (listing_ & (1u << static_cast<unsigned>(kind))) != 0;
  }
  void SetListing(ListedKind kind, bool on);
  // Deletes what is there, in the order of its keys.
  void Delete(ListedKind kind, const ObjectKey& key);
  std::vector<ObjectKey> NotInListing(ListedKind kind) const;

  NamespaceRecord& NamespaceOf(absl::string_view name);
  void ForgetIfUnused(absl::string_view name);
  void SetNamespaceLabels(absl::string_view name, NamespaceRecord& record,
                          Labels labels);
  const Labels& NamespaceLabels(const Pod& pod) const;

  void Link(const Pod& pod);
  void Unlink(const Pod& pod);
  // Tells everything that the pod had to do with, as it was and as it is.
  void Tell(const Pod& before, const Pod& after);
  void TellMemberships(const Pod& before, const Pod& after);
  void TellNamedPorts(const Pod& pod, const IpAddress& address);
  // Whether `pod` may be a member of the port, whatever labels its namespace
  // has.
  bool MayDeclare(const Pod& pod, const NamedPortKey& key) const;
  void TellLocal(const Pod& pod);
  void MarkSubjects(const NetworkPolicy& policy);

  // Calls `visit` with every group that `term` chooses.
  template <typename Visitor>
  void VisitGroups(const PodTerm& term, Visitor visit) const;
  // Calls `visit` with every pod that has an address and that `expression`
  // chooses; once for each term that does.
  template <typename Visitor>
  void VisitPods(const PodSetExpression& expression, Visitor visit) const;
  bool HasMember(const PodSetExpression& expression,
                 const IpAddress& address) const;
  bool HasNamedPort(const NamedPortKey& key, const IpAddress& address,
                    uint16_t number) const;

  std::string node_name_;
  absl::optional<Node> own_node_;
  bool own_node_in_listing_ = false;
  uint8_t listing_ = 0;  // a bit for each ListedKind
  size_t told_namespaces_ = 0;
  size_t local_pods_ = 0;
  absl::flat_hash_map<std::string, NamespaceRecord> namespaces_;
  // The others point to these.
  KeyedSet<PodRecord> pods_;
  PodGroups groups_;
  AddressOwners owners_;
  SharedParts parts_;

  KeyedSet<PolicyRecord> policies_;
  absl::flat_hash_map<TermIndex::Id, const PolicyRecord*> policies_by_id_;
  TermIndex::Id next_policy_id_ = 0;
  TermIndex subjects_;

  SelectorIndex expressions_;
  NamedPortRegistry named_ports_;
  DirtySet dirty_;
};

}  // namespace netpol

#endif  // NETPOL_STATE_CLUSTER_STATE_H_
