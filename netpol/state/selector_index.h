// The expressions that somebody listens to, found by what a pod looks like.
#ifndef NETPOL_STATE_SELECTOR_INDEX_H_
#define NETPOL_STATE_SELECTOR_INDEX_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "netpol/policy/objects.h"
#include "netpol/policy/selector.h"
#include "netpol/state/dirty_set.h"
#include "netpol/state/term_index.h"

namespace netpol {

// Equal expressions share an id for as long as anybody holds it.
// Thread-compatible.
class SelectorIndex {
 public:
  // Every Acquire() is to be paired with a Release().
  ExpressionId Acquire(const PodSetExpression& expression);
  void Release(ExpressionId id);

  const PodSetExpression& Get(ExpressionId id) const {
    return *expressions_.at(id);
  }

  // Ids of the expressions that choose a pod with these properties. Sorted.
  std::vector<ExpressionId> Matching(const Pod& pod,
                                     const Labels& namespace_labels) const;

  // Ids of those that see namespaces with the two sets of labels differently.
  // Sorted.
  std::vector<ExpressionId> ToldApartBy(const Labels& before,
                                        const Labels& after) const;

  static bool Matches(const PodSetExpression& expression, const Pod& pod,
                      const Labels& namespace_labels);

  // Whether it would match in a namespace with other labels, if not in this.
  static bool MayMatch(const PodSetExpression& expression, const Pod& pod);

  size_t size() const { return expressions_.size(); }

 private:
  struct Entry {
    ExpressionId id = 0;
    int users = 0;
  };

  absl::node_hash_map<PodSetExpression, Entry> entries_;
  absl::flat_hash_map<ExpressionId, const PodSetExpression*>
      expressions_;  // keys of entries_
  TermIndex terms_;
  ExpressionId next_id_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_STATE_SELECTOR_INDEX_H_
