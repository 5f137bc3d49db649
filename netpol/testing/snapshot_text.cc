#include "netpol/testing/snapshot_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

void Append(const std::vector<std::string>& lines, std::string& text) {
  for (const std::string& line : lines) absl::StrAppend(&text, line, "\n");
}

}  // namespace

std::vector<std::string> LinesOf(const SetName& name, const ObservedSet& set) {
  const std::string start = absl::StrCat("set ", name.value(), " ");
  std::vector<std::string> lines = {absl::StrCat(
      start, SetTypeName(set.spec.type), " ", FamilyName(set.spec.family),
      set.foreign_content ? " foreign" : "")};
  for (const SetMember& member : set.members)
    lines.push_back(absl::StrCat(start, "member ", member.ToString()));
  std::sort(lines.begin() + 1, lines.end());
  return lines;
}

std::vector<std::string> LinesOf(Family family, const ChainName& name,
                                 const std::vector<Rule>& rules) {
  const std::string start =
      absl::StrCat(FamilyName(family), " chain ", name.value());
  std::vector<std::string> lines = {start};
  for (size_t i = 0; i < rules.size(); ++i) {
    lines.push_back(absl::StrCat(
        start, " ", i, ": ", rules[i].ToString(family),
        rules[i].foreign.empty() ? "" : " foreign: ", rules[i].foreign));
  }
  return lines;
}

std::string ContentsOf(const Snapshot& snapshot) {
  std::string text;
  for (const auto& [name, set] : snapshot.sets)
    Append(LinesOf(name, set), text);
  for (Family family : kFamilies) {
    for (const auto& [name, rules] : snapshot.table(family).chains)
      Append(LinesOf(family, name, rules), text);
  }
  return text;
}

}  // namespace netpol
