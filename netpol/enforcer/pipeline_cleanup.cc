#include "netpol/enforcer/pipeline_cleanup.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "netpol/base/ip.h"
#include "netpol/base/program.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

constexpr char kWord[] = "KUBE-ROUTER";
constexpr absl::Duration kProgramTimeout = absl::Minutes(2);

// "ip6tables-legacy-save".
std::string ProgramName(PipelineTools tools, Family family,
                        absl::string_view step) {
  const absl::string_view flavour = tools == PipelineTools::kLegacy ? "legacy-"
                                    : tools == PipelineTools::kNft  ? "nft-"
                                                                    : "";
  return absl::StrCat(family == Family::kIPv4 ? "iptables-" : "ip6tables-",
                      flavour, step);
}

// What `program` said of itself going wrong.
std::string Complaint(const CommandResult& result) {
  const std::string words(absl::StripAsciiWhitespace(result.err));
  return absl::StrCat("exit code ", result.exit_code,
                      words.empty() ? "" : absl::StrCat(": ", words));
}

absl::StatusOr<CommandResult> Run(std::vector<std::string> argv,
                                  absl::string_view input) {
  const std::string name = argv.front();
  ASSIGN_OR_RETURN(argv.front(), FindProgram(name));
  CommandLimits limits;
  limits.wall = kProgramTimeout;
  ASSIGN_OR_RETURN(CommandResult result, RunCommand(argv, input, limits));
  if (result.exit_code == 0) return result;
  return absl::InternalError(
      absl::StrCat(name, " failed: ", Complaint(result)));
}

// The table that a save says it cannot show; empty if there is none.
std::string IncompatibleTable(absl::string_view save) {
  for (absl::string_view line : absl::StrSplit(save, '\n')) {
    // "# Table `filter' is incompatible, use 'nft' tool."
    if (!absl::StartsWith(line, "# Table `")) continue;
    if (!absl::StrContains(line, "' is incompatible")) continue;
    line.remove_prefix(line.find('`') + 1);
    return std::string(line.substr(0, line.find('\'')));
  }
  return "";
}

// As grep -v does it; what it leaves out goes to `dropped`.
std::string WithoutOurLines(
    absl::string_view save,
    google::protobuf::RepeatedPtrField<std::string>& dropped) {
  std::string rest;
  rest.reserve(save.size());
  for (absl::string_view line : absl::StrSplit(save, '\n')) {
    if (absl::StrContains(line, kWord)) {
      dropped.Add(std::string(line));
    } else {
      absl::StrAppend(&rest, line, "\n");
    }
  }
  // The last line's end is not the begin of another one.
  if (!rest.empty()) rest.pop_back();
  return rest;
}

std::vector<std::string> RestoreCommand(const std::string& program,
                                        absl::Duration lock_timeout) {
  const int64_t seconds =
      std::max<int64_t>(1, absl::ToInt64Seconds(lock_timeout));
  return {program, "-w", absl::StrCat(seconds)};
}

absl::Status CleanFamily(Family family, const PipelineOptions& options,
                         v1::PipelineTable& told) {
  told.set_family(std::string(FamilyName(family)));
  told.set_save_program(ProgramName(options.tools, family, "save"));
  told.set_restore_program(ProgramName(options.tools, family, "restore"));
  ASSIGN_OR_RETURN(const CommandResult save, Run({told.save_program()}, ""));
  const std::string hidden = IncompatibleTable(save.out);
  if (!hidden.empty() && !options.force) {
    return absl::FailedPreconditionError(absl::StrCat(
        told.save_program(), " cannot show the table ", hidden,
        ", which has rules that only nft understands; use netpolctl cleanup "
        "without --mode=pipeline, which leaves them alone, or --force to write "
        "the other tables as they were shown"));
  }
  const std::string rest =
      WithoutOurLines(save.out, *told.mutable_dropped_lines());
  if (options.dry_run) return absl::OkStatus();
  RETURN_IF_ERROR(Annotate(
      Run(RestoreCommand(told.restore_program(), options.lock_timeout), rest)
          .status(),
      "tables before the one at fault may be written"));
  told.set_restored(true);
  return absl::OkStatus();
}

}  // namespace

v1::PipelineResult CleanUpByPipeline(const PipelineOptions& options) {
  v1::PipelineResult result;
  result.set_dry_run(options.dry_run);
  for (const Family family : kFamilies) {
    v1::PipelineTable told;
    const absl::Status done = CleanFamily(family, options, told);
    if (done.ok()) {
      *result.add_families() = std::move(told);
      continue;
    }
    v1::Problem& problem = *result.add_problems();
    problem.set_severity(v1::Problem::ERROR);
    problem.set_text(
        absl::StrCat(FamilyName(family), ": not cleaned: ", done.message()));
  }
  result.set_complete(result.problems().empty());
  return result;
}

}  // namespace netpol
