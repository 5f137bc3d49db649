// HTTPS requests to one API server, many at once, none of them waited for.
#ifndef NETPOL_WATCH_KUBE_HTTP_CLIENT_H_
#define NETPOL_WATCH_KUBE_HTTP_CLIENT_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "netpol/watch/kube/credentials.h"
#include "netpol/watch/kube/http_client_options.h"
#include "netpol/watch/kube/http_request.h"

namespace netpol {

// Connections are kept and shared (HTTP/2 where the server has it); a dead one
// is noticed within about a minute (TCP keepalive and TCP_USER_TIMEOUT), and
// after a time limit the next request opens a new one. Redirects are not
// followed. Thread-compatible; no thread but that of the name resolver (which
// may outlive a cancelled request until the name server has answered it).
class HttpClient {
 public:
  // InvalidArgument: options that cannot be right.
  static absl::StatusOr<std::unique_ptr<HttpClient>> Create(
      HttpClientOptions options);

  // Ends the running requests without another call of their sinks.
  virtual ~HttpClient() = default;

  // Sends a request with these credentials, at the next Run(); connections that
  // were opened with another tls_generation are not used for it. `sink` must
  // live until OnDone or Cancel. Returns its number, never 0.
  virtual uint64_t Start(const HttpRequest& request,
                         const Credentials& credentials, HttpSink* sink) = 0;

  // Ends it without another call of its sink; nothing if it has ended.
  virtual void Cancel(uint64_t number) = 0;

  // Does what can be done without waiting, and calls the sinks.
  virtual void Run() = 0;

  // Readable when Run() has work to do, time limits included (epoll).
  virtual int fd() const = 0;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_HTTP_CLIENT_H_
