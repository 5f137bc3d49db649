#include "tests/kernel/walk/ruleset_difference.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "absl/strings/str_cat.h"
#include "netpol/testing/snapshot_text.h"

namespace netpol {
namespace {

using Lines = std::vector<std::string>;

// What only one of the two has, marked by its sign.
void AppendDifference(Lines actual, Lines right, std::string& text) {
  std::sort(actual.begin(), actual.end());
  std::sort(right.begin(), right.end());
  Lines lines;
  std::set_difference(actual.begin(), actual.end(), right.begin(), right.end(),
                      std::back_inserter(lines));
  for (const std::string& line : lines) absl::StrAppend(&text, "+", line, "\n");
  lines.clear();
  std::set_difference(right.begin(), right.end(), actual.begin(), actual.end(),
                      std::back_inserter(lines));
  for (const std::string& line : lines) absl::StrAppend(&text, "-", line, "\n");
}

bool Same(const ObservedSet& a, const ObservedSet& b) {
  return a.spec.type == b.spec.type && a.spec.family == b.spec.family &&
         a.foreign_content == b.foreign_content && a.members == b.members;
}

void CompareSets(const Snapshot& actual, const Snapshot& right,
                 std::string& text) {
  for (const auto& [name, set] : actual.sets) {
    const auto other = right.sets.find(name);
    if (other == right.sets.end()) {
      AppendDifference(LinesOf(name, set), {}, text);
    } else if (!Same(set, other->second)) {
      AppendDifference(LinesOf(name, set), LinesOf(name, other->second), text);
    }
  }
  for (const auto& [name, set] : right.sets) {
    if (!actual.sets.contains(name)) {
      AppendDifference({}, LinesOf(name, set), text);
    }
  }
}

void CompareTables(const ObservedTable& actual, const ObservedTable& right,
                   Family family, std::string& text) {
  if (actual.hooks_in_place != right.hooks_in_place) {
    absl::StrAppend(&text, actual.hooks_in_place ? "+" : "-",
                    FamilyName(family), " hooks\n");
  }
  for (const auto& [name, rules] : actual.chains) {
    const auto other = right.chains.find(name);
    if (other == right.chains.end()) {
      AppendDifference(LinesOf(family, name, rules), {}, text);
    } else if (rules != other->second) {
      AppendDifference(LinesOf(family, name, rules),
                       LinesOf(family, name, other->second), text);
    }
  }
  for (const auto& [name, rules] : right.chains) {
    if (!actual.chains.contains(name)) {
      AppendDifference({}, LinesOf(family, name, rules), text);
    }
  }
}

}  // namespace

std::string RulesetDifference(const Snapshot& actual, const Snapshot& right) {
  std::string text;
  CompareSets(actual, right, text);
  for (Family family : kFamilies) {
    CompareTables(actual.table(family), right.table(family), family, text);
  }
  return text;
}

}  // namespace netpol
