#include "netpol/state/selector_index.h"

#include <algorithm>
#include <vector>

namespace netpol {

ExpressionId SelectorIndex::Acquire(const PodSetExpression& expression) {
  auto [it, inserted] = entries_.try_emplace(expression);
  Entry& entry = it->second;
  if (inserted) {
    entry.id = next_id_++;
    expressions_[entry.id] = &it->first;
    for (const PodTerm& term : expression.terms()) terms_.Add(term, entry.id);
  }
  ++entry.users;
  return entry.id;
}

void SelectorIndex::Release(ExpressionId id) {
  auto it = entries_.find(*expressions_.at(id));
  if (--it->second.users > 0) return;
  for (const PodTerm& term : it->first.terms()) terms_.Remove(term, id);
  expressions_.erase(id);
  entries_.erase(it);
}

std::vector<ExpressionId> SelectorIndex::Matching(
    const Pod& pod, const Labels& namespace_labels) const {
  std::vector<ExpressionId> ids =
      terms_.Candidates(pod.key.namespace_name, namespace_labels, pod.labels);
  ids.erase(std::remove_if(ids.begin(), ids.end(),
                           [&](ExpressionId id) {
                             return !Matches(Get(id), pod, namespace_labels);
                           }),
            ids.end());
  return ids;
}

std::vector<ExpressionId> SelectorIndex::ToldApartBy(
    const Labels& before, const Labels& after) const {
  std::vector<ExpressionId> ids = terms_.NamespaceSelecting();
  const auto same = [&](ExpressionId id) {
    const std::vector<PodTerm>& terms = Get(id).terms();
    return std::all_of(terms.begin(), terms.end(), [&](const PodTerm& term) {
      return !term.namespace_name.empty() ||
             term.namespaces.Matches(before) == term.namespaces.Matches(after);
    });
  };
  ids.erase(std::remove_if(ids.begin(), ids.end(), same), ids.end());
  return ids;
}

bool SelectorIndex::MayMatch(const PodSetExpression& expression,
                             const Pod& pod) {
  return std::any_of(expression.terms().begin(), expression.terms().end(),
                     [&](const PodTerm& term) {
                       return (term.namespace_name.empty() ||
                               term.namespace_name == pod.key.namespace_name) &&
                              term.pods.Matches(pod.labels);
                     });
}

bool SelectorIndex::Matches(const PodSetExpression& expression, const Pod& pod,
                            const Labels& namespace_labels) {
  return std::any_of(expression.terms().begin(), expression.terms().end(),
                     [&](const PodTerm& term) {
                       return term.MatchesNamespace(pod.key.namespace_name,
                                                    namespace_labels) &&
                              term.pods.Matches(pod.labels);
                     });
}

}  // namespace netpol
