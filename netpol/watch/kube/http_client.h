// HTTPS requests to one API server, many at once, none of them waited for.
#ifndef NETPOL_WATCH_KUBE_HTTP_CLIENT_H_
#define NETPOL_WATCH_KUBE_HTTP_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "netpol/watch/kube/credentials.h"

namespace netpol {

struct HttpClientOptions {
  std::string user_agent;       // Not like curl's or a browser's.
  std::string proxy_url;        // Empty: as the environment says.
  bool no_proxy = false;        // None, whatever the environment says.
  std::string tls_server_name;  // Empty: the host of the URL.
  bool insecure_skip_tls_verify = false;
  bool http1_only = false;
  absl::Duration connect_timeout = absl::Seconds(30);  // TLS included.
};

// A GET request.
struct HttpRequest {
  std::string url;
  std::string accept;  // The header's value; no compression is ever asked for.
  // Until the head of the response is there.
  absl::Duration head_timeout = absl::Seconds(60);
  // Between two pieces of the response; infinite for no limit.
  absl::Duration idle_timeout = absl::Seconds(60);
  // For all of it; infinite for no limit.
  absl::Duration total_timeout = absl::InfiniteDuration();
};

struct HttpHead {
  int status = 0;
  std::string content_type;                    // As sent, parameters included.
  std::string content_encoding;                // Empty: none.
  absl::optional<absl::Duration> retry_after;  // In seconds or as a date.
  std::vector<std::string> warnings;           // Texts of Warning: 299.
};

// Gets one response, on the thread that calls Run(). May Start() and Cancel()
// other requests, not this one.
class HttpSink {
 public:
  virtual ~HttpSink() = default;
  virtual void OnHead(const HttpHead& head) = 0;
  // An error ends the request: OnDone gets it.
  virtual absl::Status OnBody(absl::string_view bytes) = 0;
  // The last call. OK: the response is complete, whatever its HTTP status.
  // DeadlineExceeded: a time limit (says which). Unauthenticated: the server's
  // certificate did not verify, or ours could not be used. Unavailable: all
  // else that the network or the server may cure (refused, reset, no such host,
  // ended in the middle). Says what was tried (host and port, never a header).
  virtual void OnDone(const absl::Status& status) = 0;
};

// Connections are kept and shared (HTTP/2 where the server has it); a dead one
// is noticed within about a minute (TCP keepalive and TCP_USER_TIMEOUT).
// Redirects are not followed. Thread-compatible; no thread but that of the name
// resolver.
class HttpClient {
 public:
  static absl::StatusOr<std::unique_ptr<HttpClient>> Create(
      HttpClientOptions options);
  virtual ~HttpClient() = default;

  // Sends a request with these credentials; connections that were opened with
  // another tls_generation are not used for it. `sink` must live until OnDone
  // or Cancel. Returns its number.
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
