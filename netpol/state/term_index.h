// Finds the registered terms that may match a pod, without looking at the
// others.
#ifndef NETPOL_STATE_TERM_INDEX_H_
#define NETPOL_STATE_TERM_INDEX_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "netpol/policy/labels.h"
#include "netpol/policy/selector.h"

namespace netpol {

// Terms under owner ids. A term is filed under one of its requirements that
// needs a key to be present (its anchor), so a lookup costs in proportion to
// the labels of the pod and the terms that share one of them.
// Thread-compatible.
class TermIndex {
 public:
  using Id = uint32_t;

  // The same term may be added under several ids, and twice under one.
  void Add(const PodTerm& term, Id id);
  // `term` must have been added under `id`.
  void Remove(const PodTerm& term, Id id);

  // Ids with a term that may match a pod with `labels` in `namespace_name`: a
  // superset of those that do. Sorted, each once.
  std::vector<Id> Candidates(absl::string_view namespace_name,
                             const Labels& namespace_labels,
                             const Labels& labels) const;

  // Ids with a term that chooses its namespaces by a selector. Sorted, each
  // once.
  std::vector<Id> NamespaceSelecting() const;

 private:
  using Ids = absl::InlinedVector<Id, 4>;

  absl::flat_hash_map<uint64_t, Ids> buckets_;
  absl::flat_hash_map<Id, int>
      namespace_selecting_;  // id → number of such terms
};

}  // namespace netpol

#endif  // NETPOL_STATE_TERM_INDEX_H_
