// Asks the daemon of this node.
#ifndef NETPOL_DAEMON_CONTROL_CLIENT_H_
#define NETPOL_DAEMON_CONTROL_CLIENT_H_

#include <string>

#include "absl/status/statusor.h"

namespace netpol {

// The daemon's reply to `body` at `route`, over the socket at `path`; waits for
// half a minute at most. Unavailable if no daemon answers; else the error that
// the daemon gave.
absl::StatusOr<std::string> AskDaemon(const std::string& path,
                                      const std::string& route,
                                      const std::string& body);

}  // namespace netpol

#endif  // NETPOL_DAEMON_CONTROL_CLIENT_H_
