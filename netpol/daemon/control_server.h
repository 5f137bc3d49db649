// The socket on which a running daemon answers questions: HTTP on a Unix
// socket.
#ifndef NETPOL_DAEMON_CONTROL_SERVER_H_
#define NETPOL_DAEMON_CONTROL_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"

namespace netpol {

// Takes a request's body, and gives the reply's; an error becomes the HTTP
// status of HttpStatusOf() with the message as body. Called on a thread of the
// server, by two at once at most.
using ControlHandler =
    std::function<absl::StatusOr<std::string>(const std::string& body)>;

// Serves until its end, which waits for the requests that are being answered
// and removes the socket. A request has at most 64 KiB, and 5 seconds to
// arrive. Thread-compatible.
class ControlServer {
 public:
  // Listens at `path`, which root alone may use; the folder is made if it is
  // missing. A socket that nobody listens to any more is replaced. `handlers`
  // are those of POST requests, by path ("/v1/explain"). InvalidArgument for a
  // path that is too long for a socket; AlreadyExists if somebody listens
  // there, or if something else than a socket is there; Unavailable for what
  // the system refuses.
  static absl::StatusOr<std::unique_ptr<ControlServer>> Start(
      const std::string& path,
      const absl::btree_map<std::string, ControlHandler>& handlers);

  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  struct Listener;

  explicit ControlServer(std::unique_ptr<Listener> listener);

  std::unique_ptr<Listener> listener_;
};

}  // namespace netpol

#endif  // NETPOL_DAEMON_CONTROL_SERVER_H_
