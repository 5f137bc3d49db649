// Label selectors, and the sets of pods that a policy's peers name with them.
//
// Semantics:
// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
#ifndef NETPOL_POLICY_SELECTOR_H_
#define NETPOL_POLICY_SELECTOR_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "netpol/base/shared_value.h"
#include "netpol/policy/labels.h"

namespace netpol {

struct Requirement {
  enum class Operator : uint8_t { kIn, kNotIn, kExists, kDoesNotExist };

  std::string key;
  Operator op = Operator::kExists;
  std::vector<std::string> values;  // sorted, each once; kIn and kNotIn only

  bool Matches(const Labels& labels) const;

  friend bool operator==(const Requirement& a, const Requirement& b) {
    return a.key == b.key && a.op == b.op && a.values == b.values;
  }
  friend bool operator<(const Requirement& a, const Requirement& b);
  template <typename H>
  friend H AbslHashValue(H h, const Requirement& r) {
    return H::combine(std::move(h), r.key, r.op, r.values);
  }
};

// All requirements together; none at all matches everything. Equal selectors
// are equal values: requirements are kept sorted, each once. Copied by
// reference.
class Selector {
 public:
  Selector() = default;
  explicit Selector(std::vector<Requirement> requirements);

  const std::vector<Requirement>& requirements() const {
    return *requirements_;
  }
  bool Matches(const Labels& labels) const;

  // The requirement that only labels with its key can meet, the most telling
  // one; nullptr if there is none.
  const Requirement* Anchor() const;

  // "app=web,tier in (a,b),!old"; "everything" if empty.
  std::string ToString() const;

  // Keeps the requirements together with equal ones.
  void ShareIn(SharedPool<std::vector<Requirement>>& pool) {
    requirements_ = pool.Share(requirements_);
  }

  friend bool operator==(const Selector& a, const Selector& b) {
    return a.requirements_ == b.requirements_;
  }
  friend bool operator<(const Selector& a, const Selector& b) {
    return *a.requirements_ < *b.requirements_;
  }
  template <typename H>
  friend H AbslHashValue(H h, const Selector& s) {
    return H::combine(std::move(h), s.requirements_);
  }

 private:
  SharedValue<std::vector<Requirement>> requirements_;
};

// Pods of one namespace, or of every namespace that a selector chooses.
struct PodTerm {
  // The one namespace; empty where `namespaces` chooses.
  std::string namespace_name;
  Selector namespaces;
  Selector pods;

  bool MatchesNamespace(absl::string_view name,
                        const Labels& namespace_labels) const;

  // For people.
  std::string ToString() const;

  friend bool operator==(const PodTerm& a, const PodTerm& b) {
    return a.namespace_name == b.namespace_name &&
           a.namespaces == b.namespaces && a.pods == b.pods;
  }
  friend bool operator<(const PodTerm& a, const PodTerm& b);
  template <typename H>
  friend H AbslHashValue(H h, const PodTerm& t) {
    return H::combine(std::move(h), t.namespace_name, t.namespaces, t.pods);
  }
};

// The pods that at least one term chooses. Sorted, each term once; none is
// nobody.
class PodSetExpression {
 public:
  PodSetExpression() = default;
  explicit PodSetExpression(std::vector<PodTerm> terms);

  const std::vector<PodTerm>& terms() const { return terms_; }
  std::string ToString() const;

  friend bool operator==(const PodSetExpression& a, const PodSetExpression& b) {
    return a.terms_ == b.terms_;
  }
  template <typename H>
  friend H AbslHashValue(H h, const PodSetExpression& e) {
    return H::combine(std::move(h), e.terms_);
  }

 private:
  std::vector<PodTerm> terms_;
};

}  // namespace netpol

#endif  // NETPOL_POLICY_SELECTOR_H_
