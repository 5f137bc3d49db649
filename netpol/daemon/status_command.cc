#include "netpol/daemon/status_command.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "netpol/base/status_macros.h"
#include "netpol/daemon/control_client.h"
#include "netpol/daemon/status_form.h"
#include "netpol/daemon/status_service.h"

namespace netpol {
namespace {

absl::StatusOr<v1::DaemonStatus> AskForStatus(const std::string& socket) {
  const absl::StatusOr<std::string> reply =
      AskDaemon(socket, kStatusRoute, "{}");
  if (absl::IsUnavailable(reply.status())) {
    return absl::UnavailableError(absl::StrCat(
        reply.status().message(),
        "; start netpolctl run, give its --control-socket, or look as root: "
        "nobody else may ask"));
  }
  if (!reply.ok()) return reply.status();
  v1::DaemonStatus status;
  RETURN_IF_ERROR(ReadReply(*reply, status));
  return status;
}

}  // namespace

ExitCode RunStatus(const Flags& flags, Console& console) {
  const absl::StatusOr<v1::DaemonStatus> status =
      AskForStatus(flags.control_socket);
  if (!status.ok()) return console.Fail("asking the daemon", status.status());
  // What is not known is not there: a 0 would be another answer.
  console.out() << (console.json() ? WireJsonOf(*status) + "\n"
                                   : TextOf(*status));
  return status->healthy() ? kDone : kFailed;
}

}  // namespace netpol
