#include "bench/yardstick/wire_selector.h"

#include <algorithm>

namespace netpol {
namespace {

bool Meets(const LabelMap& labels, const k8s::LabelSelectorRequirement& want) {
  const auto found = labels.find(want.key());
  const bool present = found != labels.end();
  if (want.operator_() == "Exists") return present;
  if (want.operator_() == "DoesNotExist") return !present;
  const bool listed =
      present && std::find(want.values().begin(), want.values().end(),
                           found->second) != want.values().end();
  if (want.operator_() == "In") return listed;
  return want.operator_() == "NotIn" && !listed;
}

}  // namespace

bool WireSelector::Matches(const LabelMap& labels) const {
  for (const auto& [key, value] : selector_->match_labels()) {
    const auto found = labels.find(key);
    if (found == labels.end() || found->second != value) return false;
  }
  return std::all_of(selector_->match_expressions().begin(),
                     selector_->match_expressions().end(),
                     [&labels](const k8s::LabelSelectorRequirement& want) {
                       return Meets(labels, want);
                     });
}

}  // namespace netpol
