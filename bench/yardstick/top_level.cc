#include "bench/yardstick/top_level.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "bench/yardstick/yardstick_programs.h"
#include "netpol/base/program.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

using Words = std::vector<std::string>;

Words With(Words words, const Words& rest) {
  words.insert(words.end(), rest.begin(), rest.end());
  return words;
}

// From 1; 0 if no rule of the listing has `id`.
int PositionOf(absl::string_view id, absl::string_view listing) {
  int position = 0;
  for (absl::string_view line : absl::StrSplit(listing, '\n')) {
    if (!absl::StartsWith(line, "-A ")) continue;
    ++position;
    if (absl::StrContains(line, id)) return position;
  }
  return 0;
}

}  // namespace

absl::StatusOr<bool> TopLevel::Ask(Words arguments) {
  Words argv = {FilterProgram(options_.family, ""), "-t", "filter"};
  argv = With(std::move(argv), arguments);
  argv.push_back("--wait");
  ++commands_;
  ASSIGN_OR_RETURN(const CommandResult result, RunCommand(argv));
  if (result.exit_code > 1) {
    return absl::InternalError(
        absl::StrCat(argv.front(), " ", arguments[0], " ", arguments[1],
                     " ended with ", result.exit_code, ": ", result.err));
  }
  return result.exit_code == 0;
}

absl::Status TopLevel::Do(Words arguments) {
  const std::string what = absl::StrCat(arguments[0], " ", arguments[1]);
  ASSIGN_OR_RETURN(const bool done, Ask(std::move(arguments)));
  if (done) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(FilterProgram(options_.family, ""),
                                          " ", what, " was refused"));
}

absl::StatusOr<std::string> TopLevel::List(const std::string& chain) {
  ++commands_;
  return OutputOf({FilterProgram(options_.family, ""), "-t", "filter", "-S",
                   chain, "--wait"});
}

absl::Status TopLevel::EnsureChain(const std::string& chain) {
  ASSIGN_OR_RETURN(const bool exists, Ask({"-S", chain, "1"}));
  return exists ? absl::OkStatus() : Do({"-N", chain});
}

absl::Status TopLevel::EnsureAppended(const FixedRule& rule) {
  ASSIGN_OR_RETURN(const bool exists,
                   Ask(With({"-C", rule.chain}, rule.words)));
  return exists ? absl::OkStatus() : Do(With({"-A", rule.chain}, rule.words));
}

absl::Status TopLevel::EnsureAt(const FixedRule& rule, int position) {
  const std::string& chain = rule.chain;
  const Words insert = With({"-I", chain, absl::StrCat(position)}, rule.words);
  ASSIGN_OR_RETURN(const bool exists, Ask(With({"-C", chain}, rule.words)));
  if (!exists) return Do(insert);
  ASSIGN_OR_RETURN(const std::string listing, List(chain));
  const int found = PositionOf(IdOf(rule), listing);
  if (found == position) return absl::OkStatus();
  RETURN_IF_ERROR(Do(insert));
  return Do({"-D", chain, absl::StrCat(found + 1)});
}

absl::Status TopLevel::EnsureHooks() {
  for (const FixedRule& jump : HookJumps()) {
    RETURN_IF_ERROR(EnsureChain(jump.words.back()));
    RETURN_IF_ERROR(EnsureAt(jump, 1));
  }
  return absl::OkStatus();
}

absl::Status TopLevel::EnsureExemptions() {
  int position = 0;
  for (const FixedRule& rule : Exemptions(options_))
    RETURN_IF_ERROR(EnsureAt(rule, ++position));
  return absl::OkStatus();
}

absl::Status TopLevel::EnsureCommon() {
  const std::vector<FixedRule> rules = CommonRules(options_.family);
  RETURN_IF_ERROR(EnsureChain(rules.front().chain));
  for (const FixedRule& rule : rules) RETURN_IF_ERROR(EnsureAppended(rule));
  return absl::OkStatus();
}

absl::Status TopLevel::Start() {
  const std::string tail(kTailChain);
  RETURN_IF_ERROR(EnsureChain(tail));
  RETURN_IF_ERROR(Do({"-F", tail}));
  for (const FixedRule& rule : TailRules(options_))
    RETURN_IF_ERROR(Do(With({"-A", tail}, rule.words)));
  return absl::OkStatus();
}

absl::Status TopLevel::Ensure() {
  RETURN_IF_ERROR(EnsureHooks());
  RETURN_IF_ERROR(EnsureExemptions());
  RETURN_IF_ERROR(EnsureChain(DefaultRule().chain));
  RETURN_IF_ERROR(EnsureAppended(DefaultRule()));
  RETURN_IF_ERROR(EnsureCommon());
  RETURN_IF_ERROR(EnsureChain(std::string(kTailChain)));
  // The original counts the rules, and does no more than warn.
  return List(std::string(kTailChain)).status();
}

}  // namespace netpol
