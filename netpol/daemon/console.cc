#include "netpol/daemon/console.h"

#include "absl/strings/str_cat.h"

namespace netpol {
namespace {

std::string TextOfStatus(const absl::Status& status) {
  return status.message().empty() ? status.ToString()
                                  : std::string(status.message());
}

}  // namespace

Console::Console(const Flags& flags, std::ostream& out, std::ostream& err,
                 bool err_is_terminal)
    : prefix_(absl::StrCat("netpolctl ", CommandName(flags.command), ": ")),
      json_(flags.output == "json"),
      err_is_terminal_(err_is_terminal),
      out_(out),
      err_(err) {}

ExitCode Console::Fail(absl::string_view tried, const absl::Status& status) {
  err_ << prefix_ << tried << ": " << TextOfStatus(status) << std::endl;
  return kFailed;
}

ExitCode Console::FailUsage(const absl::Status& status) {
  Fail("reading the command line", status);
  return kUsage;
}

void Console::Tell(const v1::Problem& problem) {
  err_ << prefix_ << ProblemLine(problem) << std::flush;
}

std::string Console::Doing(absl::string_view doing) const {
  return absl::StrCat(prefix_, doing);
}

}  // namespace netpol
