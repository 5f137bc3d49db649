#include "tests/kernel/walk/save_text.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "netpol/base/status_macros.h"
#include "tests/kernel/lab/lab_flavour.h"

namespace netpol {
namespace {

using Lines = std::vector<std::string>;

// The second word of a line.
std::string Subject(const std::string& line) {
  const std::vector<std::string> words = absl::StrSplit(line, ' ');
  return words.size() < 2 ? "" : words[1];
}

absl::StatusOr<Lines> LinesOf(const PacketLab& lab,
                              const std::vector<std::string>& command) {
  Program program;
  program.argv = command;
  ASSIGN_OR_RETURN(const ProgramResult result, lab.ExecOnNode(program));
  if (result.exit_code != 0) {
    return absl::InternalError(
        absl::StrCat(command[0], " failed: ", result.err));
  }
  return Lines(absl::StrSplit(result.out, '\n', absl::SkipEmpty()));
}

// Chains as "-N NAME", then their rules in order.
absl::StatusOr<Lines> SavedChains(const PacketLab& lab, Family family) {
  ASSIGN_OR_RETURN(
      const Lines saved,
      LinesOf(lab, {LabTool(family, "iptables-save"), "-t", "filter"}));
  Lines lines;
  for (const std::string& line : saved) {
    if (line[0] == ':') {
      const std::string name = line.substr(1, line.find(' ') - 1);
      if (ChainName::IsOurs(name)) lines.push_back(absl::StrCat("-N ", name));
    } else if (absl::StartsWith(line, "-A ") &&
               ChainName::IsOurs(Subject(line))) {
      lines.push_back(line);
    }
  }
  return lines;
}

Lines RightChains(const ObservedTable& table, Family family) {
  Lines lines;
  for (const auto& [name, rules] : table.chains) {
    lines.push_back(absl::StrCat("-N ", name.value()));
    for (const Rule& rule : rules) {
      lines.push_back(
          absl::StrCat("-A ", name.value(), " ", rule.ToString(family)));
    }
  }
  return lines;
}

// "add NAME MEMBER".
absl::StatusOr<Lines> SavedMembers(const PacketLab& lab) {
  ASSIGN_OR_RETURN(const Lines saved, LinesOf(lab, {"ipset", "save"}));
  Lines lines;
  for (const std::string& line : saved) {
    if (absl::StartsWith(line, "add ") && SetName::IsOurs(Subject(line))) {
      lines.push_back(line);
    }
  }
  return lines;
}

Lines RightMembers(const Snapshot& right) {
  Lines lines;
  for (const auto& [name, set] : right.sets) {
    for (const SetMember& member : set.members) {
      lines.push_back(
          absl::StrCat("add ", name.value(), " ", member.ToString()));
    }
  }
  return lines;
}

// The order of chains and members is nobody's business; that of rules within a
// chain is.
void NumberRules(Lines& lines) {
  std::string chain;
  int number = 0;
  for (std::string& line : lines) {
    const std::string subject = Subject(line);
    number = subject == chain ? number + 1 : 0;
    chain = subject;
    if (absl::StartsWith(line, "-A ")) absl::StrAppend(&line, " #", number);
  }
}

std::string Difference(Lines actual, Lines right) {
  std::sort(actual.begin(), actual.end());
  std::sort(right.begin(), right.end());
  std::string text;
  const auto append = [&text](absl::string_view sign, const Lines& one,
                              const Lines& other) {
    Lines only;
    std::set_difference(one.begin(), one.end(), other.begin(), other.end(),
                        std::back_inserter(only));
    for (const std::string& line : only)
      absl::StrAppend(&text, sign, line, "\n");
  };
  append("+", actual, right);
  append("-", right, actual);
  return text;
}

}  // namespace

absl::StatusOr<std::string> SaveTextDifference(const PacketLab& lab,
                                               const Snapshot& right) {
  std::string text;
  for (Family family : kFamilies) {
    ASSIGN_OR_RETURN(Lines actual, SavedChains(lab, family));
    // All chains stand before all rules, which are together by chain.
    std::stable_partition(
        actual.begin(), actual.end(),
        [](const std::string& line) { return line[1] == 'N'; });
    Lines expected = RightChains(right.table(family), family);
    std::stable_partition(
        expected.begin(), expected.end(),
        [](const std::string& line) { return line[1] == 'N'; });
    NumberRules(actual);
    NumberRules(expected);
    absl::StrAppend(&text, Difference(std::move(actual), std::move(expected)));
  }
  ASSIGN_OR_RETURN(Lines members, SavedMembers(lab));
  absl::StrAppend(&text, Difference(std::move(members), RightMembers(right)));
  return text;
}

}  // namespace netpol
