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

// One family on its way through the pipeline.
struct Passage {
  v1::PipelineTable told;
  std::string rest;          // of the save
  std::string hidden_table;  // that the save could not show
  absl::Status status;
};

Passage Save(Family family, PipelineTools tools) {
  Passage passage;
  v1::PipelineTable& told = passage.told;
  told.set_family(std::string(FamilyName(family)));
  told.set_save_program(ProgramName(tools, family, "save"));
  told.set_restore_program(ProgramName(tools, family, "restore"));
  const absl::StatusOr<CommandResult> save = Run({told.save_program()}, "");
  passage.status = save.status();
  if (!save.ok()) return passage;
  passage.hidden_table = IncompatibleTable(save->out);
  passage.rest = WithoutOurLines(save->out, *told.mutable_dropped_lines());
  return passage;
}

void Restore(absl::Duration lock_timeout, Passage& passage) {
  passage.status =
      Annotate(Run(RestoreCommand(passage.told.restore_program(), lock_timeout),
                   passage.rest)
                   .status(),
               "tables before the one at fault may be written");
  passage.told.set_restored(passage.status.ok());
}

absl::Status HiddenError(const Passage& passage) {
  return absl::FailedPreconditionError(absl::StrCat(
      passage.told.save_program(), " cannot show the table ",
      passage.hidden_table,
      ", which has rules that only nft understands, so that nothing was "
      "changed in either family; use netpolctl cleanup without "
      "--mode=pipeline, which leaves such rules alone, or --force to write the "
      "other tables as they are shown"));
}

absl::Status StillThereError(const Passage& passage) {
  return absl::FailedPreconditionError(absl::StrCat(
      passage.told.save_program(), " did not show the table ",
      passage.hidden_table,
      ": everything in it is still there, our rules too; use netpolctl cleanup "
      "without --mode=pipeline"));
}

}  // namespace

v1::PipelineResult CleanUpByPipeline(const PipelineOptions& options) {
  std::vector<Passage> passages;
  bool hidden = false;
  for (const Family family : kFamilies) {
    passages.push_back(Save(family, options.tools));
    hidden = hidden || !passages.back().hidden_table.empty();
  }
  const bool write = !options.dry_run && (!hidden || options.force);
  v1::PipelineResult result;
  result.set_dry_run(options.dry_run);
  for (Passage& passage : passages) {
    if (passage.status.ok() && write) Restore(options.lock_timeout, passage);
    if (!passage.hidden_table.empty()) {
      passage.status = options.force && passage.status.ok()
                           ? StillThereError(passage)
                           : HiddenError(passage);
    }
    if (!passage.status.ok()) {
      v1::Problem& problem = *result.add_problems();
      problem.set_severity(v1::Problem::ERROR);
      problem.set_text(
          absl::StrCat(passage.told.family(), ": ", passage.status.message()));
    }
    *result.add_families() = std::move(passage.told);
  }
  result.set_complete(result.problems().empty());
  return result;
}

}  // namespace netpol
