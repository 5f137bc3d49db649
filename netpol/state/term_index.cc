#include "netpol/state/term_index.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/hash/hash.h"

namespace netpol {
namespace {

// Where a term is looked for: in one namespace, in any by the pod's labels, or
// by the namespace's labels.
enum class Scope : char { kNamespace, kAnyNamespace, kNamespaceLabel };
// What of a label counts.
enum class Part : char { kValue, kAnyValue, kNone };

// Two of one hash cost a lookup some candidates more, and nothing else.
uint64_t Bucket(Scope scope, absl::string_view namespace_name, Part part,
                absl::string_view key, absl::string_view value) {
  return absl::HashOf(scope, namespace_name, part, key, value);
}

// The buckets a term is filed in; any pod that matches it asks for one of them.
std::vector<uint64_t> BucketsOf(const PodTerm& term) {
  const bool one_namespace = !term.namespace_name.empty();
  Scope scope = one_namespace ? Scope::kNamespace : Scope::kAnyNamespace;
  const Requirement* anchor = term.pods.Anchor();
  if (anchor == nullptr && !one_namespace) {
    anchor = term.namespaces.Anchor();
    if (anchor != nullptr) scope = Scope::kNamespaceLabel;
  }
  const absl::string_view name = term.namespace_name;
  if (anchor == nullptr) return {Bucket(scope, name, Part::kNone, "", "")};
  if (anchor->op == Requirement::Operator::kExists)
    return {Bucket(scope, name, Part::kAnyValue, anchor->key, "")};
  std::vector<uint64_t> buckets;
  for (const std::string& value : anchor->values)
    buckets.push_back(Bucket(scope, name, Part::kValue, anchor->key, value));
  return buckets;
}

void SortUnique(std::vector<TermIndex::Id>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

}  // namespace

void TermIndex::Add(const PodTerm& term, Id id) {
  for (uint64_t bucket : BucketsOf(term)) buckets_[bucket].push_back(id);
  if (term.namespace_name.empty()) ++namespace_selecting_[id];
}

void TermIndex::Remove(const PodTerm& term, Id id) {
  for (uint64_t key : BucketsOf(term)) {
    auto bucket = buckets_.find(key);
    if (bucket == buckets_.end()) continue;
    Ids& ids = bucket->second;
    if (auto it = std::find(ids.begin(), ids.end(), id); it != ids.end()) {
      *it = ids.back();
      ids.pop_back();
    }
    if (ids.empty()) buckets_.erase(bucket);
  }
  if (term.namespace_name.empty()) {
    auto it = namespace_selecting_.find(id);
    if (it != namespace_selecting_.end() && --it->second == 0)
      namespace_selecting_.erase(it);
  }
}

std::vector<TermIndex::Id> TermIndex::Candidates(
    absl::string_view namespace_name, const Labels& namespace_labels,
    const Labels& labels) const {
  std::vector<Id> ids;
  if (buckets_.empty()) return ids;
  const auto take = [&](uint64_t key) {
    auto bucket = buckets_.find(key);
    if (bucket != buckets_.end()) {
      ids.insert(ids.end(), bucket->second.begin(), bucket->second.end());
    }
  };
  const auto take_labels = [&](Scope scope, absl::string_view name,
                               const Labels& of) {
    of.ForEach([&](absl::string_view key, absl::string_view value) {
      take(Bucket(scope, name, Part::kValue, key, value));
      take(Bucket(scope, name, Part::kAnyValue, key, ""));
    });
  };
  take_labels(Scope::kNamespace, namespace_name, labels);
  take(Bucket(Scope::kNamespace, namespace_name, Part::kNone, "", ""));
  take_labels(Scope::kAnyNamespace, "", labels);
  take(Bucket(Scope::kAnyNamespace, "", Part::kNone, "", ""));
  take_labels(Scope::kNamespaceLabel, "", namespace_labels);
  SortUnique(ids);
  return ids;
}

std::vector<TermIndex::Id> TermIndex::NamespaceSelecting() const {
  std::vector<Id> ids;
  for (const auto& [id, terms] : namespace_selecting_) ids.push_back(id);
  SortUnique(ids);
  return ids;
}

}  // namespace netpol
