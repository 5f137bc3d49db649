#include "netpol/state/term_index.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

// Keys cannot run into one another: labels and namespaces hold no zero byte.
std::string BucketKey(absl::string_view scope, absl::string_view label_key,
                      absl::string_view label_value) {
  constexpr absl::string_view kSeparator("\0", 1);
  return absl::StrCat(scope, kSeparator, label_key, kSeparator, label_value);
}

// Scopes: one namespace, any namespace by the pod's labels, or by the
// namespace's.
constexpr absl::string_view kAnyNamespace = "*";
constexpr absl::string_view kByNamespaceLabel = "#";
// Stands for "the key is present, whatever its value". Not a possible label
// value.
constexpr absl::string_view kAnyValue = "*";

// A requirement that only labels with its key can meet, the most telling one.
const Requirement* AnchorOf(const Selector& selector) {
  const Requirement* anchor = nullptr;
  for (const Requirement& requirement : selector.requirements()) {
    if (requirement.op == Requirement::Operator::kIn) {
      if (anchor == nullptr || anchor->op != Requirement::Operator::kIn ||
          requirement.values.size() < anchor->values.size()) {
        anchor = &requirement;
      }
    } else if (requirement.op == Requirement::Operator::kExists &&
               anchor == nullptr) {
      anchor = &requirement;
    }
  }
  return anchor;
}

void AppendAnchorKeys(absl::string_view scope, const Requirement& anchor,
                      std::vector<std::string>& keys) {
  if (anchor.op == Requirement::Operator::kExists) {
    keys.push_back(BucketKey(scope, anchor.key, kAnyValue));
    return;
  }
  for (const std::string& value : anchor.values) {
    keys.push_back(BucketKey(scope, anchor.key, absl::StrCat("=", value)));
  }
}

// The buckets a term is filed in; any pod that matches it asks for one of them.
std::vector<std::string> BucketsOf(const PodTerm& term) {
  const bool one_namespace = !term.namespace_name.empty();
  const std::string scope = one_namespace
                                ? absl::StrCat("=", term.namespace_name)
                                : std::string(kAnyNamespace);
  std::vector<std::string> keys;
  if (const Requirement* anchor = AnchorOf(term.pods)) {
    AppendAnchorKeys(scope, *anchor, keys);
  } else if (const Requirement* by_namespace = AnchorOf(term.namespaces);
             !one_namespace && by_namespace != nullptr) {
    AppendAnchorKeys(kByNamespaceLabel, *by_namespace, keys);
  } else {
    keys.push_back(BucketKey(scope, "", ""));
  }
  return keys;
}

void SortUnique(std::vector<TermIndex::Id>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

}  // namespace

void TermIndex::Add(const PodTerm& term, Id id) {
  for (const std::string& key : BucketsOf(term)) buckets_[key].push_back(id);
  if (term.namespace_name.empty()) ++namespace_selecting_[id];
}

void TermIndex::Remove(const PodTerm& term, Id id) {
  for (const std::string& key : BucketsOf(term)) {
    auto bucket = buckets_.find(key);
    if (bucket == buckets_.end()) continue;
    std::vector<Id>& ids = bucket->second;
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
  const auto take = [&](const std::string& key) {
    auto bucket = buckets_.find(key);
    if (bucket != buckets_.end()) {
      ids.insert(ids.end(), bucket->second.begin(), bucket->second.end());
    }
  };
  const auto take_labels = [&](absl::string_view scope, const Labels& of) {
    for (const auto& [key, value] : of.entries()) {
      take(BucketKey(scope, key, absl::StrCat("=", value)));
      take(BucketKey(scope, key, kAnyValue));
    }
  };
  for (const std::string& scope :
       {absl::StrCat("=", namespace_name), std::string(kAnyNamespace)}) {
    take_labels(scope, labels);
    take(BucketKey(scope, "", ""));
  }
  take_labels(kByNamespaceLabel, namespace_labels);
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
