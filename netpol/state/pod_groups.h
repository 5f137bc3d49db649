// Pods of one namespace that have the same labels, found by namespace and by
// label.
#ifndef NETPOL_STATE_POD_GROUPS_H_
#define NETPOL_STATE_POD_GROUPS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "netpol/policy/labels.h"
#include "netpol/policy/objects.h"
#include "netpol/policy/selector.h"

namespace netpol {

// A selector is asked once for all replicas of a workload, and finds those of
// the whole cluster by a label that it needs. Thread-compatible.
class PodGroups {
 public:
  struct Group {
    Labels labels;
    absl::flat_hash_set<const Pod*> pods;  // never empty

    const std::string& namespace_name() const {
      return (*pods.begin())->key.namespace_name;
    }
  };

  // `pod` must outlive its place here, and Remove() it before it changes.
  void Add(const Pod& pod);
  void Remove(const Pod& pod);

  bool HasPods(absl::string_view namespace_name) const {
    return namespaces_.contains(namespace_name);
  }

  // Calls `visit(group)` for every group of the namespace.
  template <typename Visitor>
  void VisitNamespace(absl::string_view namespace_name, Visitor visit) const {
    auto it = namespaces_.find(namespace_name);
    if (it == namespaces_.end()) return;
    for (const auto& [labels, id] : it->second) visit(*groups_[id]);
  }

  // Whether Visit() has a short way for `selector`: one that asks for values of
  // a label.
  static bool IsAnchored(const Selector& selector);

  // Calls `visit(group)` for every group, of any namespace, that `selector`
  // chooses. IsAnchored(selector).
  template <typename Visitor>
  void Visit(const Selector& selector, Visitor visit) const {
    for (uint32_t id : Candidates(selector)) {
      if (selector.Matches(groups_[id]->labels)) visit(*groups_[id]);
    }
  }

 private:
  using Ids = absl::InlinedVector<uint32_t, 2>;

  // The groups that have one of the labels that a kIn asks for, by label.
  std::vector<const Ids*> WithLabel(const Requirement& requirement) const;
  // A superset of what `selector` chooses; each once. By the requirement that
  // the fewest meet.
  std::vector<uint32_t> Candidates(const Selector& selector) const;
  uint32_t NewGroup(const Labels& labels);
  void Forget(uint32_t id);

  std::vector<std::unique_ptr<Group>> groups_;  // by id; null if free
  std::vector<uint32_t> free_ids_;
  absl::flat_hash_map<std::string, absl::flat_hash_map<Labels, uint32_t>>
      namespaces_;
  // By the hash of a label. Two labels of one hash cost candidates only.
  absl::flat_hash_map<uint64_t, Ids> by_label_;
};

}  // namespace netpol

#endif  // NETPOL_STATE_POD_GROUPS_H_
