#include "tests/kernel/walk/tamperer.h"

#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "netpol/base/status_macros.h"
#include "netpol/rules/names.h"
#include "tests/kernel/lab/lab_flavour.h"

namespace netpol {
namespace {

struct RuleAt {
  std::string chain;
  int number = 0;  // from 1, within the chain
};

// Every rule of our chains in what iptables-save printed.
std::vector<RuleAt> OurRules(const std::string& saved) {
  std::vector<RuleAt> rules;
  for (absl::string_view line : absl::StrSplit(saved, '\n')) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (words[0] != "-A" || !ChainName::IsOurs(words[1])) continue;
    // Rules of one chain stand together.
    const bool next = !rules.empty() && rules.back().chain == words[1];
    rules.push_back({words[1], next ? rules.back().number + 1 : 1});
  }
  return rules;
}

}  // namespace

absl::StatusOr<bool> Tamperer::Tamper(const v1::WalkTampering& tampering) {
  const Family family = tampering.ipv6() ? Family::kIPv6 : Family::kIPv4;
  switch (tampering.kind()) {
    case v1::WalkTampering::NOTHING:
      return false;
    case v1::WalkTampering::RULE_ABOVE:
      return InsertAbove(family, tampering.choice());
    case v1::WalkTampering::FLUSH_FORWARD:
      RETURN_IF_ERROR(
          Run({LabTool(family, "iptables"), "-w", "-F", "FORWARD"}).status());
      return true;
    case v1::WalkTampering::DELETE_RULE:
      return DeleteRule(family, tampering.choice());
    case v1::WalkTampering::CLEAR:
      return Clear(family);
    case v1::WalkTampering::SAVE: {
      ASSIGN_OR_RETURN(saved_[static_cast<int>(family)],
                       Run({LabTool(family, "iptables-save"), "-t", "filter"}));
      return false;
    }
    case v1::WalkTampering::RESTORE:
      return Restore(family);
    case v1::WalkTampering::FLUSH_SET:
      return FlushSet(tampering.choice());
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no such tampering: ", tampering.ShortDebugString()));
}

absl::StatusOr<std::string> Tamperer::Run(
    const std::vector<std::string>& argv) const {
  ASSIGN_OR_RETURN(const ProgramResult result,
                   lab_->ExecOnNode({.argv = argv}));
  if (result.exit_code == 0) return result.out;
  return absl::InternalError(
      absl::StrCat(absl::StrJoin(argv, " "), " failed: ", result.err));
}

// It would let much through that our rules do not.
absl::StatusOr<bool> Tamperer::InsertAbove(Family family,
                                           uint32_t choice) const {
  const char* const chains[] = {"INPUT", "FORWARD", "OUTPUT"};
  RETURN_IF_ERROR(Run({LabTool(family, "iptables"), "-w", "-I",
                       chains[choice % std::size(chains)], "1", "-p", "tcp",
                       "-j", "ACCEPT"})
                      .status());
  return true;
}

absl::StatusOr<bool> Tamperer::DeleteRule(Family family,
                                          uint32_t choice) const {
  ASSIGN_OR_RETURN(const std::string saved,
                   Run({LabTool(family, "iptables-save"), "-t", "filter"}));
  const std::vector<RuleAt> rules = OurRules(saved);
  if (rules.empty()) return false;
  const RuleAt& rule = rules[choice % rules.size()];
  RETURN_IF_ERROR(Run({LabTool(family, "iptables"), "-w", "-D", rule.chain,
                       absl::StrCat(rule.number)})
                      .status());
  return true;
}

absl::StatusOr<bool> Tamperer::Clear(Family family) const {
  for (const char* what : {"-F", "-X"}) {
    RETURN_IF_ERROR(Run({LabTool(family, "iptables"), "-w", what}).status());
  }
  return true;
}

absl::StatusOr<bool> Tamperer::Restore(Family family) const {
  const std::string& saved = saved_[static_cast<int>(family)];
  if (saved.empty()) return false;
  ASSIGN_OR_RETURN(
      const ProgramResult result,
      lab_->ExecOnNode({.argv = {LabTool(family, "iptables-restore"), "-w"},
                        .input = saved}));
  return result.exit_code == 0;
}

absl::StatusOr<bool> Tamperer::FlushSet(uint32_t choice) const {
  ASSIGN_OR_RETURN(const std::string names, Run({"ipset", "list", "-name"}));
  std::vector<std::string> ours;
  for (absl::string_view name : absl::StrSplit(names, '\n')) {
    if (SetName::IsOurs(name)) ours.emplace_back(name);
  }
  if (ours.empty()) return false;
  RETURN_IF_ERROR(Run({"ipset", "flush", ours[choice % ours.size()]}).status());
  return true;
}

}  // namespace netpol
