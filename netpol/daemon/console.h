// Where a command writes, and how.
#ifndef NETPOL_DAEMON_CONSOLE_H_
#define NETPOL_DAEMON_CONSOLE_H_

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "netpol/daemon/exit_code.h"
#include "netpol/daemon/flags.h"
#include "netpol/daemon/text_form.h"
#include "netpol/enforcer/json_form.h"
#include "proto/netpol/status.pb.h"

namespace netpol {

// Results go to `out`, as text or JSON; errors, problems and progress to `err`.
// Thread-compatible.
class Console {
 public:
  // The streams must outlive the console. `err_is_terminal`: progress is shown.
  Console(const Flags& flags, std::ostream& out, std::ostream& err,
          bool err_is_terminal);

  bool json() const { return json_; }
  std::ostream& out() { return out_; }

  // A message that text_form.h knows.
  template <typename Message>
  void Print(const Message& message) {
    out_ << (json_ ? JsonOf(message) : TextOf(message));
  }

  // "netpolctl apply: <tried>: <status>". Returns the code to exit with.
  ExitCode Fail(absl::string_view tried, const absl::Status& status);
  // Likewise for a command line that cannot be used.
  ExitCode FailUsage(const absl::Status& status);
  void Tell(const v1::Problem& problem);

  // For Progress: the stream, or nullptr.
  std::ostream* terminal() { return err_is_terminal_ ? &err_ : nullptr; }
  // "netpolctl apply: <doing>".
  std::string Doing(absl::string_view doing) const;

 private:
  std::string prefix_;
  bool json_;
  bool err_is_terminal_;
  std::ostream& out_;
  std::ostream& err_;
};

}  // namespace netpol

#endif  // NETPOL_DAEMON_CONSOLE_H_
