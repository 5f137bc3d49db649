#include "tests/kernel/take_over/node_programs.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "netpol/base/status_macros.h"
#include "tests/kernel/lab/node_process.h"

namespace netpol {

std::string TablesProgram(Flavour flavour, Family family,
                          absl::string_view suffix) {
  return absl::StrCat(family == Family::kIPv4 ? "iptables" : "ip6tables", "-",
                      FlavourName(flavour), suffix);
}

absl::StatusOr<std::string> RunOn(const NetNs& ns,
                                  const std::vector<std::string>& argv,
                                  const std::string& input) {
  Program program;
  program.argv = argv;
  program.input = input;
  ASSIGN_OR_RETURN(const ProgramResult result, RunProgram(ns, program));
  if (result.exit_code != 0) {
    return absl::InternalError(absl::StrCat(absl::StrJoin(argv, " "),
                                            " ended with ", result.exit_code,
                                            ": ", result.err));
  }
  return result.out;
}

}  // namespace netpol
