// Asks the daemon of this node.
#ifndef NETPOL_DAEMON_CONTROL_CLIENT_H_
#define NETPOL_DAEMON_CONTROL_CLIENT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"

namespace netpol {

// The daemon's reply to `body` at `route`, over the socket at `path`; waits for
// half a minute at most. Unavailable if no daemon answers; else the error that
// the daemon gave.
absl::StatusOr<std::string> AskDaemon(const std::string& path,
                                      const std::string& route,
                                      const std::string& body);

// Fills `answer` from a reply, as JSON of that message. What a newer daemon
// says beyond it is left out. Internal if it is no such JSON.
absl::Status ReadReply(const std::string& reply,
                       google::protobuf::Message& answer);

}  // namespace netpol

#endif  // NETPOL_DAEMON_CONTROL_CLIENT_H_
