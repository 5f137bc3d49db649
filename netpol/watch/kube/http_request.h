// A request to an API server, and who gets the response.
#ifndef NETPOL_WATCH_KUBE_HTTP_REQUEST_H_
#define NETPOL_WATCH_KUBE_HTTP_REQUEST_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace netpol {

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

// Gets one response, on the thread that calls HttpClient::Run(). May Start()
// and Cancel() other requests, not this one; OnDone may not destroy the client.
class HttpSink {
 public:
  virtual ~HttpSink() = default;
  virtual void OnHead(const HttpHead& head) = 0;
  // An error ends the request: OnDone gets it.
  virtual absl::Status OnBody(absl::string_view bytes) = 0;
  // The last call. OK: the response is complete, whatever its HTTP status.
  // DeadlineExceeded: a time limit (says which). Unauthenticated: the server's
  // certificate did not verify, or ours could not be used. InvalidArgument: not
  // sent at all (what is no URL, a token over plain http to another machine).
  // Unavailable: all else that the network or the server may cure (refused,
  // reset, no such host, ended in the middle). Says what was tried (host and
  // port, never a header).
  virtual void OnDone(const absl::Status& status) = 0;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_HTTP_REQUEST_H_
