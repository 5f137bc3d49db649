// Errors as they cross the control socket.
#ifndef NETPOL_DAEMON_CONTROL_STATUS_H_
#define NETPOL_DAEMON_CONTROL_STATUS_H_

#include "absl/status/status.h"

namespace netpol {

// The HTTP status that stands for a code; 500 for those that have none of their
// own.
int HttpStatusOf(absl::StatusCode code);

// The other way; kInternal for an HTTP status that stands for none.
absl::StatusCode StatusCodeOf(int http_status);

}  // namespace netpol

#endif  // NETPOL_DAEMON_CONTROL_STATUS_H_
