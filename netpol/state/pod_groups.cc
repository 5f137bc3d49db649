#include "netpol/state/pod_groups.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/hash/hash.h"

namespace netpol {
namespace {

uint64_t LabelHash(absl::string_view key, absl::string_view value) {
  return absl::HashOf(key, value);
}

}  // namespace

uint32_t PodGroups::NewGroup(const Labels& labels) {
  uint32_t id = static_cast<uint32_t>(groups_.size());
  if (free_ids_.empty()) {
    groups_.emplace_back();
  } else {
    id = free_ids_.back();
    free_ids_.pop_back();
  }
  groups_[id] = std::make_unique<Group>();
  groups_[id]->labels = labels;
  labels.ForEach([&](absl::string_view key, absl::string_view value) {
    by_label_[LabelHash(key, value)].push_back(id);
  });
  return id;
}

void PodGroups::Forget(uint32_t id) {
  groups_[id]->labels.ForEach(
      [&](absl::string_view key, absl::string_view value) {
        auto it = by_label_.find(LabelHash(key, value));
        Ids& ids = it->second;
        *std::find(ids.begin(), ids.end(), id) = ids.back();
        ids.pop_back();
        if (ids.empty()) by_label_.erase(it);
      });
  groups_[id] = nullptr;
  free_ids_.push_back(id);
}

void PodGroups::Add(const Pod& pod) {
  auto [it, inserted] =
      namespaces_[pod.key.namespace_name].try_emplace(pod.labels, 0);
  if (inserted) it->second = NewGroup(pod.labels);
  groups_[it->second]->pods.insert(&pod);
}

void PodGroups::Remove(const Pod& pod) {
  auto of_namespace = namespaces_.find(pod.key.namespace_name);
  auto it = of_namespace->second.find(pod.labels);
  const uint32_t id = it->second;
  groups_[id]->pods.erase(&pod);
  if (!groups_[id]->pods.empty()) return;
  Forget(id);
  of_namespace->second.erase(it);
  if (of_namespace->second.empty()) namespaces_.erase(of_namespace);
}

bool PodGroups::IsAnchored(const Selector& selector) {
  const Requirement* anchor = selector.Anchor();
  return anchor != nullptr && anchor->op == Requirement::Operator::kIn;
}

std::vector<uint32_t> PodGroups::Candidates(const Selector& selector) const {
  // The shortest of all ways.
  std::vector<uint32_t> shortest;
  bool found = false;
  for (const Requirement& requirement : selector.requirements()) {
    if (requirement.op != Requirement::Operator::kIn) continue;
    size_t size = 0;
    std::vector<const Ids*> lists;
    for (const std::string& value : requirement.values) {
      auto it = by_label_.find(LabelHash(requirement.key, value));
      if (it == by_label_.end()) continue;
      lists.push_back(&it->second);
      size += it->second.size();
    }
    if (found && size >= shortest.size()) continue;
    found = true;
    shortest.clear();
    for (const Ids* ids : lists)
      shortest.insert(shortest.end(), ids->begin(), ids->end());
  }
  // Labels of one hash would give a group twice.
  std::sort(shortest.begin(), shortest.end());
  shortest.erase(std::unique(shortest.begin(), shortest.end()), shortest.end());
  return shortest;
}

}  // namespace netpol
