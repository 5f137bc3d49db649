#include "netpol/state/pod_groups.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
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

std::vector<const PodGroups::Ids*> PodGroups::WithLabel(
    const Requirement& requirement) const {
  std::vector<const Ids*> lists;
  for (const std::string& value : requirement.values) {
    auto it = by_label_.find(LabelHash(requirement.key, value));
    if (it != by_label_.end()) lists.push_back(&it->second);
  }
  return lists;
}

std::vector<uint32_t> PodGroups::Candidates(const Selector& selector) const {
  std::vector<const Ids*> shortest;
  size_t least = std::numeric_limits<size_t>::max();
  for (const Requirement& requirement : selector.requirements()) {
    if (requirement.op != Requirement::Operator::kIn) continue;
    std::vector<const Ids*> lists = WithLabel(requirement);
    size_t size = 0;
    for (const Ids* ids : lists) size += ids->size();
    if (size >= least) continue;
    least = size;
    shortest = std::move(lists);
  }
  std::vector<uint32_t> candidates;
  for (const Ids* ids : shortest)
    candidates.insert(candidates.end(), ids->begin(), ids->end());
  // Labels of one hash would give a group twice.
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()),
                   candidates.end());
  return candidates;
}

}  // namespace netpol
