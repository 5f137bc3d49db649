#include "netpol/policy/selector.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace netpol {
namespace {

template <typename T>
void SortUnique(std::vector<T>& items) {
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
}

std::string RequirementText(const Requirement& r) {
  switch (r.op) {
    case Requirement::Operator::kExists:
      return r.key;
    case Requirement::Operator::kDoesNotExist:
      return absl::StrCat("!", r.key);
    case Requirement::Operator::kIn:
      if (r.values.size() == 1)
        return absl::StrCat(r.key, "=", r.values.front());
      return absl::StrCat(r.key, " in (", absl::StrJoin(r.values, ","), ")");
    case Requirement::Operator::kNotIn:
      return absl::StrCat(r.key, " notin (", absl::StrJoin(r.values, ","), ")");
  }
  return "";
}

}  // namespace

bool Requirement::Matches(const Labels& labels) const {
  const absl::optional<absl::string_view> value = labels.Find(key);
  switch (op) {
    case Operator::kExists:
      return value.has_value();
    case Operator::kDoesNotExist:
      return !value.has_value();
    case Operator::kIn:
      return value.has_value() &&
             std::binary_search(values.begin(), values.end(), *value);
    case Operator::kNotIn:
      return !value.has_value() ||
             !std::binary_search(values.begin(), values.end(), *value);
  }
  return false;
}

bool operator<(const Requirement& a, const Requirement& b) {
  return std::tie(a.key, a.op, a.values) < std::tie(b.key, b.op, b.values);
}

Selector::Selector(std::vector<Requirement> requirements) {
  for (Requirement& requirement : requirements) SortUnique(requirement.values);
  SortUnique(requirements);
  requirements_ =
      SharedValue<std::vector<Requirement>>(std::move(requirements));
}

bool Selector::Matches(const Labels& labels) const {
  return std::all_of(requirements_->begin(), requirements_->end(),
                     [&](const Requirement& r) { return r.Matches(labels); });
}

const Requirement* Selector::Anchor() const {
  const Requirement* anchor = nullptr;
  for (const Requirement& requirement : *requirements_) {
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

std::string Selector::ToString() const {
  if (requirements_->empty()) return "everything";
  return absl::StrJoin(*requirements_, ",",
                       [](std::string* out, const Requirement& r) {
                         absl::StrAppend(out, RequirementText(r));
                       });
}

bool PodTerm::MatchesNamespace(absl::string_view name,
                               const Labels& namespace_labels) const {
  return namespace_name.empty() ? namespaces.Matches(namespace_labels)
                                : name == namespace_name;
}

std::string PodTerm::ToString() const {
  // The prefixes differ, so a namespace cannot be mistaken for a selector.
  const std::string where =
      namespace_name.empty()
          ? absl::StrCat("namespaces[", namespaces.ToString(), "]")
          : absl::StrCat("namespace ", namespace_name);
  return absl::StrCat(where, " pods[", pods.ToString(), "]");
}

bool operator<(const PodTerm& a, const PodTerm& b) {
  return std::tie(a.namespace_name, a.namespaces, a.pods) <
         std::tie(b.namespace_name, b.namespaces, b.pods);
}

PodSetExpression::PodSetExpression(std::vector<PodTerm> terms)
    : terms_(std::move(terms)) {
  SortUnique(terms_);
}

std::string PodSetExpression::ToString() const {
  return absl::StrJoin(terms_, " or ",
                       [](std::string* out, const PodTerm& term) {
                         absl::StrAppend(out, term.ToString());
                       });
}

}  // namespace netpol
