#include "netpol/dataplane/nft/restore_program.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "netpol/base/program.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

absl::string_view ProgramName(Family family) {
  return family == Family::kIPv4 ? "iptables-nft-restore"
                                 : "ip6tables-nft-restore";
}

// What the words of the program mean; the first that fits counts. They are
// those of its own sources, and of strerror(3), which it does not translate.
struct Meaning {
  absl::string_view words;
  absl::StatusCode code;
  absl::string_view advice;
};

constexpr Meaning kMeanings[] = {
    {"Permission denied", absl::StatusCode::kPermissionDenied,
     "needs CAP_NET_ADMIN (root)"},
    {"Operation not permitted", absl::StatusCode::kPermissionDenied,
     "needs CAP_NET_ADMIN (root)"},
    {"Couldn't load", absl::StatusCode::kUnimplemented,
     "this iptables has no such extension; install all of the package "
     "iptables"},
    {"Failed to initialize", absl::StatusCode::kUnimplemented,
     "the kernel has no nf_tables; load the module, or use "
     "--iptables-backend=legacy"},
    {"generation id", absl::StatusCode::kUnimplemented,
     "the kernel has no nf_tables; load the module, or use "
     "--iptables-backend=legacy"},
    {"(Too many links)", absl::StatusCode::kFailedPrecondition,
     "the jumps of these chains make a loop, or are nested too deep"},
    {"(Too many levels", absl::StatusCode::kFailedPrecondition,
     "the jumps of these chains make a loop"},
    {"Device or resource busy", absl::StatusCode::kFailedPrecondition,
     "a rule still leads to the chain"},
    {"RULE_DELETE failed (No such file", absl::StatusCode::kAborted, ""},
    {"does a matching rule exist", absl::StatusCode::kAborted, ""},
    {"Resource temporarily unavailable", absl::StatusCode::kAborted, ""},
    {"Interrupted system call", absl::StatusCode::kAborted, ""},
    {"Chain '", absl::StatusCode::kFailedPrecondition,
     "a jump leads to a chain that does not exist"},
    {"No such file or directory", absl::StatusCode::kUnimplemented,
     "the kernel lacks that match or target; load its module (nft_compat, "
     "xt_…)"},
    {"ot supported", absl::StatusCode::kUnimplemented,
     "the kernel lacks something of nf_tables; load its modules (nft_compat)"},
    {"Cannot allocate memory", absl::StatusCode::kResourceExhausted, ""},
    {"No buffer space", absl::StatusCode::kResourceExhausted, ""},
};

Meaning MeaningOf(absl::string_view err) {
  if (absl::StrContains(err, "Set ") && absl::StrContains(err, "doesn't exist"))
    return {"", absl::StatusCode::kNotFound, "create the set first"};
  for (const Meaning& meaning : kMeanings) {
    if (absl::StrContains(err, meaning.words)) return meaning;
  }
  return {"", absl::StatusCode::kInternal, ""};
}

// The first lines, as one.
std::string Quote(absl::string_view err) {
  constexpr size_t kLines = 4;
  std::vector<std::string> lines;
  for (absl::string_view line : absl::StrSplit(err, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || absl::StartsWith(line, "Try `")) continue;
    lines.emplace_back(line);
    if (lines.size() == kLines) break;
  }
  return absl::StrJoin(lines, "; ");
}

// The line of `input` that `err` names by "line 3" or "line: 3".
std::string NamedLine(absl::string_view err, absl::string_view input) {
  const size_t at = err.find("line");
  if (at == absl::string_view::npos) return "";
  absl::string_view number = err.substr(at + 4);
  number =
      number.substr(std::min(number.size(), number.find_first_not_of(": ")));
  number = number.substr(0, number.find_first_not_of("0123456789"));
  size_t index = 0;
  if (!absl::SimpleAtoi(number, &index) || index == 0) return "";
  for (absl::string_view line : absl::StrSplit(input, '\n')) {
    constexpr size_t kShown = 400;
    if (--index == 0) {
      return absl::StrCat("; line ", number, " was \"", line.substr(0, kShown),
                          "\"");
    }
  }
  return "";
}

// Whether there are words that are no remark ("# Warning: …").
bool Complains(absl::string_view err) {
  for (absl::string_view line : absl::StrSplit(err, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (!line.empty() && line[0] != '#') return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<RestoreRun> RestoreProgram::Run(absl::string_view input) const {
  const absl::StatusOr<std::string> path = FindProgram(ProgramName(family_));
  if (!path.ok()) {
    return absl::UnimplementedError(absl::StrCat(
        path.status().message(),
        "; install it (Debian package iptables), or use the other kind of "
        "tables with --iptables-backend=legacy"));
  }
  CommandLimits limits;
  limits.wall = timeout_;
  absl::StatusOr<CommandResult> result =
      RunCommand({*path, "--noflush"}, input, limits);
  if (absl::IsDeadlineExceeded(result.status()))
    return absl::UnavailableError(result.status().message());
  if (!result.ok()) return result.status();
  RestoreRun run;
  run.succeeded =
      result->exit_known ? result->exit_code == 0 : !Complains(result->err);
  run.out = std::move(result->out);
  run.err = std::move(result->err);
  run.port = static_cast<uint32_t>(result->pid);
  return run;
}

absl::Status RestoreProgram::ErrorOf(const RestoreRun& run,
                                     absl::string_view input,
                                     absl::string_view step) const {
  const Meaning meaning = MeaningOf(run.err);
  const std::string said = Quote(run.err);
  return absl::Status(
      meaning.code,
      absl::StrCat(step, " in the ", FamilyName(family_),
                   " table filter of nf_tables: ", ProgramName(family_),
                   said.empty() ? " failed without a word"
                                : absl::StrCat(" said: ", said),
                   NamedLine(run.err, input),
                   meaning.advice.empty() ? "" : "; ", meaning.advice));
}

}  // namespace netpol
